"""Whether a request is approved now; if not, which rule stands in its way."""

from __future__ import annotations

from nbdeploy.approve.rules import environment_of
from nbdeploy.approve.standing import Standing
from nbdeploy.errors import ExpiredError, NotApprovedError, Refusal, RevokedError, ThresholdError
from nbdeploy.trust.policy.document import Policy


def check_approved(found: Standing, policy: Policy) -> None:
    """Refuse a request that is not approved, by the rule that stands in its way.

    Raises
    ------
    RevokedError, NotApprovedError, ThresholdError, ExpiredError
        And whatever else its latest decision was refused by.
    """
    request = found.request
    next_command = f"nbdeploy signoff {request.id}"
    if found.state == "revoked":
        raise RevokedError(f"{request.id} was revoked", next=f"ask again: nbdeploy deploy {request.objective}")
    if found.state == "approved":
        return
    if found.state not in ("rejected", "returned", "questioned"):
        raise _reason(found) or _too_few(found, environment_of(policy, request).needed, next_command)
    raise NotApprovedError(f"{request.id} was {found.state}", next=next_command)


def _reason(found: Standing) -> Refusal | None:
    """Return why the request or its latest decision does not count; an approval out of its days comes first."""
    timed = [refusal for refusal in found.refusals if isinstance(refusal, ExpiredError)]
    if found.state in ("expired", "not_yet") and timed:
        return timed[-1]
    return found.refusals[-1] if found.refusals else None


def _too_few(found: Standing, needed: int, next_command: str) -> Refusal:
    may = " or ".join(found.approvers) or "nobody that the policy names"
    if found.approvals:
        return ThresholdError(
            f"{needed - found.missing} of {needed} people signed {found.request.id}, missing: {may}", next=next_command
        )
    return NotApprovedError(f"{found.request.id} waits for the signature of {may}", next=next_command)
