"""A project on disk with its keys, policy, ledger and MLflow store, and the service as a process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.registry.store import copied
from tests.release.scene import People, key, policy_text

from nbdeploy.documents.request import Request
from nbdeploy.release.journal import Journal
from nbdeploy.release.running import service_state
from nbdeploy.trust.ledger.store import Ledger


class RealProject(People):
    def __init__(self, root: Path, models: dict[str, Path], store: Path) -> None:
        self.root = root
        self.state = root / ".nbdeploy"
        (self.state / "keys").mkdir(parents=True)
        for file, name in (("controller", "deployer"), ("ledger", "ledger")):
            path = self.state / "keys" / f"{file}.pem"
            path.touch(mode=0o600)
            path.write_bytes(key(name).private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (root / "nbdeploy.toml").write_text('[project]\nname = "churn"\n')
        self.policy = root / "policy.toml"
        self.policy.write_text(policy_text())
        self.registry = copied(store, self.state)
        self.journal = Journal(f"sqlite:///{self.state / 'ledger.db'}")
        self.processes: list[subprocess.Popen[bytes]] = []
        super().__init__(Ledger(f"sqlite:///{self.state / 'ledger.db'}", key("ledger")), models)

    def deploy(self, model: str, version: str, **changes: Any) -> Request:
        """Register, validate, log, ask and approve, as the stages before would."""
        request = self.request(model, version, **changes)
        folder = self.root / "run"
        folder.mkdir(exist_ok=True)
        for name, data in self.documents[request.digests.evidence].items():
            (folder / name).write_bytes(data)
        run = self.registry.log_validation(self.evidence[request.digests.evidence], folder)
        assert self.registry.register("churn", self.models[model], run_id=run) == version
        self.approve(request)
        return request

    def command(self, *options: str) -> list[str]:
        where = ["--project", str(self.root), "--policy", str(self.policy)]
        return [sys.executable, "-m", "nbdeploy.release.service", *where, *options]

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*options), capture_output=True, text=True, timeout=120, check=False)

    def begin(self, port: int = 0) -> subprocess.Popen[bytes]:
        """Start a service and do not wait for it."""
        with (self.root / "stderr").open("ab") as stderr:
            process = subprocess.Popen(self.command("--port", str(port)), stdout=subprocess.DEVNULL, stderr=stderr)
        self.processes.append(process)
        return process

    def start(self, port: int = 0) -> subprocess.Popen[bytes]:
        process = self.begin(port)
        self.wait_until(lambda: process.poll() is not None or service_state(self.state / "service.json") is not None)
        assert process.poll() is None, self.log()
        return process

    def log(self) -> str:
        return (self.root / "stderr").read_text()

    def url(self) -> str:
        found = service_state(self.state / "service.json")
        assert found is not None
        return found.url

    def wait_for(self, state: str) -> None:
        self.wait_until(lambda: any(found.release.state == state for found in self.journal.releases()))

    def wait_until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it did not happen in time: {self.log()}"
            time.sleep(0.05)
