"""What waits for a signature, as the approver sees it before deciding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.gates import waiving
from nbdeploy.approve.sheet import ASKED, told
from nbdeploy.approve.standing import standing
from nbdeploy.documents.decision_sheet import DecisionTold
from nbdeploy.documents.request import Request
from nbdeploy.flow.decisions.card_to_sign import card_to_sign
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown, Table
from nbdeploy.report.decision import decision_lines, gate_words


@dataclass(frozen=True)
class PendingRequest(Result):
    """A request as the approver sees it before deciding."""

    request: Request
    sheet: DecisionTold
    card: Path | None
    state: str
    approvers: tuple[str, ...]

    def show(self) -> Shown:
        request = self.request
        return Shown(
            title=f"Request {request.id}: {request.subject} to {request.environment} is {self.state}",
            lines=[*decision_lines(self.sheet), *([f"Card: {self.card}"] if self.card else [])],
            notes=["Signing happens on the validator's own terminal: a notebook could read what is typed into it."],
            next=list(self._steps()) if self.state in ("requested", "questioned", "returned", "expired") else [],
        )

    def _steps(self) -> Iterator[str]:
        """Yield the commands that would decide it, with what has to be said about each gate."""
        sign = f"nbdeploy signoff {self.request.id}"
        waive = [gate.gate for gate in self.sheet.gates if gate.is_open and gate.asked == ASKED["waive"]]
        seen = [gate.gate for gate in self.sheet.gates if gate.asked == ASKED["acknowledge"]]
        if waive:
            yield f"{sign} --approve --key FILE {waiving(waive)}"
        yield " ".join([sign, "--approve --key FILE", *(f"--acknowledge '{gate}'" for gate in seen)])
        yield f"{sign} --reject --key FILE --reason '…'   # or --return, --ask"

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


def pending(request: str | None = None) -> PendingRequest | PendingRequests:
    """Return what waits for a signature: one request in full, or all of them."""
    project = Project.require()
    chain = project.verified_chain()
    if request is not None:
        return _pending(
            project, chain, request, card=card_to_sign(project, chain, chain.request(request).predicate.request)
        )
    waiting = []
    for known in chain.requests:
        found = _pending(project, chain, known)
        if found.state in ("requested", "questioned"):
            waiting.append(found)
    return PendingRequests(tuple(waiting))


def _pending(project: Project, chain: Chain, request_id: str, *, card: Path | None = None) -> PendingRequest:
    now = datetime.now(UTC)
    found = standing(chain, request_id, project.policy, now)
    return PendingRequest(
        request=found.request,
        sheet=told(chain, request_id, project.policy, now, level=project.ledger.level, words=gate_words),
        card=card,
        state=found.state,
        approvers=tuple(found.approvers),
    )
