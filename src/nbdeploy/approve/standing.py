"""Standing: what the logged decisions add up to for one request, now, under this policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from nbdeploy.approve.chain import Chain, Logged
from nbdeploy.approve.rules import (
    check_binding,
    check_gates,
    check_order,
    check_request,
    check_signer,
    check_time,
    environment_of,
    expires,
    needs,
    others,
)
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import DecisionPredicate, ValidationPredicate
from nbdeploy.errors import AcknowledgeError, ExpiredError, Refusal
from nbdeploy.trust.policy import Environment, Policy

State = Literal["requested", "approved", "rejected", "returned", "questioned", "expired", "not_yet", "revoked"]
Decision = Logged[DecisionPredicate]


@dataclass(frozen=True)
class Standing:
    """What holds for a request.

    Attributes
    ----------
    approvals
        The approvals that count, one a person.
    missing
        Signatures still needed.
    approvers
        People who may still sign.
    until
        When the first of the counting approvals expires; None without one.
    refusals
        Why the request cannot stand, or a logged decision does not count: the request's own first, then in log order.
    """

    request: Request
    state: State
    approvals: tuple[Decision, ...]
    missing: int
    approvers: tuple[str, ...]
    until: datetime | None
    refusals: tuple[Refusal, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """The refusals as sentences."""
        return tuple(str(refusal) for refusal in self.refusals)


def standing(chain: Chain, request_id: str, policy: Policy, now: datetime) -> Standing:
    """Add up the decisions on a request.

    The latest decision of each person counts; any standing rejection blocks, whoever else approved. A decision that
    does not bind to this request's bytes, or whose signer may not decide here, counts for nothing. A request whose own
    chain does not hold is never approved, not even where no signature is needed.

    Raises
    ------
    NotApprovedError
        There is no such request.
    PolicyError
        The policy does not know the request's environment.
    """
    request = chain.request(request_id).predicate.request
    rule = environment_of(policy, request)
    refusals: list[Refusal] = []
    validation = _validation(chain, request, policy, refusals)
    latest = _latest(chain, request, policy, validation, refusals)
    approvals = [logged for logged in latest if logged.predicate.decision == "approval"]
    timely = _timely(rule, approvals, now, refusals)
    sound = validation is not None and _closed(request, rule, validation.predicate, timely, refusals)
    done = {logged.person for logged in timely}
    return Standing(
        request=request,
        state=_state(chain, request, rule, latest, timely, sound=sound, now=now),
        approvals=tuple(timely),
        missing=max(0, rule.approvals - len(timely)),
        approvers=tuple(name for name in others(chain, request, policy) if name not in done),
        until=min((expires(rule, logged.predicate) for logged in timely), default=None),
        refusals=tuple(refusals),
    )


def _validation(
    chain: Chain, request: Request, policy: Policy, refusals: list[Refusal]
) -> Logged[ValidationPredicate] | None:
    try:
        return check_request(chain, request, policy)
    except Refusal as refusal:
        refusals.append(refusal)
        return None


def _latest(
    chain: Chain,
    request: Request,
    policy: Policy,
    validation: Logged[ValidationPredicate] | None,
    refusals: list[Refusal],
) -> list[Decision]:
    """Return each person's latest decision that counts."""
    rule = environment_of(policy, request)
    by_person: dict[str, Decision] = {}
    for logged in chain.decisions.get(request.id, ()):
        try:
            check_binding(chain, request, logged)
            check_signer(chain, request, policy, logged.public, logged.person)
            check_order(by_person.get(logged.person), logged)
            if logged.predicate.decision == "approval" and validation is not None:
                check_gates(request, rule, validation.predicate, logged.predicate, logged.principal.roles)
        except Refusal as refusal:
            refusals.append(refusal)
            continue
        by_person[logged.person] = logged
    return list(by_person.values())


def _timely(rule: Environment, approvals: Sequence[Decision], now: datetime, refusals: list[Refusal]) -> list[Decision]:
    timely = []
    for logged in approvals:
        try:
            check_time(rule, logged, now)
        except ExpiredError as refusal:
            refusals.append(refusal)
            continue
        timely.append(logged)
    return timely


def _closed(
    request: Request, rule: Environment, said: ValidationPredicate, timely: Sequence[Decision], refusals: list[Refusal]
) -> bool:
    """Whether no gate is left that somebody would have to waive.

    Every approval that counts has seen to all gates. What this adds is an environment that asks for no approval: there
    an undecided gate may pass unseen, a failed one never.
    """
    waived = {waiver.gate for logged in timely for waiver in logged.predicate.waived}
    left = [
        gate
        for gate, need in needs(rule, said).items()
        if need == "block" or (need == "waive" and gate not in waived and not rule.approvals)
    ]
    if left:
        refusals.append(AcknowledgeError(f"{request.environment} does not take {request.id} with {', '.join(left)}"))
    return not left


def _state(
    chain: Chain,
    request: Request,
    rule: Environment,
    latest: Sequence[Decision],
    timely: Sequence[Decision],
    *,
    sound: bool,
    now: datetime,
) -> State:
    said = [logged.predicate.decision for logged in latest]
    if chain.revocations.get(request.id):
        return "revoked"
    if "rejection" in said:
        return "rejected"
    if sound and len(timely) >= rule.approvals:
        return "approved"
    if "return" in said:
        return "returned"
    if sound and said.count("approval") >= rule.approvals:
        early = any(now < logged.predicate.not_before for logged in latest if logged.predicate.decision == "approval")
        return "not_yet" if early else "expired"
    return "questioned" if "question" in said else "requested"
