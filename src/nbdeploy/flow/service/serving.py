"""The verbs *up* and *down*: the one process that watches approvals, deploys and serves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbdeploy.errors import ServiceError
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown
from nbdeploy.release.running import STATE, Serving, service_process, service_state

_START_SECONDS = 60.0
_STOP_SECONDS = 90.0
"""Requests under way, the controller's last round and the workers have 30, 15 and 30 s."""

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Services that this process started, by their process id."""


@dataclass(frozen=True)
class Started(Result):
    """A service is running."""

    url: str
    pid: int

    def show(self) -> Shown:
        return Shown(
            title=f"nbdeploy serves at {self.url}", lines=[f"Process {self.pid}. It stops with: nbdeploy down"]
        )

    def facts(self) -> dict[str, Any]:
        return {"url": self.url, "pid": self.pid}


@dataclass(frozen=True)
class Stopped(Result):
    """No service is running any more."""

    url: str | None

    def show(self) -> Shown:
        if self.url is None:
            return Shown(title="No service was running.")
        return Shown(title=f"The service at {self.url} has stopped", lines=["Every request under way was answered."])

    def facts(self) -> dict[str, Any]:
        return {"url": self.url}


def state_of(project: Project) -> Serving | None:
    """Return the running service of a project, or None."""
    return service_state(project.settings.state / STATE)


def silent_service(project: Project) -> str | None:
    """Return what to know of a service of this project that lives and does not answer, or None."""
    found = service_process(project.settings.state / STATE)
    if found is None or state_of(project) is not None:
        return None
    return f"the service of this project (process {found.pid}) does not answer at {found.url}"


def service_url(project: Project) -> str | None:
    """Return the address of this project's running service, or None."""
    running = state_of(project)
    return running.url if running else None


def _command(project: Project, port: int, policy_file: Path | None) -> list[str]:
    policy = (policy_file or project.settings.policy_file).absolute()
    where = ["--project", str(project.settings.root), "--policy", str(policy), "--port", str(port)]
    return [sys.executable, "-m", "nbdeploy.release.service", *where]


def up(*, port: int = 0, policy_file: Path | None = None) -> Started:
    """Start the controller and the gateway of this project in the background.

    Parameters
    ----------
    port
        On the loopback address; 0 takes any free one.
    policy_file
        The deployer's own copy; the project's unless given.

    Raises
    ------
    ServiceError
        The port is taken, or the service did not start; the sentence gives its last words.
    """
    project = Project.require()
    running = state_of(project)
    if running is not None:
        return Started(running.url, running.pid)
    silent = silent_service(project)
    if silent is not None:
        raise ServiceError(silent, next="nbdeploy down, then nbdeploy up")
    log = project.settings.state / "service.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        process = subprocess.Popen(
            _command(project, port, policy_file),
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    _children[process.pid] = process
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        running = state_of(project)
        if running is not None:
            return Started(running.url, running.pid)
        if process.poll() is not None:
            raise ServiceError(f"the service did not start: {_last_words(log)}", next=f"see {log}")
        time.sleep(0.05)
    process.terminate()
    raise ServiceError(f"the service did not start within {_START_SECONDS:g} s", next=f"see {log}")


def serve_here(*, port: int = 8080, policy_file: Path | None = None) -> int:
    """Run the service in this terminal until Ctrl-C or SIGTERM; return its exit code."""
    project = Project.require()
    process = subprocess.Popen(_command(project, port, policy_file))

    def pass_on(number: int, _: object) -> None:
        process.send_signal(number)  # it answers what is under way first; told twice, it stops once

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        return process.wait()
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def down(*, missing_ok: bool = False) -> Stopped:
    """Stop this project's service; what is under way is answered first.

    Raises
    ------
    ServiceError
        None is running, unless `missing_ok`; or it did not stop.
    """
    project = Project.find()
    running = service_process(project.settings.state / STATE) if project else None
    if project is None or running is None:
        if missing_ok:
            return Stopped(None)
        raise ServiceError("no service of this project is running here", next="start it with: nbdeploy up")
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while not _gone(running.pid):
        if time.monotonic() > deadline:
            raise ServiceError(
                f"the service (process {running.pid}) did not stop within {_STOP_SECONDS:g} s",
                next=f"kill -9 {running.pid}; every step is journaled, and nbdeploy up goes on from there",
            )
        time.sleep(0.05)
    return Stopped(running.url)


def _gone(pid: int) -> bool:
    """Whether a process has ended; one that was started here is waited for, or it would stay as a zombie."""
    child = _children.get(pid)
    if child is not None:
        return child.poll() is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"
