"""The decision sheet: who asked, who signed, under which conditions, and what holds now. Rendered from the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from nbdeploy.approve.record import Chain
from nbdeploy.approve.standing import standing
from nbdeploy.trust.policy import Policy

ASSURANCE = "local: whoever holds the ledger's key on this machine could rewrite the log"


def decision_sheet(chain: Chain, request_id: str, policy: Policy, now: datetime) -> str:
    """Return the sheet as plain lines."""
    return "\n".join(_lines(chain, request_id, policy, now))


def _lines(chain: Chain, request_id: str, policy: Policy, now: datetime) -> Iterator[str]:
    found = standing(chain, request_id, policy, now)
    request = found.request
    yield f"Asked by {request.requester} on {request.requested:%Y-%m-%d %H:%M} UTC: {request.subject} at {request.endpoint}."
    validation = chain.validations.get(request.validation)
    if validation is not None:
        said = validation.predicate
        yield f"Validated as attempt {said.attempt} of {said.objective} by {validation.person}: {said.overall.replace('_', ' ')}."
    for gate in request.undecided:
        yield f"Undecided, to be acknowledged: {gate}"
    for gate in request.failed:
        yield f"Failed, to be waived: {gate}"
    for logged in chain.decisions.get(request_id, ()):
        decision = logged.predicate
        alone = " (unattended: nobody sat at the terminal)" if decision.unattended else ""
        yield f"{decision.decision.capitalize()} by {logged.person} on {decision.signed:%Y-%m-%d %H:%M} UTC{alone}. {decision.reason}".rstrip()
        for gate in decision.acknowledged:
            yield f"  acknowledged: {gate}"
        for waiver in decision.waived:
            yield f"  waived: {waiver.gate}: {waiver.reason}"
        for condition in decision.conditions:
            yield f"  condition: {condition.text} ({condition.owner}, by {condition.by})"
    for revoked in chain.revocations.get(request_id, ()):
        yield f"Revoked by {revoked.person} on {revoked.predicate.at:%Y-%m-%d %H:%M} UTC: {revoked.predicate.reason}"
    for problem in found.problems:
        yield f"Does not count: {problem}"
    until = f", until {found.until:%Y-%m-%d}" if found.until else ""
    yield f"Standing: {found.state.replace('_', ' ')}{until}."
    if found.missing:
        yield f"Missing: {found.missing} signature{'s' * (found.missing > 1)} by {' or '.join(found.approvers) or 'nobody that the policy names'}."
    yield f"Assurance: {ASSURANCE}."
