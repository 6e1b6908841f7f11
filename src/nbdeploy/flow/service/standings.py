"""The verb *status*: what is asked for, approved and live."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from nbdeploy.approve.answered import word
from nbdeploy.approve.chain import Chain
from nbdeploy.approve.conditions import conditions
from nbdeploy.approve.standing import standing
from nbdeploy.documents.request import Request
from nbdeploy.flow.project import Project
from nbdeploy.flow.service.serving import service_url, silent_service
from nbdeploy.flow.show import Result, Shown, Table
from nbdeploy.release.addresses import address
from nbdeploy.release.journal import Alert, Journal, Journaled

_SHOWN_AFTERWARDS = timedelta(days=1)
"""How long trouble that is over is told of."""
_MOVING = ("waiting", "verifying", "starting", "rolling")


@dataclass(frozen=True)
class EndpointLine:
    """One endpoint or model in a status report. `url` takes requests while a version answers there."""

    objective: str
    model: str
    endpoint: str
    environment: str
    live: str
    standing: str
    note: str = ""
    url: str | None = None


@dataclass(frozen=True)
class StatusReport(Result):
    """What is governed, asked for, live."""

    project: str
    service: str | None
    lines: tuple[EndpointLine, ...]
    ungoverned: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    at: datetime | None = None
    silent: str | None = None

    def show(self) -> Shown:
        headers = ("objective", "model", "endpoint", "environment", "live", "standing", "note")
        rows = [
            (line.objective, line.model, line.endpoint, line.environment, line.live, line.standing, line.note)
            for line in self.lines
        ]
        serving = "No service is running here (start it with: nbdeploy up)."
        if self.service:
            serving = f"Serving at {self.service}."
        elif self.silent:
            serving = f"{self.silent[0].upper()}{self.silent[1:]} (nbdeploy down, then nbdeploy up)."
        return Shown(
            title=f"Project {self.project}",
            lines=[
                serving,
                *(f"Ask {line.endpoint} in {line.environment}: POST {line.url}" for line in self.lines if line.url),
                *(f"Alert: {alert}" for alert in self.alerts),
                *(f"Condition of {told}" for told in self.conditions),
            ],
            tables=[Table(headers, rows)] if rows else (),
            notes=[f"Not governed: {name}" for name in self.ungoverned]
            + ([] if rows else ["Nothing was asked for yet."]),
        )

    def facts(self) -> dict[str, Any]:
        return {"service": self.service, "lines": [vars(line) for line in self.lines], "alerts": list(self.alerts)}


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

    Raises
    ------
    ObjectiveError
        There is none of that name, here or in the ledger.
    """
    project = Project.require()
    if name is not None:
        project.require_name(name)
    journal = Journal(project.settings.journal_url)
    deadline = time.monotonic() + settle
    while settle and service_url(project) and time.monotonic() < deadline and _moving(project, journal, name):
        time.sleep(0.1)
    lines = tuple(_lines(project, journal, name))
    governed = {project.objective(known).content.governed_model for known in project.declared()}
    ungoverned = tuple(model for model in project.registry.models() if model not in governed) if everything else ()
    now = datetime.now(UTC)
    service = service_url(project)
    return StatusReport(
        project=project.settings.project.name,
        service=service,
        silent=None if service else silent_service(project),
        lines=lines,
        ungoverned=ungoverned,
        alerts=tuple(
            _told(alert) for alert in journal.alerts() if alert.over is None or now - alert.over < _SHOWN_AFTERWARDS
        ),
        conditions=conditions_told(project, project.chain(), name),
        at=now,
    )


def _told(alert: Alert) -> str:
    over = f" (over since {alert.over:%Y-%m-%d %H:%M} UTC)" if alert.over else ""
    return f"{alert.at:%Y-%m-%d %H:%M} UTC, {alert.about}: {alert.text}{over}"


def conditions_told(project: Project, chain: Chain, name: str | None) -> tuple[str, ...]:
    """Return the conditions of what may run, each with whether it is due or overdue."""
    now = datetime.now(UTC)
    found = [
        standing(chain, request.id, project.policy, now)
        for request in chain.requests.values()
        if name in (None, request.objective)
    ]
    return tuple(
        f"{one.request.subject} in {one.request.environment}: {due.text} ({due.owner}, by {due.by}): {due.state}"
        for one in found
        if word(chain, one) not in ("revoked", "superseded", "rolled back", "withdrawn")
        for due in conditions(one, project.policy, now)
    )


def settled(name: str) -> bool:
    """Whether no rollout of an objective is on its way: all are live, rolled back, refused, or held for a human."""
    project = Project.require()
    return not _moving(project, Journal(project.settings.journal_url), name)


def held(name: str) -> bool:
    """Whether a rollout of an objective waits for a human: the requests so far decide nothing."""
    project = Project.require()
    return any(line.live.startswith("held") for line in _lines(project, Journal(project.settings.journal_url), name))


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
    service = service_url(project)
    look = _Look(project, chain, journaled, service, _silent(service))
    for request in newest.values():
        yield _line(look, request)
    for known in project.declared():
        if name in (None, known) and not any(objective == known for objective, _ in newest):
            content = project.objective(known).content
            yield EndpointLine(known, content.governed_model, content.served_at, "–", "nothing", "not asked for")


def _silent(service: str | None) -> dict[str, str]:
    """Return the addresses where nobody answers, each with the gateway's reason."""
    if service is None:
        return {}
    connection = HTTPConnection(urlsplit(service).netloc, timeout=5)
    try:
        connection.request("GET", "/endpoints")
        told = json.loads(connection.getresponse().read())["endpoints"]
    except (OSError, HTTPException, ValueError):  # it ended meanwhile, which the next look will tell
        return {}
    finally:
        connection.close()
    return {one["address"]: one["reason"] for one in told if not one["live"]}


@dataclass(frozen=True)
class _Look:
    """What the lines of one report are read from; `silent` are the addresses where nobody answers, with the reasons."""

    project: Project
    chain: Chain
    journaled: dict[str, Journaled]
    service: str | None
    silent: dict[str, str]


def _line(look: _Look, request: Request) -> EndpointLine:
    project, chain, service = look.project, look.chain, look.service
    entry = look.journaled.get(request.id)
    found = standing(chain, request.id, project.policy, datetime.now(UTC), starting=entry is None)
    live, note, answers = "nothing", found.problems[-1] if found.problems and entry is None else "", False
    if entry is not None:
        release = entry.release
        live = f"{release.state.replace('_', ' ')} {release.subject} at {release.weight:g} %"
        note = release.steps[-1].reason if release.steps else ""
        answers = release.weight > 0
    elif found.state == "approved":
        live = "waiting for the controller"
    before = _still_live(look.journaled, request)
    if before:
        live = f"{live}; live: {before}"
    place = address(project.policy, request.endpoint, request.environment)
    silent = look.silent.get(place, "") if answers or before else ""
    if silent:
        live, note = f"{live}, and nobody answers", silent
    ends = f", until {found.until:%Y-%m-%d}" if found.state == "approved" and found.until else ""
    return EndpointLine(
        objective=request.objective,
        model=request.subject,
        endpoint=request.endpoint,
        environment=request.environment,
        live=live,
        standing=f"{found.state.replace('_', ' ')} ({request.id}){ends}",
        note=note,
        url=f"{service}/endpoints/{place}/invocations" if service and (answers or before) and not silent else None,
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
