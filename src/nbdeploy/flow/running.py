"""The verbs about what runs: *up*, *down*, *status*, *release*, *roll back*."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from nbdeploy.approve.record import Chain
from nbdeploy.approve.standing import standing
from nbdeploy.documents.request import Request
from nbdeploy.errors import ServiceError, closest
from nbdeploy.flow.project import Project
from nbdeploy.flow.results import Acted, EndpointLine, Started, StatusReport
from nbdeploy.release.journal import Journal, Journaled, Verb
from nbdeploy.release.service import Serving, service_state

_START_SECONDS = 60.0
_ANSWER_SECONDS = 30.0
_MOVING = ("waiting", "verifying", "starting", "rolling")


# The service ----------------------------------------------------------------------------------------------------------


def _state(project: Project) -> Serving | None:
    return service_state(project.settings.state / "service.json")


def service_url(project: Project) -> str | None:
    """Return the address of this project's running service, or None."""
    running = _state(project)
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
    running = _state(project)
    if running is not None:
        return Started(running.url, running.pid)
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
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        running = _state(project)
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
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the child has it too and answers what is under way first
            continue


def down(*, missing_ok: bool = False) -> Acted:
    """Stop this project's service; what is under way is answered first.

    Raises
    ------
    ServiceError
        None is running, unless `missing_ok`; or it did not stop.
    """
    project = Project.find()
    running = _state(project) if project else None
    if project is None or running is None:
        if missing_ok:
            return Acted("down", "service", "No service was running.")
        raise ServiceError("no service of this project is running here", next="start it with: nbdeploy up")
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + _ANSWER_SECONDS
    while not _gone(running.pid):
        if time.monotonic() > deadline:
            raise ServiceError(f"the service (process {running.pid}) did not stop within {_ANSWER_SECONDS:g} s")
        time.sleep(0.05)
    return Acted("down", running.url, "The service has stopped; every request under way was answered.")


def _gone(pid: int) -> bool:
    """Whether a process has ended; one that we started ourselves is waited for, or it would stay as a zombie."""
    with suppress(ChildProcessError):  # somebody else may have started it
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"


# What runs ------------------------------------------------------------------------------------------------------------


def status(name: str | None = None, *, everything: bool = False, settle: float = 0.0) -> StatusReport:
    """Return what is asked for, approved and live.

    Parameters
    ----------
    name
        An objective; all of the project's unless given.
    everything
        Also the registered models that nothing governs.
    settle
        Seconds to wait at most for rollouts under way.
    """
    project = Project.require()
    journal = Journal(project.settings.ledger_url)
    deadline = time.monotonic() + settle
    while settle and _state(project) is not None and time.monotonic() < deadline and _moving(project, journal, name):
        time.sleep(0.1)
    lines = tuple(_lines(project, journal, name))
    governed = {project.objective(known).content.governed_model for known in project.declared()}
    ungoverned = tuple(model for model in project.registry.models() if model not in governed) if everything else ()
    return StatusReport(
        project=project.settings.project.name,
        service=service_url(project),
        lines=lines,
        ungoverned=ungoverned,
        alerts=tuple(f"{alert.about}: {alert.text}" for alert in journal.alerts()),
        at=datetime.now(UTC),
    )


def settled(name: str) -> bool:
    """Whether no rollout of an objective is on its way: all are live, rolled back, refused, or held for a human."""
    project = Project.require()
    return not _moving(project, Journal(project.settings.ledger_url), name)


def held(name: str) -> bool:
    """Whether a rollout of an objective waits for a human: the requests so far decide nothing."""
    project = Project.require()
    return any(line.live.startswith("held") for line in _lines(project, Journal(project.settings.ledger_url), name))


def _moving(project: Project, journal: Journal, name: str | None) -> bool:
    return any(line.live.split(" ")[0] in _MOVING for line in _lines(project, journal, name))


def _lines(project: Project, journal: Journal, name: str | None) -> Iterator[EndpointLine]:
    """Yield the newest request of every objective and environment, and what else is live there."""
    chain = project.chain()
    journaled = {entry.release.request: entry for entry in journal.releases()}
    newest: dict[tuple[str, str], Request] = {}
    for request in chain.requests.values():
        if name in (None, request.objective):
            newest[request.objective, request.environment] = request
    for request in newest.values():
        yield _line(project, chain, request, journaled)
    for known in project.declared():
        if name in (None, known) and not any(objective == known for objective, _ in newest):
            content = project.objective(known).content
            yield EndpointLine(known, content.governed_model, content.served_at, "–", "nothing", "not asked for")


def _line(project: Project, chain: Chain, request: Request, journaled: dict[str, Journaled]) -> EndpointLine:
    found = standing(chain, request.id, project.policy, datetime.now(UTC))
    entry = journaled.get(request.id)
    live, note = "nothing", ""
    if entry is not None:
        release = entry.release
        live = f"{release.state} {release.subject} at {release.weight:g} %"
        note = release.steps[-1].reason if release.steps else ""
    elif found.state == "approved":
        live = "waiting for the controller"
    before = _still_live(journaled, request)
    if before:
        live = f"{live}; live: {before}"
    return EndpointLine(
        objective=request.objective,
        model=request.subject,
        endpoint=request.endpoint,
        environment=request.environment,
        live=live,
        standing=f"{found.state.replace('_', ' ')} ({request.id})",
        note=note,
    )


def _still_live(journaled: dict[str, Journaled], request: Request) -> str:
    """Return the other version that answers at a request's endpoint, if one does."""
    others = [
        entry.release.subject
        for entry in journaled.values()
        if entry.release.request != request.id
        and (entry.release.endpoint, entry.release.environment) == (request.endpoint, request.environment)
        and entry.release.state == "live"
    ]
    return others[-1] if others else ""


# Commands -------------------------------------------------------------------------------------------------------------


def release(name: str, action: str, *, reason: str = "") -> Acted:
    """Steer the rollout of an objective by hand: promote, pause, resume or abort.

    Raises
    ------
    ServiceError
        No service is running to carry it out, it did not answer in time, or it refused; the sentence says why.
    """
    actions: tuple[Verb, ...] = ("promote", "pause", "resume", "abort")
    for known in actions:
        if known == action:
            return _ask(name, known, reason)
    raise ServiceError(
        f"{action!r} is no way to steer a release{closest(action, actions)}", next=f"one of: {', '.join(actions)}"
    )


def rollback(name: str, *, reason: str = "asked for by hand") -> Acted:
    """Send all traffic of an objective's endpoint back to the previous version, at once.

    Raises
    ------
    ServiceError
        As for `release`; among others when there is no previous version.
    """
    return _ask(name, "rollback", reason)


def _ask(name: str, verb: Verb, reason: str) -> Acted:
    project = Project.require()
    endpoint = project.objective(name).content.served_at
    if _state(project) is None:
        raise ServiceError(
            "no service of this project is running, so nothing can be steered", next="start it with: nbdeploy up"
        )
    journal = Journal(project.settings.ledger_url)
    number = journal.ask(endpoint, verb, by=project.person, reason=reason)
    deadline = time.monotonic() + _ANSWER_SECONDS
    while time.monotonic() < deadline:
        command = journal.command(number)
        if command.done is not None:
            if not command.done:
                raise ServiceError(command.answer)
            return Acted(verb, endpoint, command.answer)
        time.sleep(0.02)
    raise ServiceError(f"the controller did not answer {verb} within {_ANSWER_SECONDS:g} s", next="nbdeploy status")
