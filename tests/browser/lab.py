"""A real JupyterLab server of its own: loopback, token, and no folder of the user's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TOKEN = "for-this-test-only"
_QUIET = {"fetchNews": "false", "checkForUpdates": False}


@dataclass(frozen=True)
class Lab:
    """A running server and the folder that it shows."""

    url: str
    root: Path

    def address(self, file: str) -> str:
        return f"{self.url}doc/tree/{file}?token={TOKEN}&reset"


@contextmanager
def started(folder: Path, theme: str = "JupyterLab Light") -> Iterator[Lab]:
    """Start a server and end it again."""
    homes = {
        "HOME": "home",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    for name in (*homes.values(), "root"):
        (folder / name).mkdir(parents=True)
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(_QUIET))
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
    options = [
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        "--port=0",
        f"--ServerApp.root_dir={folder / 'root'}",
        f"--IdentityProvider.token={TOKEN}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None",
        "--LabApp.extension_manager=readonly",
    ]
    environment = os.environ | {variable: str(folder / name) for variable, name in homes.items()}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield Lab(_address(server, folder), folder / "root")
        finally:
            server.terminate()
            server.wait(20)


def _address(server: subprocess.Popen[bytes], folder: Path) -> str:
    """Wait until the server has written where it listens."""
    import httpx

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        for file in (folder / "runtime").glob("jpserver-*.json"):
            try:
                url = json.loads(file.read_text())["url"]
                httpx.get(f"{url}api", timeout=5).raise_for_status()
            except (ValueError, httpx.HTTPError):  # half written, or not yet listening
                continue
            return str(url)
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{(folder / 'log').read_text()}")
