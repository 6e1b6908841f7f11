"""A project in use, under attack: MLflow with its SQL store, a ledger in SQL, a controller, a model that answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.registry.store import copied, empty_store
from tests.release.kept import KeptTarget, KeptWorkers
from tests.release.scene import AT_ONCE, Scene, key, policy_text
from tests.serve.live import Serving, save_plain_models

from nbdeploy.admission.admit import admit
from nbdeploy.approve.chain import Chain
from nbdeploy.approve.record import read_chain
from nbdeploy.approve.signoff import decide
from nbdeploy.documents.request import Request
from nbdeploy.errors import NbdeployError
from nbdeploy.registry import Registry
from nbdeploy.release.authority import Memory
from nbdeploy.release.controller import Controller
from nbdeploy.release.intake import Bytes, Intake
from nbdeploy.release.journal import Journal
from nbdeploy.release.mirror import Mirror
from nbdeploy.trust.ledger.store import Ledger

PRODUCTION = '[environments.production]\nscan = "allow"'


class Siege(Scene):
    """Version 1 of churn is approved and answers; `asked` is for version 2. An attack tries to get another served."""

    def __init__(self, root: Path, models: dict[str, Path], serving: Serving, kept: KeptWorkers, store: Path) -> None:
        self.registry: Registry = copied(store, root)
        self.mirror = Mirror(self.registry, every=3600)  # what it does about moved aliases is told elsewhere
        self.runs: dict[str, str] = {}
        super().__init__(root, models, serving, kept)
        self.approve(self.candidate("old"))
        self.controller.reconcile()
        assert self.ask() == [(200, "churn/1")]
        self.asked = self.candidate()

    def start(self) -> None:
        # The models have a class of their own; what the file scan says of that is told elsewhere.
        self.policy_file.write_text(policy_text().replace("[environments.production]", PRODUCTION))
        self.ledger = Ledger(f"sqlite:///{self.root}/ledger.db", key("ledger"), seen=self.root / "ledger.seen")
        self.target = KeptTarget(self.serving.gateway, self.serving.loop, self.root / "logs", self.kept)
        self.journal = Journal(self.ledger.url)
        self.controller = Controller(
            self.ledger,
            self.policy_file,
            self.journal,
            Intake(self.root / "admitted", self.ledger, Bytes(self.fetch, self.stored_documents)),
            self.target,
            self.mirror,
            key("deployer"),
            clock=lambda: self.now,
            memory=Memory(self.root / "controller.policies"),
        )
        self.controller.resume()

    def folder(self, model: str, version: str) -> Path:
        """Return a model's folder; each version has bytes of its own."""
        place = self.root / "made" / version
        if not place.exists():
            shutil.copytree(self.models[model], place)
            (place / "notes.txt").write_text(f"version {version}\n")
        return place

    def fetch(self, request: Request, into: Path) -> Path:
        return self.registry.fetch(request.model, request.version, into)

    def stored_documents(self, request: Request) -> dict[str, bytes]:
        run = self.registry.evidence_run(request.digests.evidence)
        return {} if run is None else self.registry.documents(run)

    def candidate(self, model: str = "young") -> Request:
        """Register the next version, validate it and ask for it, as an author may."""
        known = self.registry.versions("churn") if "churn" in self.registry.models() else ()
        version = str(max(map(int, known), default=0) + 1)
        request = self.request(model, version, rollout=AT_ONCE)
        files = self.root / "run"
        files.mkdir(exist_ok=True)
        for name, data in self.documents[request.digests.evidence].items():
            (files / name).write_bytes(data)
        self.runs[request.id] = self.registry.log_validation(self.evidence[request.digests.evidence], files)
        made = self.registry.register("churn", self.folder(model, version), run_id=self.runs[request.id])
        assert made == version
        return request

    def approve(self, request: Request) -> None:
        signer = key("Vera").public
        policy = self.controller.authority.read_policy()
        predicate, subjects = decide(self.chain(), request.id, policy, signer, "approval", now=self.now)
        self.log_statement(predicate, dict(subjects), "Vera")

    def approved(self, request: Request | None = None) -> Request:
        """Return a request that Vera has approved, and that the controller has not seen yet."""
        request = request or self.asked
        self.approve(request)
        return request

    def weights(self, version: str) -> Path:
        """Return the file with the weights as MLflow's artifact store keeps them."""
        source = self.registry.client.get_model_version("churn", version)
        place = Path(
            self.registry.client.get_model_version_download_uri("churn", source.version).removeprefix("file://")
        )
        return next(file for file in sorted(place.rglob("*")) if file.name == "notes.txt")

    def refusal(self, request: Request) -> str:
        """Return the code with which the deployer's door refuses a request, or an empty text."""
        into = self.root / "tried"
        shutil.rmtree(into, ignore_errors=True)
        try:
            policy = self.controller.authority.read_policy()
            chain = read_chain(self.ledger.entries(), policy, self.now, ledger=self.ledger.public)
            admit(
                request.id,
                chain=chain,
                ledger=self.ledger,
                policy=policy,
                fetch=self.fetch,
                documents=self.stored_documents,
                into=into,
                now=self.now,
            )
        except NbdeployError as refused:
            return refused.code
        return ""

    def ignored(self) -> list[str]:
        """Return why entries of the ledger count for nothing."""
        chain: Chain = self.chain()
        return [reason for _, reason in chain.ignored]


@pytest.fixture(scope="module")
def besieged(tmp_path_factory) -> Iterator[Siege]:
    serving, kept = Serving(), KeptWorkers()
    root = tmp_path_factory.mktemp("siege")
    models = save_plain_models(tmp_path_factory.mktemp("models"))
    with serving.running():
        siege = Siege(root, models, serving, kept, empty_store(tmp_path_factory))
        yield siege
        siege.target.stop_all()
        for worker in kept.idle.values():
            serving.do(worker.stop(patience=1))


@pytest.fixture
def siege(besieged: Siege) -> Iterator[Siege]:
    """The project; afterwards its ledger and policy are as they were, so that attacks do not help each other."""
    files = (besieged.root / "ledger.db", besieged.root / "ledger.seen", besieged.policy_file)
    before = {file: file.read_bytes() for file in files}
    yield besieged
    besieged.target.stop_all()
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (besieged.root / name).unlink(missing_ok=True)
    for file, data in before.items():
        file.unlink()  # an attack may have made it a link
        file.write_bytes(data)
    shutil.rmtree(besieged.root / "controller.policies", ignore_errors=True)
    besieged.start()
