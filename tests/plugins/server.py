"""A real `mlflow server` in a process of its own, on a copy of an empty SQL store, asked over HTTP."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx

PASSWORD = "a password of sixteen"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Server:
    """`mlflow server` with one worker and an application of ours or MLflow's."""

    def __init__(self, folder: Path, store: Path, app: str, *options: str, **environment: str) -> None:
        folder.mkdir(parents=True)
        shutil.copy(store, folder / "mlflow.db")
        self.folder, self.app, self.options = folder, app, options
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "auth.ini").write_text(
            f"[mlflow]\ndefault_permission = EDIT\ndatabase_uri = sqlite:///{folder}/auth.db\nadmin_username = admin\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
            "auth_cache_ttl_seconds = 600\n"  # a password's hash takes half a second, for every request
        )
        settings = {
            "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
            "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "a key for forms that no test sends",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        self.environment = os.environ | settings | environment

    def __enter__(self) -> Self:
        where = ["--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db", "--workers", "1"]
        where += ["--artifacts-destination", str(self.folder / "artifacts"), "--port", str(self.port)]
        command = [sys.executable, "-m", "mlflow", "server", "--app-name", self.app, *where, *self.options]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait(30)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def ready(self, path: str = "/health") -> None:
        end = time.monotonic() + 150
        while True:
            try:
                if httpx.get(self.url + path, timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            assert self.process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.1)

    def account(self, name: str) -> None:
        """Make an account; every one has the same password."""
        body = {"username": name, "password": PASSWORD}
        answer = httpx.post(self.url + "/api/2.0/mlflow/users/create", json=body, auth=("admin", PASSWORD))
        assert answer.status_code == 200, answer.text
