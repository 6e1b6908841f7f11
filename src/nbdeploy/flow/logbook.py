"""The verb *audit log*: the ledger in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nbdeploy.documents.statements import (
    DecisionPredicate,
    DeploymentPredicate,
    ObjectivePredicate,
    Predicate,
    RequestPredicate,
    RevocationPredicate,
    ValidationPredicate,
)
from nbdeploy.errors import Refusal
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown, Table
from nbdeploy.trust.envelopes import open_envelope
from nbdeploy.trust.log import Entry
from nbdeploy.trust.policy import Policy


@dataclass(frozen=True)
class LogLine:
    """One ledger entry in words. `note` says why an entry does not count."""

    index: int
    at: str
    statement: str
    about: str
    says: str
    by: str
    note: str
    envelope: str


@dataclass(frozen=True)
class LogShown(Result):
    """The ledger, one line an entry. Shown, not verified: that is `audit`."""

    subject: str
    lines: tuple[LogLine, ...]

    def show(self) -> Shown:
        headers = ("entry", "at (UTC)", "statement", "about", "says", "by", "note", "envelope")
        rows = [tuple(str(value) for value in vars(line).values()) for line in self.lines]
        return Shown(
            title=f"Ledger of {self.subject}: {len(rows)} entries",
            tables=[Table(headers, rows, code=("envelope",))] if rows else (),
            next=["nbdeploy audit verify"],
        )

    def facts(self) -> dict[str, Any]:
        return {"subject": self.subject, "entries": [vars(line) for line in self.lines]}


def audit_log(name: str | None = None) -> LogShown:
    """Return the ledger, oldest entry first.

    Parameters
    ----------
    name
        An objective: only what is about it, its requests included.
    """
    project = Project.require()
    chain = project.chain()
    refused = {entry.index: reason for entry, reason in chain.ignored}
    mine = {request.id for request in chain.requests.values() if request.objective == name}
    lines = [_line(entry, project.policy, refused.get(entry.index, "")) for entry in project.ledger.entries()]
    kept = tuple(line for line in lines if name is None or line.about == name or line.about in mine)
    return LogShown(name or project.settings.project.name, kept)


def _line(entry: Entry, policy: Policy, refused: str) -> LogLine:
    short = entry.digest.removeprefix("sha256:")[:12]
    try:
        opened = open_envelope(entry.envelope, policy.publics)
    except Refusal as error:
        return LogLine(entry.index, "", "unreadable", "", "", "", str(error), short)
    at, about, says, by, note = _told(opened.predicate)
    return LogLine(entry.index, f"{at:%Y-%m-%d %H:%M:%S}", opened.kind, about, says, by, refused or note, short)


def _told(said: Predicate) -> tuple[datetime, str, str, str, str]:
    """Return when, what about, what, who and a note."""
    match said:
        case ObjectivePredicate():
            return said.declared, said.name, "in force", said.by, "after results" if said.after_results else ""
        case ValidationPredicate():
            return said.finished, said.objective, said.overall.replace("_", " "), said.by, f"attempt {said.attempt}"
        case RequestPredicate(request=request):
            return request.requested, request.id, f"{request.subject} to {request.environment}", request.requester, ""
        case DecisionPredicate():
            return said.signed, said.request, said.decision, said.by, "unattended" if said.unattended else ""
        case DeploymentPredicate():
            weight = f" at {said.weight:g} %" if said.weight is not None else ""
            return said.at, said.request, f"{said.action.replace('_', ' ')}{weight}", "controller", said.reason
        case RevocationPredicate():
            return said.at, said.request, "revoked", said.by, said.reason
    raise TypeError(f"{type(said).__name__} is no statement of the ledger")
