"""What the verbs return. Each says how it looks; surfaces only draw it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from nbdeploy.declare import Check, NamedObjective
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Verdict
from nbdeploy.documents.request import Request
from nbdeploy.flow.show import Result, Shown, Table

EXIT_CODES: dict[Verdict, int] = {"pass": 0, "fail": 1, "inconclusive": 3, "not_evaluated": 3}


@dataclass(frozen=True)
class Declared(Result):
    """An objective that is in force, or was only checked."""

    objective: NamedObjective
    check: Check
    file: Path | None
    changed: tuple[str, ...] = ()

    def show(self) -> Shown:
        content = self.objective.content
        rows = [(section, measure, str(gate)) for section, measure, gate in content.each_gate()]
        title = f"Objective {content.name}: {'declared' if self.file else 'checked, not declared'}"
        lines = [f"Governs model {content.governed_model} at endpoint {content.served_at}; {len(rows)} gates."]
        lines += [f"Changed: {change}" for change in self.changed]
        return Shown(
            title=title,
            lines=lines,
            tables=[Table(("section", "measure", "gate"), rows)],
            notes=[*(f"Hard to decide: {line}" for line in self.check.hard_to_decide), *self.check.warnings],
            next=[f"nbdeploy validate {content.name} --model … --data …"] if self.file else [],
        )

    def facts(self) -> dict[str, Any]:
        return {
            "objective": self.objective.content.name,
            "digest": self.objective.digest,
            "warnings": list(self.check.warnings),
            "hard_to_decide": list(self.check.hard_to_decide),
        }


@dataclass(frozen=True)
class Validated(Result):
    """A finished validation: evidence and card in `folder`."""

    evidence: Evidence
    folder: Path
    recorded: bool

    @property
    def overall(self) -> Verdict:
        """The verdict over all gates."""
        return self.evidence.verdict.overall

    @property
    def exit_code(self) -> int:
        """1 a gate failed, 3 a gate is undecided or missing, 0 all pass."""
        return EXIT_CODES[self.overall]

    @property
    def card(self) -> Path:
        """The card's HTML file."""
        return self.folder / "card.html"

    def show(self) -> Shown:
        from nbdeploy.report.views import HEADERS, headline, verdict_rows

        evidence = self.evidence
        run = evidence.run
        what = f"attempt {run.attempt}" if run.attempt else ("draft" if run.draft else "not recorded")
        name = evidence.objective.name
        rows = verdict_rows(evidence)
        steps = [f"open {self.card}"]
        if self.recorded and self.overall != "fail":
            steps.append(f"nbdeploy deploy {name} --to production")
        elif run.draft:
            steps.append(f"nbdeploy validate {name} … without --draft, to record it")
        return Shown(
            title=f"{name}, {what}: {headline(evidence)}",
            tables=[Table(HEADERS[:5], [row.cells[:5] for row in rows])],
            notes=[f"{row.gate}: {row.cells[5]}" for row in rows if row.cells[5]] + list(evidence.warnings),
            next=steps,
        )

    def facts(self) -> dict[str, Any]:
        return {
            "objective": self.evidence.objective.name,
            "verdict": self.evidence.verdict.model_dump(),
            "attempt": self.evidence.run.attempt,
            "folder": str(self.folder),
        }


@dataclass(frozen=True)
class CardShown(Result):
    """A card as a notebook or a terminal can show it."""

    name: str
    folder: Path
    html: str = field(repr=False)
    markdown: str = field(repr=False)
    text: str = field(repr=False)

    def show(self) -> Shown:
        return Shown(title=f"Model card of {self.name}", lines=[self.text])

    def __str__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        del include, exclude
        return {"text/html": self.html, "text/markdown": self.markdown, "text/plain": self.text}


@dataclass(frozen=True)
class Requested(Result):
    """A deployment was asked for. Nothing is live by that."""

    request: Request
    state: str
    missing: int
    approvers: tuple[str, ...]
    service: str | None

    @property
    def waiting(self) -> bool:
        """Whether somebody has to sign first."""
        return self.state == "requested"

    def show(self) -> Shown:
        request = self.request
        if self.waiting:
            whom = (
                " or ".join(self.approvers) or "nobody yet: the policy names no other person with the role that signs"
            )
            lines = [f"Requested; waiting for a validator; nothing is live. Who can sign: {whom}."]
            steps = [f"nbdeploy signoff {request.id}   # on the validator's own terminal"]
        else:
            lines = [
                f"{request.environment} needs no signature; the controller deploys it once it has verified the bytes."
            ]
            steps = ["nbdeploy status"] if self.service else ["nbdeploy up"]
        lines += [f"To be acknowledged one by one: {gate}" for gate in request.undecided]
        lines += [f"To be waived, with a reason: {gate}" for gate in request.failed]
        return Shown(
            title=f"Request {request.id}: {request.subject} to {request.environment}",
            lines=lines,
            tables=[
                Table(
                    ("model", "endpoint", "strategy", "asked by"),
                    [(request.subject, request.endpoint, request.rollout.strategy, request.requester)],
                )
            ],
            next=steps,
        )

    def facts(self) -> dict[str, Any]:
        return {"request": self.request.model_dump(mode="json"), "state": self.state, "missing": self.missing}


@dataclass(frozen=True)
class PendingRequest(Result):
    """A request as the approver sees it before deciding."""

    request: Request
    sheet: str
    card: Path | None
    state: str
    approvers: tuple[str, ...]

    def show(self) -> Shown:
        request = self.request
        return Shown(
            title=f"Request {request.id}: {request.subject} to {request.environment} is {self.state}",
            lines=[*self.sheet.splitlines(), *([f"Card: {self.card}"] if self.card else [])],
            notes=["Signing happens on the validator's own terminal: a notebook could read what is typed into it."],
            next=[f"nbdeploy signoff {request.id} --approve --key FILE"] if self.state == "requested" else [],
        )

    def facts(self) -> dict[str, Any]:
        return {"request": self.request.model_dump(mode="json"), "state": self.state}


@dataclass(frozen=True)
class PendingRequests(Result):
    """All requests that wait for somebody."""

    requests: tuple[PendingRequest, ...]

    def show(self) -> Shown:
        rows = [
            (
                p.request.id,
                p.request.subject,
                p.request.environment,
                p.request.requester,
                " or ".join(p.approvers) or "nobody yet",
            )
            for p in self.requests
        ]
        if not rows:
            return Shown(title="No request waits for a signature")
        headers = ("request", "model", "to", "asked by", "who can sign")
        return Shown(
            title=f"{len(rows)} request{'s' * (len(rows) > 1)} waiting; nothing of it is live",
            tables=[Table(headers, rows)],
            next=[f"nbdeploy signoff {rows[0][0]}   # on the validator's own terminal"],
        )


@dataclass(frozen=True)
class Decided(Result):
    """A signed decision, logged."""

    request: Request
    decision: str
    by: str
    index: int
    state: str
    missing: int

    def show(self) -> Shown:
        left = f" {self.missing} more signature{'s' * (self.missing > 1)} needed." if self.missing else ""
        return Shown(
            title=f"{self.decision.capitalize()} of {self.request.id} by {self.by}",
            lines=[f"Signed and logged as ledger entry {self.index}. {self.request.subject} is {self.state}.{left}"],
            next=["nbdeploy status"],
        )

    def facts(self) -> dict[str, Any]:
        return {"request": self.request.id, "decision": self.decision, "state": self.state, "entry": self.index}


@dataclass(frozen=True)
class EndpointLine:
    """One endpoint or model in a status report."""

    objective: str
    model: str
    endpoint: str
    environment: str
    live: str
    standing: str
    note: str = ""


@dataclass(frozen=True)
class StatusReport(Result):
    """What is governed, asked for, live."""

    project: str
    service: str | None
    lines: tuple[EndpointLine, ...]
    ungoverned: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    at: datetime | None = None

    def show(self) -> Shown:
        headers = ("objective", "model", "endpoint", "environment", "live", "standing", "note")
        rows = [
            (line.objective, line.model, line.endpoint, line.environment, line.live, line.standing, line.note)
            for line in self.lines
        ]
        serving = (
            f"Serving at {self.service}."
            if self.service
            else "No service is running here (start it with: nbdeploy up)."
        )
        return Shown(
            title=f"Project {self.project}",
            lines=[serving, *(f"Alert: {alert}" for alert in self.alerts)],
            tables=[Table(headers, rows)] if rows else (),
            notes=[f"Not governed: {name}" for name in self.ungoverned]
            + ([] if rows else ["Nothing was asked for yet."]),
        )

    def facts(self) -> dict[str, Any]:
        return {"service": self.service, "lines": [vars(line) for line in self.lines], "alerts": list(self.alerts)}


@dataclass(frozen=True)
class Acted(Result):
    """A command was carried out by the controller."""

    action: str
    endpoint: str
    outcome: str

    def show(self) -> Shown:
        return Shown(title=f"{self.action} {self.endpoint}", lines=[self.outcome], next=["nbdeploy status"])

    def facts(self) -> dict[str, Any]:
        return {"action": self.action, "endpoint": self.endpoint, "outcome": self.outcome}


@dataclass(frozen=True)
class Audited(Result):
    """What an audit found. `problems` is empty when the chain holds."""

    subject: str
    lines: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 when the chain holds, else 1."""
        return 1 if self.problems else 0

    def show(self) -> Shown:
        word = "does NOT hold" if self.problems else "holds"
        return Shown(
            title=f"The chain of {self.subject} {word}",
            lines=[*self.lines, *(f"Problem: {problem}" for problem in self.problems)],
        )

    def facts(self) -> dict[str, Any]:
        return {"subject": self.subject, "lines": list(self.lines), "problems": list(self.problems)}


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
            tables=[Table(headers, rows)] if rows else (),
            next=["nbdeploy audit verify"],
        )

    def facts(self) -> dict[str, Any]:
        return {"subject": self.subject, "entries": [vars(line) for line in self.lines]}


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
