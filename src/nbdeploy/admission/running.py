"""What runs already, asked by the rules of now: may it stay, and if not, what does the policy do about it?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.rules import environment_of
from nbdeploy.approve.standing import standing
from nbdeploy.errors import ExpiredError, Refusal, RevokedError
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.policy.document import Policy


@dataclass(frozen=True)
class Doubt:
    """Why something that runs would not be started now.

    Attributes
    ----------
    down
        Whether the policy takes it down for that; otherwise a human is told.
    """

    reason: str
    down: bool


def doubt(chain: Chain, request_id: str, policy: Policy, now: datetime) -> Doubt | None:
    """Return why a request's version would not be started now, or None if it would.

    A revocation, or the loss of a key that it rests on, takes it down unless the policy says ``on_revoke = "alarm"``.
    The end of its approval does so only where the policy says ``on_expiry = "withdraw"``. Whatever else changed, a
    policy above all, stops nothing that runs.
    """
    revoked = _revoked(chain, request_id)
    logged = chain.asked.get(request_id)
    if logged is None:
        return Doubt(revoked or f"the ledger holds no request {request_id} that counts", down=bool(revoked))
    try:
        rule = environment_of(policy, logged.predicate.request)
        found = standing(chain, request_id, policy, now)
    except Refusal as refusal:
        return Doubt(str(refusal), down=False)
    if found.state == "approved":
        return None
    if revoked:
        return Doubt(revoked, down=rule.on_revoke == "rollback")
    if found.state == "expired":
        ended = [str(refusal) for refusal in found.refusals if isinstance(refusal, ExpiredError)]
        return Doubt(ended[-1] if ended else "its approval expired", down=rule.on_expiry == "withdraw")
    said = [str(refusal) for refusal in found.refusals]
    return Doubt(said[-1] if said else f"{request_id} is {found.state} now, and not approved", down=False)


def _revoked(chain: Chain, request_id: str) -> str:
    """Return who revoked what it rests on, and why; empty where nobody did."""
    revocations = chain.revocations.get(request_id)
    if revocations:
        last = revocations[-1]
        reason = last.predicate.reason.strip().rstrip(".")
        return f"{last.person} revoked it" + (f": {reason}" if reason else "")
    rests_on = _rests_on(chain, request_id)
    for entry, reason in chain.ignored:
        if reason.startswith(RevokedError.code) and bytes_digest(entry.envelope) in rests_on:
            return f"a key that it rests on was given up ({reason})"
    return ""


def _rests_on(chain: Chain, request_id: str) -> set[str]:
    """Return the envelopes that a deployment named when it began, and the validation of its request."""
    found = {
        digest
        for logged in chain.deployments.get(request_id, ())
        for name, digest in logged.subjects.items()
        if name == "request" or name.startswith("approval-")
    }
    logged = chain.asked.get(request_id)
    return found | ({logged.predicate.request.validation} if logged else set())
