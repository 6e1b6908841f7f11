"""Sign-off: a decision is checked by every rule before it is signed, and bound to the bytes that it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import get_args

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.rules import check_gates, check_request, check_signer, environment_of
from nbdeploy.documents.statements import Condition, DecisionPredicate, Waiver
from nbdeploy.errors import NotApprovedError, RevokedError, RoleError, closest
from nbdeploy.trust.policy import Policy

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
    SelfApprovalError, RoleError, AcknowledgeError, ExpiredError, LinkError, RevokedError, NotApprovedError
        By the rule that forbids it.
    """
    if decision not in DECISIONS:
        raise NotApprovedError(
            f"{decision!r} is no decision{closest(decision, DECISIONS)}", next=f"one of: {', '.join(DECISIONS)}"
        )
    logged = chain.request(request_id)
    request = logged.predicate.request
    rule = environment_of(policy, request)
    principal = policy.who(public, now)
    check_signer(chain, request, policy, public, principal.person or principal.name)
    if principal.is_service:
        raise RoleError(f"{principal.name} is a service, and only people decide")
    if chain.revocations.get(request_id):
        raise RevokedError(f"{request_id} was revoked", next=f"ask again: nbdeploy deploy {request.objective}")
    if decision != "approval" and not reason.strip():
        raise NotApprovedError(f"a {decision} needs a reason for the author", next="add --reason '…'")
    predicate = DecisionPredicate(
        request=request.id,
        model=request.model,
        version=request.version,
        environment=request.environment,
        decision=decision,
        by=principal.name,
        reason=reason,
        acknowledged=tuple(acknowledge),
        waived=tuple(waive),
        conditions=tuple(conditions),
        signed=now,
        not_before=not_before or now,
        expires=now + timedelta(days=rule.expires_days),
        unattended=unattended,
    )
    if decision == "approval":
        validation = check_request(chain, request, policy)
        check_gates(request, rule, validation.predicate, predicate, principal.roles)
    return predicate, request.digests.model_dump() | {"request": logged.digest}
