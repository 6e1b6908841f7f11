"""Standing: what the logged decisions add up to for one request, now, under this policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from nbdeploy.approve.record import Chain, Logged
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import DecisionPredicate
from nbdeploy.errors import (
    AcknowledgeError,
    ExpiredError,
    LinkError,
    PolicyError,
    Refusal,
    RoleError,
    SelfApprovalError,
)
from nbdeploy.trust.policy import Environment, Policy

State = Literal["requested", "approved", "rejected", "returned", "questioned", "expired", "not_yet", "revoked"]


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
        When the first of the counting approvals expires.
    problems
        Why a logged decision does not count, in log order.
    refusals
        The same as errors, for whoever must refuse by the right rule.
    """

    request: Request
    state: State
    approvals: tuple[Logged[DecisionPredicate], ...]
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
    does not bind to this request's bytes, or whose signer may not decide here, counts for nothing.

    Raises
    ------
    NotApprovedError
        There is no such request.
    PolicyError
        The policy does not know the request's environment.
    """
    request = chain.request(request_id).predicate.request
    rule = environment_of(policy, request)
    latest, refusals = _latest(chain, request, policy)
    approvals, timely = [], []
    for logged in latest:
        if logged.predicate.decision == "approval":
            approvals.append(logged)
            try:
                check_time(logged, now)
            except ExpiredError as error:
                refusals.append(error)
                continue
            timely.append(logged)
    return Standing(
        request=request,
        state=_state(chain, request_id, latest, approvals, timely, rule, now),
        approvals=tuple(timely),
        missing=max(0, rule.approvals - len(timely)),
        approvers=_who_may(chain, request, policy, timely),
        until=min((logged.predicate.expires for logged in timely), default=None),
        refusals=tuple(refusals),
    )


def environment_of(policy: Policy, request: Request) -> Environment:
    """Return the rule of the request's environment."""
    rule = policy.environments.get(request.environment)
    if rule is None:
        raise PolicyError(f"the policy has no environment {request.environment!r}, and {request.id} asks for it")
    return rule


def _state(
    chain: Chain,
    request_id: str,
    latest: Sequence[Logged[DecisionPredicate]],
    approvals: Sequence[Logged[DecisionPredicate]],
    timely: Sequence[Logged[DecisionPredicate]],
    rule: Environment,
    now: datetime,
) -> State:
    said = {logged.predicate.decision for logged in latest}
    if chain.revocations.get(request_id):
        return "revoked"
    if "rejection" in said:
        return "rejected"
    if len(timely) >= rule.approvals:
        return "approved"
    if "return" in said:
        return "returned"
    if len(approvals) >= rule.approvals:
        return "not_yet" if any(now < logged.predicate.not_before for logged in approvals) else "expired"
    return "questioned" if "question" in said else "requested"


def _latest(chain: Chain, request: Request, policy: Policy) -> tuple[list[Logged[DecisionPredicate]], list[Refusal]]:
    """Return each person's latest decision that counts, and why others do not."""
    by_person: dict[str, Logged[DecisionPredicate]] = {}
    refusals: list[Refusal] = []
    for logged in chain.decisions.get(request.id, ()):
        try:
            check_binding(chain, request, logged)
            check_signer(chain, request, policy, logged.public, logged.person)
            if logged.predicate.decision == "approval":
                check_gates(request, policy, logged.predicate, logged.principal.roles)
        except Refusal as error:
            refusals.append(error)
            continue
        by_person[logged.person] = logged
    return list(by_person.values()), refusals


def check_binding(chain: Chain, request: Request, logged: Logged[DecisionPredicate]) -> None:
    """Refuse a decision that was made about anything but exactly this request."""
    predicate = logged.predicate
    for word, said, asked in (
        ("model", predicate.model, request.model),
        ("version", predicate.version, request.version),
        ("environment", predicate.environment, request.environment),
    ):
        if said != asked:
            raise LinkError(f"a decision on {request.id} names {word} {said!r}, and the request {asked!r}")
    expected = request.digests.model_dump() | {"request": chain.asked[request.id].digest}
    for name, digest in expected.items():
        if logged.subjects.get(name) != digest:
            raise LinkError(f"a decision on {request.id} was signed over another {name} than the request names")


def own_work(chain: Chain, request: Request) -> dict[str, str]:
    """Return who may not decide on a request, with what they did: asked, declared or ran the validation.

    Persons first; below, the same holds for their key material.
    """
    found = {chain.asked[request.id].person: "asked for this deployment"}
    for entry in chain.objectives:
        if entry.subjects["objective"] == request.digests.objective:
            found.setdefault(entry.person, "declared its objective")
    validation = chain.validations.get(request.validation)
    if validation is not None:
        found.setdefault(validation.person, "ran its validation")
    return found


def _own_keys(chain: Chain, request: Request) -> set[str]:
    keys = {chain.asked[request.id].public}
    keys |= {entry.public for entry in chain.objectives if entry.subjects["objective"] == request.digests.objective}
    validation = chain.validations.get(request.validation)
    return keys | ({validation.public} if validation is not None else set())


def check_signer(chain: Chain, request: Request, policy: Policy, public: str, person: str) -> None:
    """Refuse whoever decides on their own work, or without the role that the environment asks for.

    Raises
    ------
    SelfApprovalError, RoleError
        In that order: by person, by key material, by role.
    """
    others = " or ".join(_other_people(chain, request, policy)) or "somebody with the role"
    own = own_work(chain, request)
    if person in own:
        raise SelfApprovalError(f"{person} {own[person]}", next=f"ask {others}: nbdeploy signoff {request.id}")
    if public in _own_keys(chain, request):
        raise SelfApprovalError(
            f"the key that signs also signed what is to be decided ({request.id})", next=f"ask {others}"
        )
    principal = next((known for known in policy.people if known.name == person), None)
    rule = environment_of(policy, request)
    if principal is None or not set(principal.roles) & set(rule.by):
        raise RoleError(
            f"{person} holds none of the roles that decide on {request.environment} ({', '.join(rule.by) or 'none'})",
            next=f"ask {others}",
        )


def _other_people(chain: Chain, request: Request, policy: Policy) -> tuple[str, ...]:
    return policy.approvers(request.environment, exclude=frozenset(own_work(chain, request)))


def check_gates(request: Request, policy: Policy, predicate: DecisionPredicate, roles: Iterable[str]) -> None:
    """Refuse an approval that leaves an undecided gate unacknowledged or a failed one unwaived.

    Raises
    ------
    AcknowledgeError
        Names every gate that is left, or that was named without need.
    RoleError
        The signer's role may not waive here.
    """
    rule = environment_of(policy, request)
    waived = {waiver.gate for waiver in predicate.waived}
    open_gates = [gate for gate in request.undecided if gate not in predicate.acknowledged and gate not in waived]
    unknown = [gate for gate in (*predicate.acknowledged, *waived) if gate not in (*request.undecided, *request.failed)]
    failed = [gate for gate in request.failed if gate not in waived]
    if unknown:
        raise AcknowledgeError(f"{unknown[0]!r} is not an undecided or failed gate of {request.id}")
    if open_gates:
        flags = " ".join(f"--acknowledge '{gate}'" for gate in open_gates)
        raise AcknowledgeError(
            f"undecided gates were not acknowledged: {', '.join(open_gates)}",
            next=f"look at them in the card, then add {flags}",
        )
    if failed:
        raise AcknowledgeError(
            f"failed gates were not waived: {', '.join(failed)}", next="add --waive GATE='the reason'"
        )
    if waived and rule.failed == "block" and waived & set(request.failed):
        raise AcknowledgeError(
            f"{request.environment} allows no waiver of a failed gate", next="improve the model and validate again"
        )
    if waived and not set(roles) & set(rule.waive_by or rule.by):
        raise RoleError(f"a waiver in {request.environment} takes the role {' or '.join(rule.waive_by or rule.by)}")
    for waiver in predicate.waived:
        if not waiver.reason.strip():
            raise AcknowledgeError(f"the waiver of {waiver.gate} has no reason")


def check_time(logged: Logged[DecisionPredicate], now: datetime) -> None:
    """Refuse an approval outside of its days."""
    predicate = logged.predicate
    if now < predicate.not_before:
        raise ExpiredError(
            f"the approval by {logged.person} holds from {predicate.not_before:%Y-%m-%d %H:%M}, and it is earlier"
        )
    if now >= predicate.expires:
        raise ExpiredError(
            f"the approval by {logged.person} expired on {predicate.expires:%Y-%m-%d %H:%M}",
            next=f"nbdeploy signoff {predicate.request}",
        )


def _who_may(
    chain: Chain, request: Request, policy: Policy, signed: Sequence[Logged[DecisionPredicate]]
) -> tuple[str, ...]:
    done = {logged.person for logged in signed}
    return tuple(name for name in _other_people(chain, request, policy) if name not in done)
