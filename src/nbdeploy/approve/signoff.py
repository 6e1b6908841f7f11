"""Sign-off: a decision is checked by every rule before it is signed, and bound to the bytes that it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.gates import check_gates, left_open, waivers_roles, waiving
from nbdeploy.approve.rules import check_request, environment_of
from nbdeploy.approve.signers import check_signer, counts
from nbdeploy.approve.standing import standing
from nbdeploy.approve.times import check_clock
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import Condition, DecisionPredicate, Waiver
from nbdeploy.errors import AcknowledgeError, NotApprovedError, RevokedError, RoleError, closest
from nbdeploy.trust.policy.document import Policy, Principal

DECISIONS: tuple[str, ...] = get_args(DecisionPredicate.model_fields["decision"].annotation)


def decide(
    chain: Chain,
    request_id: str,
    policy: Policy,
    public: str,
    decision: str,
    *,
    now: datetime,
    reason: str = "",
    acknowledge: Sequence[str] = (),
    waive: Sequence[Waiver] = (),
    conditions: Sequence[Condition] = (),
    not_before: datetime | None = None,
    unattended: bool = False,
) -> tuple[DecisionPredicate, Mapping[str, str]]:
    """Return the statement to sign and its subjects, or refuse.

    Parameters
    ----------
    public
        The signer's public key.
    decision
        ``approval``, ``rejection``, ``return`` or ``question``; all but the first need a reason.
    now
        Becomes the statement's time; the approval expires after the environment's days.

    Raises
    ------
    SelfApprovalError, RoleError, AcknowledgeError, ExpiredError, LinkError, RevokedError, ClockError,
    NotApprovedError
        By the rule that forbids it.
    """
    if decision not in DECISIONS:
        raise NotApprovedError(
            f"{decision!r} is no decision{closest(decision, DECISIONS)}", next=f"one of: {', '.join(DECISIONS)}"
        )
    logged = chain.request(request_id)
    request = logged.predicate.request
    principal = _signer(chain, request, policy, public, now)
    check_clock(request, now, "this signature")
    if chain.revocations.get(request_id):
        raise RevokedError(f"{request_id} was revoked", next=f"ask again: nbdeploy deploy {request.objective}")
    if decision != "approval" and not reason.strip():
        raise NotApprovedError(f"a {decision} needs a reason for the author", next="add --reason '…'")
    if decision != "approval" and (acknowledge or waive or conditions):
        raise AcknowledgeError(
            f"a {decision} acknowledges and waives nothing, and sets no condition", next="write it into --reason '…'"
        )
    _check_conditions(conditions, now)
    predicate = DecisionPredicate(
        request=request.id,
        model=request.model,
        version=request.version,
        environment=request.environment,
        decision=decision,
        by=principal.name,
        reason=reason,
        acknowledged=tuple(dict.fromkeys(acknowledge)),
        waived=tuple(waive),
        conditions=tuple(conditions),
        policy_version=policy.version,
        signed=now,
        not_before=not_before or now,
        expires=now + timedelta(days=environment_of(policy, request).expires_days),
        unattended=unattended,
    )
    if decision == "approval":
        _check_approval(chain, request, policy, predicate, principal)
    return predicate, request.digests.model_dump() | {"policy": policy.digest, "request": logged.digest}


def _signer(chain: Chain, request: Request, policy: Policy, public: str, now: datetime) -> Principal:
    """Return whose key it is, if that is a person who may decide on this request."""
    environment_of(policy, request)
    principal = policy.who(public, now)
    if principal.person is None:
        raise RoleError(
            f"{principal.name} is a service, and only people decide",
            next=f"a person signs with a key of their own: nbdeploy signoff {request.id}",
        )
    check_signer(chain, request, policy, public, principal.person)
    if principal.is_service:
        raise RoleError(
            f"{principal.name} is a service, and only people decide",
            next=f"{principal.person} signs with a key of their own: nbdeploy signoff {request.id}",
        )
    return principal


def _check_conditions(conditions: Sequence[Condition], now: datetime) -> None:
    """Refuse a condition that nobody could meet any more: a mistyped year would be signed for ever."""
    for condition in conditions:
        if condition.by < now.astimezone(UTC).date():
            raise AcknowledgeError(
                f"the condition {condition.text!r} is due on {condition.by}, which is past", next="name a day to come"
            )


def _check_approval(
    chain: Chain, request: Request, policy: Policy, predicate: DecisionPredicate, principal: Principal
) -> None:
    """Refuse an approval of a request that does not hold, or that leaves a gate open which nobody else waived."""
    rule = environment_of(policy, request)
    said = check_request(chain, request, policy).predicate
    signs = counts(rule, principal.roles)
    check_gates(request, rule, said, predicate, principal.roles, complete=signs)
    if not signs and not predicate.waived:
        raise RoleError(
            f"{principal.name} may waive in {request.environment}, and an approval counts from the role "
            f"{' or '.join(rule.roles)} only",
            next=f"waive: {waiving(left_open(rule, request, said, ()))}" if left_open(rule, request, said, ()) else "",
        )
    others = standing(chain, request.id, policy, predicate.signed).approvals
    waived = [*predicate.waived, *(waiver for logged in others for waiver in logged.predicate.waived)]
    left = left_open(rule, request, said, waived)
    if left and signs:
        may = waivers_roles(rule)
        who = (
            "add"
            if may & set(principal.roles)
            else f"somebody with the role {' or '.join(sorted(may))} signs first, with"
        )
        raise AcknowledgeError(f"not waived: {', '.join(left)}", next=f"{who} {waiving(left)}")
