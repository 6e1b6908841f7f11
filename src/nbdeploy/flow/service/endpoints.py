"""What is asked for, approved and live at each endpoint, a line for each objective and environment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.standing import standing
from nbdeploy.documents.release import Release
from nbdeploy.documents.request import Request
from nbdeploy.errors import ServiceError
from nbdeploy.flow.project import Project
from nbdeploy.flow.service.serving import service_url
from nbdeploy.release.addresses import address
from nbdeploy.release.journal import Journal, Journaled

_MOVING = ("waiting", "verifying", "starting", "rolling")
_UNKNOWN = "not known: the ledger does not answer"


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
class Look:
    """What the lines of one report are read from.

    Attributes
    ----------
    chain
        None where a team's ledger cannot be reached.
    away
        Why not.
    silent
        Addresses where nobody answers, each with the gateway's reason.
    """

    project: Project
    chain: Chain | None
    away: str | None
    journaled: dict[str, Journaled]
    service: str | None
    silent: dict[str, str]

    @staticmethod
    def at(project: Project, journal: Journal) -> Look:
        """Look at a project now. What runs is told although a team's ledger does not answer."""
        chain, away = None, None
        try:
            chain = project.chain()
        except ServiceError as error:
            away = error.fact
        service = service_url(project)
        journaled = {entry.release.request: entry for entry in journal.releases()}
        return Look(project, chain, away, journaled, service, _silent(service))

    def lines(self, name: str | None) -> Iterator[EndpointLine]:
        """Yield the newest request of every objective and environment, and what else is live there."""
        asked: Iterable[Request | Release] = [entry.release for entry in self.journaled.values()]
        if self.chain is not None:
            asked = self.chain.requests.values()
        newest = {(one.objective, one.environment): one for one in asked if name in (None, one.objective)}
        for one in newest.values():
            yield self._line(one)
        for known in self.project.declared():
            if name in (None, known) and not any(objective == known for objective, _ in newest):
                content = self.project.objective(known).content
                told = "not asked for" if self.chain is not None else _UNKNOWN
                yield EndpointLine(known, content.governed_model, content.served_at, "–", "nothing", told)

    def moving(self, name: str | None) -> bool:
        """Whether a rollout is on its way."""
        return any(line.live.split(" ")[0] in _MOVING for line in self.lines(name))

    def _line(self, one: Request | Release) -> EndpointLine:
        request = one.request if isinstance(one, Release) else one.id
        entry = self.journaled.get(request)
        live, note, answers = "nothing", "", False
        told, waits, why = self._standing(request, started=entry is not None)
        if entry is not None:
            release = entry.release
            live = f"{release.state.replace('_', ' ')} {release.subject} at {release.weight:g} %"
            note = release.steps[-1].reason if release.steps else ""
            answers = release.weight > 0
        else:
            live, note = ("waiting for the controller" if waits else live), why
        before = self._still_live(one, request)
        if before:
            live = f"{live}; live: {before}"
        place = address(self.project.policy, one.endpoint, one.environment)
        silent = self.silent.get(place, "") if answers or before else ""
        if silent:
            live, note = f"{live}, and nobody answers", silent
        reachable = self.service and (answers or before) and not silent
        return EndpointLine(
            objective=one.objective,
            model=one.subject,
            endpoint=one.endpoint,
            environment=one.environment,
            live=live,
            standing=told,
            note=note,
            url=f"{self.service}/endpoints/{place}/invocations" if reachable else None,
        )

    def _standing(self, request: str, *, started: bool) -> tuple[str, bool, str]:
        """Return a request's standing in words, whether it is approved, and what keeps it from being so."""
        if self.chain is None:
            return f"{_UNKNOWN} ({request})", False, ""
        found = standing(self.chain, request, self.project.policy, datetime.now(UTC), starting=not started)
        approved = found.state == "approved"
        ends = f", until {found.until:%Y-%m-%d}" if approved and found.until else ""
        why = found.problems[-1] if found.problems else ""
        return f"{found.state.replace('_', ' ')} ({request}){ends}", approved, why

    def _still_live(self, one: Request | Release, request: str) -> str:
        """Return the other version that answers at a request's endpoint, if one does."""
        others = [
            entry.release.subject
            for entry in self.journaled.values()
            if entry.release.request != request
            and (entry.release.endpoint, entry.release.environment) == (one.endpoint, one.environment)
            and entry.release.state == "live"
        ]
        return others[-1] if others else ""


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
