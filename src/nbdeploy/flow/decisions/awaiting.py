"""The verb *wait*: block until somebody decided on a request, and exit by what they decided."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.sheet import missing
from nbdeploy.approve.standing import Standing, standing
from nbdeploy.documents.request import Request
from nbdeploy.errors import AcknowledgeError, ProjectError, closest
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown
from nbdeploy.trust.policy.document import Policy

OPEN = ("requested", "questioned", "not_yet")
"""States that somebody still has to decide, or that only time does."""
_LOOK_SECONDS = 0.2
"""How often the ledger is asked whether it grew: one small query."""
_JUDGE_SECONDS = 5.0
"""How often the standing is judged anew although nothing was logged: days begin and end."""


@dataclass(frozen=True)
class Awaited(Result):
    """What became of a request. `told` names who said what, in log order, then what is missing."""

    request: Request
    state: str
    told: tuple[str, ...]
    waited: float

    @property
    def exit_code(self) -> int:
        """0 approved, 1 rejected, returned, expired or revoked, 3 still open."""
        if self.state == "approved":
            return 0
        return 3 if self.state in OPEN else 1

    def show(self) -> Shown:
        request = self.request
        is_open = self.state in OPEN
        after = f" after {round(self.waited, 1):g} s" if is_open else ""
        word = self.state.replace("_", " ")
        return Shown(
            title=f"{request.id}: {request.subject} to {request.environment} is "
            f"{f'still {word}{after}' if is_open else word}",
            lines=self.told,
            next=[f"nbdeploy signoff {request.id}"] if is_open else ["nbdeploy status"],
        )

    def facts(self) -> dict[str, Any]:
        return {"request": self.request.id, "state": self.state, "told": list(self.told), "code": self.exit_code}


def wait(request: str, *, timeout: float = 3600.0) -> Awaited:
    """Wait for the decision on a request, `timeout` seconds at most. What was decided before counts at once.

    Raises
    ------
    ProjectError
        There is no such request.
    LogError
        The ledger does not hold.
    """
    project = Project.require()
    began = time.monotonic()
    while True:
        size, judged = project.ledger.size, time.monotonic()
        chain = project.verified_chain()
        if request not in chain.requests:
            known = tuple(chain.requests)
            raise ProjectError(
                f"the ledger holds no request {request!r}{closest(request, known)}", next="nbdeploy signoff lists them"
            )
        found = standing(chain, request, project.policy, datetime.now(UTC))
        while time.monotonic() - judged < _JUDGE_SECONDS or found.state not in OPEN:
            left = timeout - (time.monotonic() - began)
            if found.state not in OPEN or left <= 0:
                return _awaited(chain, found, project.policy, time.monotonic() - began)
            time.sleep(min(_LOOK_SECONDS, left))
            if project.ledger.size != size:
                break


def _awaited(chain: Chain, found: Standing, policy: Policy, waited: float) -> Awaited:
    request = found.request
    told = [
        f"{said.predicate.decision.capitalize()} by {said.person}: {said.predicate.reason or 'no reason given'}"
        for said in chain.decisions.get(request.id, ())
    ]
    told += [f"Revoked by {said.person}: {said.predicate.reason}" for said in chain.revocations.get(request.id, ())]
    told += [f"Cannot stand: {refusal}" for refusal in found.own if not isinstance(refusal, AcknowledgeError)]
    told += [f"Does not count: {refusal}" for refusal in found.uncounted.values()]
    told += [f"{text}." for text in missing(chain, found, policy)]
    return Awaited(request, found.state, tuple(told), waited)
