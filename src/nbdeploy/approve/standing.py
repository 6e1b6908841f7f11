"""Standing: what the logged decisions add up to for one request, now, under this policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from nbdeploy.approve.chain import Chain, Logged
from nbdeploy.approve.gates import check_gates, left_open
from nbdeploy.approve.rules import check_binding, check_order, check_request, environment_of
from nbdeploy.approve.signers import check_signer, counts, others
from nbdeploy.approve.times import check_clock, check_time, expires
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import DecisionPredicate, ValidationPredicate
from nbdeploy.errors import AcknowledgeError, ExpiredError, PolicyError, Refusal
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.rules import Environment, Signatures

State = Literal["requested", "approved", "rejected", "returned", "questioned", "expired", "not_yet", "revoked"]
Decision = Logged[DecisionPredicate]


@dataclass(frozen=True)
class Standing:
    """What holds for a request.

    Attributes
    ----------
    approvals
        The approvals that hold, one a person; one by somebody who may only waive is no signature.
    lacking
        Signatures still needed, by role.
    unwaived
        Gates that somebody still has to waive, or that the environment never takes.
    approvers
        People who may still sign.
    until
        When the first of the counting approvals expires; None without one.
    own
        Why the request itself cannot stand.
    uncounted
        Why a logged decision does not count, by its entry in the ledger, in log order.
    """

    request: Request
    state: State
    approvals: tuple[Decision, ...]
    lacking: tuple[Signatures, ...]
    unwaived: tuple[str, ...]
    approvers: tuple[str, ...]
    until: datetime | None
    own: tuple[Refusal, ...] = ()
    uncounted: Mapping[int, Refusal] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """How many signatures are still needed."""
        return _places(self.lacking)

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Everything that stands in the way: the request's own first, then in log order."""
        return (*self.own, *self.uncounted.values())

    @property
    def problems(self) -> tuple[str, ...]:
        """The refusals as sentences."""
        return tuple(str(refusal) for refusal in self.refusals)


def standing(chain: Chain, request_id: str, policy: Policy, now: datetime, *, starting: bool = False) -> Standing:
    """Add up the decisions on a request.

    The latest decision of each person counts; any standing rejection blocks, whoever else approved. A decision that
    does not bind to this request's bytes, or whose signer may not decide here, counts for nothing. A request whose own
    chain does not hold is never approved, not even where no signature is needed.

    Parameters
    ----------
    starting
        Whether a rollout would start from it: then an approval that was given under another policy than this one counts
        only where the environment accepts that. What runs already is not stopped by a new policy's text alone.

    Raises
    ------
    NotApprovedError
        There is no such request.
    PolicyError
        The policy does not know the request's environment.
    """
    request = chain.request(request_id).predicate.request
    rule = environment_of(policy, request)
    own: list[Refusal] = []
    uncounted: dict[int, Refusal] = {}
    validation = _validation(chain, request, policy, own)
    latest = _latest(chain, request, policy, validation, uncounted)
    approvals = [logged for logged in latest if logged.predicate.decision == "approval"]
    if starting and rule.older_policy == "refuse":
        approvals = _of_this_policy(policy, approvals, uncounted)
    timely = _timely(rule, approvals, now, uncounted)
    unwaived = _unwaived(rule, request, validation, timely)
    if unwaived:
        own.append(AcknowledgeError(f"{request.environment} does not take {request.id} with {', '.join(unwaived)}"))
    enough = [_enough(rule, request, validation, some) for some in (timely, approvals)]
    lacking = rule.missing(_signed(timely))
    return Standing(
        request=request,
        state=_state(chain, request, latest, now, holds=enough[0], held=enough[1]),
        approvals=tuple(timely),
        lacking=lacking,
        unwaived=unwaived,
        approvers=_approvers(chain, request, policy, now, _signed(timely)),
        until=min((expires(rule, logged.predicate) for logged in timely), default=None),
        own=tuple(own),
        uncounted=dict(sorted(uncounted.items())),
    )


def _validation(
    chain: Chain, request: Request, policy: Policy, own: list[Refusal]
) -> Logged[ValidationPredicate] | None:
    try:
        return check_request(chain, request, policy)
    except Refusal as refusal:
        own.append(refusal)
        return None


def _latest(
    chain: Chain,
    request: Request,
    policy: Policy,
    validation: Logged[ValidationPredicate] | None,
    uncounted: dict[int, Refusal],
) -> list[Decision]:
    """Return each person's latest decision that counts."""
    rule = environment_of(policy, request)
    by_person: dict[str, Decision] = {}
    for logged in chain.decisions.get(request.id, ()):
        said, roles = logged.predicate, logged.principal.roles
        try:
            check_binding(chain, request, logged)
            check_clock(request, said.signed, f"the {said.decision} by {logged.person}")
            check_signer(chain, request, policy, logged.public, logged.person)
            check_order(by_person.get(logged.person), logged)
            if said.decision == "approval" and validation is not None:
                check_gates(request, rule, validation.predicate, said, roles, complete=counts(rule, roles))
        except Refusal as refusal:
            uncounted[logged.index] = refusal
            continue
        by_person[logged.person] = logged
    return list(by_person.values())


def _of_this_policy(policy: Policy, approvals: Sequence[Decision], uncounted: dict[int, Refusal]) -> list[Decision]:
    """Return the approvals whose signers went by this policy, to the letter."""
    found = []
    for logged in approvals:
        if logged.subjects["policy"] == policy.digest:
            found.append(logged)
            continue
        version = logged.predicate.policy_version
        which = f"version {version} of the policy" if version not in (None, policy.version) else "another policy"
        uncounted[logged.index] = PolicyError(
            f"{logged.person} approved {logged.predicate.request} under {which}, and version {policy.version} is in "
            "force now",
            next=f"sign again under it: nbdeploy signoff {logged.predicate.request}",
        )
    return found


def _timely(
    rule: Environment, approvals: Sequence[Decision], now: datetime, uncounted: dict[int, Refusal]
) -> list[Decision]:
    timely = []
    for logged in approvals:
        try:
            check_time(rule, logged, now)
        except ExpiredError as refusal:
            uncounted[logged.index] = refusal
            continue
        timely.append(logged)
    return timely


def _unwaived(
    rule: Environment, request: Request, validation: Logged[ValidationPredicate] | None, approvals: Sequence[Decision]
) -> tuple[str, ...]:
    """Return the gates that none of the approvals waives, and that somebody would have to."""
    if validation is None:
        return ()
    waivers = [waiver for logged in approvals for waiver in logged.predicate.waived]
    return left_open(rule, request, validation.predicate, waivers)


def _enough(
    rule: Environment, request: Request, validation: Logged[ValidationPredicate] | None, approvals: Sequence[Decision]
) -> bool:
    """Whether these approvals are enough for a request that holds; where none is asked for, none may be."""
    if validation is None or _unwaived(rule, request, validation, approvals):
        return False
    return not rule.missing(_signed(approvals))


def _approvers(
    chain: Chain, request: Request, policy: Policy, now: datetime, signed: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Return who may still sign: while signatures are missing, those whose own would bring it nearer."""
    rule = environment_of(policy, request)
    roles = {person.name: person.roles for person in policy.people}
    free = [name for name in others(chain, request, policy, at=now) if name not in signed]
    left = _places(rule.missing(signed))
    return tuple(name for name in free if not left or _places(rule.missing({**signed, name: roles[name]})) < left)


def _places(groups: Iterable[Signatures]) -> int:
    return sum(group.approvals for group in groups)


def _signed(approvals: Sequence[Decision]) -> dict[str, tuple[str, ...]]:
    return {logged.person: logged.principal.roles for logged in approvals}


def _state(
    chain: Chain, request: Request, latest: Sequence[Decision], now: datetime, *, holds: bool, held: bool
) -> State:
    """Return the state; `holds` says that the approvals of now are enough, `held` that they would be in their days."""
    said = [logged.predicate.decision for logged in latest]
    if chain.revocations.get(request.id):
        return "revoked"
    if "rejection" in said:
        return "rejected"
    if holds:
        return "approved"
    if "return" in said:
        return "returned"
    if held:
        early = any(now < logged.predicate.not_before for logged in latest if logged.predicate.decision == "approval")
        return "not_yet" if early else "expired"
    return "questioned" if "question" in said else "requested"
