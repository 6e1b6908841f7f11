"""Revocation: a person takes back a request, with everything that was decided on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.signers import check_revoker
from nbdeploy.documents.statements import RevocationPredicate
from nbdeploy.errors import NotApprovedError, RevokedError
from nbdeploy.trust.policy.document import Policy


def revocation(
    chain: Chain, request_id: str, policy: Policy, public: str, *, reason: str, now: datetime
) -> tuple[RevocationPredicate, Mapping[str, str]]:
    """Return the statement to sign and its subjects: the model, the request and every approval that was signed of it.

    Raises
    ------
    RoleError, ExpiredError
        The signer neither asked for it nor may decide there, or the key does not count.
    RevokedError
        It was revoked before.
    NotApprovedError
        There is no such request, or no reason was given.
    """
    logged = chain.request(request_id)
    request = logged.predicate.request
    principal = policy.who(public, now)
    check_revoker(chain, request, policy, principal)
    earlier = chain.revocations.get(request_id)
    if earlier:
        raise RevokedError(
            f"{request_id} was revoked by {earlier[0].person} on {earlier[0].predicate.at:%Y-%m-%d}",
            next=f"ask again: nbdeploy deploy {request.objective}",
        )
    if not reason.strip():
        raise NotApprovedError("a revocation needs a reason, which everybody reads later", next="add --reason '…'")
    predicate = RevocationPredicate(
        request=request.id, model=request.model, version=request.version, by=principal.name, reason=reason, at=now
    )
    approvals = [said for said in chain.decisions.get(request_id, ()) if said.predicate.decision == "approval"]
    subjects = {"model": request.digests.model, "request": logged.digest}
    return predicate, subjects | {f"approval-{number}": said.digest for number, said in enumerate(approvals, start=1)}
