"""The verbs *sign off* and *wait*: a person decides, with a key that never enters a notebook."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as day_time
from pathlib import Path
from typing import Any

from nbdeploy.approve.sheet import decision_sheet
from nbdeploy.approve.signoff import decide
from nbdeploy.approve.standing import standing
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import Condition, Waiver
from nbdeploy.errors import NotApprovedError
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown, Table
from nbdeploy.flow.starting import find_key
from nbdeploy.trust.envelopes import sign
from nbdeploy.trust.keys import is_encrypted, load_key


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
            tables=[Table(headers, rows, code=("request",))],
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


def pending(request: str | None = None) -> PendingRequest | PendingRequests:
    """Return what waits for a signature: one request in full, or all of them."""
    project = Project.require()
    chain = project.chain()
    if request is not None:
        return _pending(project, request)
    waiting = []
    for known in chain.requests:
        found = _pending(project, known)
        if found.state in ("requested", "questioned"):
            waiting.append(found)
    return PendingRequests(tuple(waiting))


def _pending(project: Project, request_id: str) -> PendingRequest:
    now = datetime.now(UTC)
    chain = project.chain()
    found = standing(chain, request_id, project.policy, now)
    return PendingRequest(
        request=found.request,
        sheet=decision_sheet(chain, request_id, project.policy, now),
        card=card_of(project, found.request),
        state=found.state,
        approvers=tuple(found.approvers),
    )


def card_of(project: Project, request: Request) -> Path | None:
    """Return the card that a request is about, where this machine has it."""
    from nbdeploy.trust.digests import file_digest

    for card in sorted((project.settings.runs / request.objective).glob("*/card.json")):
        if file_digest(card) == request.digests.card:
            return card.with_suffix(".html")
    return None


def sign_off(
    request: str,
    *,
    decision: str,
    key: Path | str,
    passphrase: Callable[[], bytes],
    reason: str = "",
    acknowledge: Sequence[str] = (),
    waive: Sequence[tuple[str, str, date]] = (),
    conditions: Sequence[tuple[str, str, date]] = (),
    unattended: bool = False,
) -> Decided:
    """Sign a decision on a request and log it.

    Parameters
    ----------
    decision
        ``approval``, ``rejection``, ``return`` or ``question``.
    key
        The signer's key file, or its name in their key folder.
    passphrase
        Called at the moment of signing, and only for a key that has one.
    acknowledge
        Ids of undecided gates that the signer has seen, one by one.
    waive
        (gate, reason, last day) for gates that may pass for a while although they failed, and for findings of the file
        scan. The approval ends with the first of them.
    conditions
        (text, owner, date) of what must follow.
    unattended
        True when no person sat at the terminal; the statement says so for ever.

    Raises
    ------
    SelfApprovalError, RoleError, AcknowledgeError, ExpiredError
        By the rule that forbids it. Nothing was signed then.
    """
    project = Project.require()
    file = find_key(Path(key))
    signer = load_key(file, passphrase() if is_encrypted(file) else None)
    predicate, subjects = decide(
        project.chain(),
        request,
        project.policy,
        signer.public,
        decision,
        reason=reason,
        acknowledge=tuple(acknowledge),
        waive=tuple(Waiver(gate=gate, reason=why, expires=_end_of(day)) for gate, why, day in waive),
        conditions=tuple(Condition(text=text, owner=owner, by=by) for text, owner, by in conditions),
        now=datetime.now(UTC),
        unattended=unattended,
    )
    entry = project.ledger.append(sign(predicate, subjects, signer))
    found = standing(project.chain(), request, project.policy, datetime.now(UTC))
    project.registry.mirror(found.request.model, found.request.version, tags={"standing": found.state})
    return Decided(
        request=found.request,
        decision=predicate.decision,
        by=predicate.by,
        index=entry.index,
        state=found.state,
        missing=found.missing,
    )


def _end_of(day: date) -> datetime:
    """Return the last moment of a day: dates of a statement include their last day, as those of keys do."""
    return datetime.combine(day, day_time.max, UTC)


def wait(request: str, *, timeout: float = 3600.0) -> tuple[PendingRequest, int]:
    """Wait for the decision on a request.

    Returns
    -------
    result, code
        0 approved; 1 rejected, returned, expired or revoked.

    Raises
    ------
    NotApprovedError
        Nothing was decided within `timeout` seconds.
    """
    project = Project.require()
    deadline = time.monotonic() + timeout
    while True:
        found = _pending(project, request)
        if found.state == "approved":
            return found, 0
        if found.state not in ("requested", "questioned", "not_yet"):
            return found, 1
        if time.monotonic() >= deadline:
            raise NotApprovedError(
                f"{request} is still {found.state} after {timeout:g} s", next=f"nbdeploy signoff {request}"
            )
        time.sleep(min(1.0, max(0.05, deadline - time.monotonic())))
