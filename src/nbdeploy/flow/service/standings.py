"""The verb *status*: what is asked for, approved and live."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from nbdeploy.approve.answered import word
from nbdeploy.approve.chain import Chain
from nbdeploy.approve.conditions import conditions
from nbdeploy.approve.standing import standing
from nbdeploy.flow.project import Project
from nbdeploy.flow.service.endpoints import EndpointLine, Look
from nbdeploy.flow.service.serving import service_url, silent_service
from nbdeploy.flow.show import Result, Shown, Table
from nbdeploy.release.journal import Alert, Journal

_SHOWN_AFTERWARDS = timedelta(days=1)
"""How long trouble that is over is told of."""


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
    away: str | None = None

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
                *([f"The standing of requests is not known: {self.away}."] if self.away else []),
                *(f"Ask {line.endpoint} in {line.environment}: POST {line.url}" for line in self.lines if line.url),
                *(f"Alert: {alert}" for alert in self.alerts),
                *(f"Condition of {told}" for told in self.conditions),
            ],
            tables=[Table(headers, rows)] if rows else (),
            notes=[f"Not governed: {name}" for name in self.ungoverned]
            + ([] if rows else ["Nothing was asked for yet."]),
        )

    def facts(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "lines": [vars(line) for line in self.lines],
            "alerts": list(self.alerts),
            "away": self.away,
        }


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
    while settle and service_url(project) and time.monotonic() < deadline and Look.at(project, journal).moving(name):
        time.sleep(0.1)
    look = Look.at(project, journal)
    governed = {project.objective(known).content.governed_model for known in project.declared()}
    ungoverned = tuple(model for model in project.registry.models() if model not in governed) if everything else ()
    now = datetime.now(UTC)
    return StatusReport(
        project=project.settings.project.name,
        service=look.service,
        silent=None if look.service else silent_service(project),
        lines=tuple(look.lines(name)),
        away=look.away,
        ungoverned=ungoverned,
        alerts=tuple(
            _told(alert) for alert in journal.alerts() if alert.over is None or now - alert.over < _SHOWN_AFTERWARDS
        ),
        conditions=() if look.chain is None else conditions_told(project, look.chain, name),
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
    return not _look().moving(name)


def held(name: str) -> bool:
    """Whether a rollout of an objective waits for a human: the requests so far decide nothing."""
    return any(line.live.startswith("held") for line in _look().lines(name))


def _look() -> Look:
    project = Project.require()
    return Look.at(project, Journal(project.settings.journal_url))
