"""The verb *audit log*: the ledger in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from nbdeploy.approve.chain import Chain, Logged
from nbdeploy.approve.record import read_chain
from nbdeploy.documents.statements import (
    PREDICATE_PREFIX,
    DecisionPredicate,
    DeploymentPredicate,
    ObjectivePredicate,
    Predicate,
    RequestPredicate,
    RevocationPredicate,
    ValidationPredicate,
)
from nbdeploy.errors import LogError, ProjectError, Refusal
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown, Table
from nbdeploy.trust.envelopes import PREDICATES, peek
from nbdeploy.trust.ledger.log import Entry, Log


@dataclass(frozen=True)
class LogLine:
    """One ledger entry in words.

    `by` is who the policy says holds the key that signed. `ignored` says why an entry counts for nothing; what such an
    entry says of itself is then not verified.
    """

    index: int
    at: str
    statement: str
    about: str
    says: str
    by: str
    note: str
    ignored: str
    envelope: str


@dataclass(frozen=True)
class LogShown(Result):
    """The ledger, one line an entry. `broken` says why it does not hold, if it does not."""

    subject: str
    lines: tuple[LogLine, ...]
    size: int
    broken: str = ""

    @property
    def exit_code(self) -> int:
        """0 when the ledger holds, else 1."""
        return 1 if self.broken else 0

    def show(self) -> Shown:
        headers = ("entry", "at (UTC)", "statement", "about", "says", "by", "note", "envelope")
        rows = [
            (str(line.index), line.at, line.statement, line.about, line.says, line.by, _note(line), line.envelope[7:19])
            for line in self.lines
        ]
        of = f" of {self.size}" if len(rows) < self.size else ""
        return Shown(
            title=f"Ledger of {self.subject}: {len(rows)}{of} entr{'y' if self.size == 1 else 'ies'}",
            lines=[f"The ledger does NOT hold: {self.broken}"] if self.broken else [],
            tables=[Table(headers, rows, code=("envelope",))] if rows else (),
            next=["nbdeploy audit verify"],
        )

    def facts(self) -> dict[str, Any]:
        entries = [vars(line) for line in self.lines]
        return {"subject": self.subject, "size": self.size, "broken": self.broken, "entries": entries}


def _note(line: LogLine) -> str:
    return f"counts for nothing: {line.ignored}" if line.ignored else line.note


def audit_log(
    name: str | None = None, *, request: str | None = None, since: str | None = None, last: int | None = None
) -> LogShown:
    """Return the ledger, oldest entry first, every entry held to the signed tree.

    Parameters
    ----------
    name
        An objective: only what is about it, its requests included.
    request
        Only what a request rests on and what became of it.
    since
        A day, or a moment in UTC (``2026-11-21T12:30``): only statements of no earlier one.
    last
        Only that many of them, the latest.

    Raises
    ------
    ProjectError
        `since` is no day or moment.
    NotApprovedError
        There is no such request.
    """
    project = Project.require()
    start = _moment(since) if since else None
    entries, broken = _entries(project.ledger)
    chain = read_chain(entries, project.policy, ledger=project.ledger.public)
    lines = sorted([*_counting(chain), *(_ignored(*one) for one in chain.ignored)], key=lambda line: line.index)
    if name is not None:
        about = {name, *(asked.id for asked in chain.requests.values() if asked.objective == name)}
        lines = [line for line in lines if line.about in about]
    if request is not None:
        rests = _rests_on(chain, request)
        lines = [line for line in lines if line.about == request or line.envelope in rests]
    if start is not None:
        lines = [line for line in lines if line.at >= f"{start:%Y-%m-%d %H:%M:%S}"]
    subject = request or name or project.settings.project.name
    return LogShown(subject, tuple(lines[-last:] if last else lines), len(entries), broken)


def _entries(ledger: Log) -> tuple[list[Entry], str]:
    """Return the entries and why they do not hold: somebody who looks for what happened must see them all the same."""
    try:
        return ledger.verify(), ""
    except LogError as error:
        return ledger.entries(), str(error)


def _moment(text: str) -> datetime:
    try:
        if len(text) == len("2026-11-21"):
            return datetime.combine(date.fromisoformat(text), time.min, UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ProjectError(
            f"{text!r} is neither a day nor a moment", next="write 2026-11-21, or 2026-11-21T12:30 in UTC"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _rests_on(chain: Chain, request_id: str) -> set[str]:
    """Return the envelopes that a request rests on: its validation and its objective's declarations."""
    asked = chain.request(request_id).predicate.request
    texts = [one.statement for one in chain.objectives_named(asked.objective) if one.digest == asked.digests.objective]
    return {asked.validation, *(text.digest for text in texts)}


def _counting(chain: Chain) -> Iterator[LogLine]:
    for logged in chain.statements():
        at, about, says, note = _told(logged.predicate)
        if isinstance(logged.predicate, ValidationPredicate):
            note = f"attempt {chain.attempts[logged.digest]}"
        kind = logged.predicate.kind
        yield LogLine(logged.index, _when(at), kind, about, says, _by(logged), note, "", logged.digest)


def _by(logged: Logged[Any]) -> str:
    principal = logged.principal
    if principal.is_service and principal.person:
        return f"{principal.person} ({principal.name})"
    return principal.name


def _ignored(entry: Entry, reason: str) -> LogLine:
    """Return a line for what does not count, by what it says of itself."""
    try:
        peeked = peek(entry.envelope)
    except Refusal:
        return LogLine(entry.index, "", "unreadable", "", "", "", "", reason, entry.digest)
    predicate = PREDICATES[f"{PREDICATE_PREFIX}{peeked.kind}:1"].model_validate(peeked.predicate)
    at, about, says, note = _told(predicate)
    return LogLine(entry.index, _when(at), peeked.kind, about, says, "", note, reason, entry.digest)


def _when(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _told(said: Predicate) -> tuple[datetime, str, str, str]:
    """Return when, about what, what, and a note."""
    match said:
        case ObjectivePredicate():
            return said.declared, said.name, "in force", "after results" if said.after_results else ""
        case ValidationPredicate():
            return said.finished, said.objective, said.overall.replace("_", " "), ""
        case RequestPredicate(request=request):
            return request.requested, request.id, f"{request.subject} to {request.environment}", ""
        case DecisionPredicate():
            return said.signed, said.request, said.decision, "unattended" if said.unattended else ""
        case DeploymentPredicate():
            weight = f" at {said.weight:g} %" if said.weight is not None else ""
            return said.at, said.request, f"{said.action.replace('_', ' ')}{weight}", said.reason
        case RevocationPredicate():
            return said.at, said.request, "revoked", said.reason
    raise TypeError(f"{type(said).__name__} is no statement of the ledger")
