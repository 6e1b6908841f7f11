"""The decision sheet: who asked, who signed, under which conditions, and what holds now. Rendered from the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from nbdeploy.approve.chain import Chain, Logged
from nbdeploy.approve.gates import needs
from nbdeploy.approve.rules import environment_of
from nbdeploy.approve.standing import Standing, standing
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import DecisionPredicate
from nbdeploy.trust.policy import Policy

ASSURANCE = "local: whoever holds the ledger's key could rewrite the log"
_WORDS = {"acknowledge": "to be acknowledged", "waive": "to be waived", "block": "which this environment never takes"}


def decision_sheet(chain: Chain, request_id: str, policy: Policy, now: datetime) -> str:
    """Return the sheet as plain lines.

    Names are those that the policy gives to the keys that signed; what a statement says about itself is not repeated.

    Raises
    ------
    NotApprovedError
        There is no such request.
    PolicyError
        The policy does not know the request's environment.
    """
    found = standing(chain, request_id, policy, now)
    lines = [*_asked(chain, found.request, policy)]
    for logged in chain.decisions.get(request_id, ()):
        lines += _decision(logged)
    for revoked in chain.revocations.get(request_id, ()):
        lines.append(f"Revoked by {revoked.person} on {_when(revoked.predicate.at)}: {revoked.predicate.reason}")
    lines += [*_standing(found), f"Assurance: {ASSURANCE}."]
    return "\n".join(_inert(line) for line in lines)


def _asked(chain: Chain, request: Request, policy: Policy) -> Iterator[str]:
    yield (
        f"{request.id}: {request.subject} at {request.endpoint} in {request.environment}, asked by "
        f"{chain.asked[request.id].person} on {_when(request.requested)}."
    )
    validation = chain.validations.get(request.validation)
    if validation is None:
        return
    said = validation.predicate
    yield (
        f"Validated as attempt {said.attempt} of {said.objective} by {validation.person}: "
        f"{said.overall.replace('_', ' ')}."
    )
    for gate, need in needs(environment_of(policy, request), request, said).items():
        found = said.gates[gate].replace("_", " ") if gate in said.gates else "found in its files"
        yield f"  {gate}: {found}, {_WORDS[need]}"


def _decision(logged: Logged[DecisionPredicate]) -> Iterator[str]:
    said = logged.predicate
    alone = ", unattended: nobody sat at the terminal" if said.unattended else ""
    reason = f" {said.reason}" if said.reason else ""
    yield f"{said.decision.capitalize()} by {logged.person} on {_when(said.signed)}{alone}.{reason}"
    for gate in said.acknowledged:
        yield f"  acknowledged: {gate}"
    for waiver in said.waived:
        yield f"  waived: {waiver.gate}, until {waiver.expires:%Y-%m-%d}: {waiver.reason}"
    for condition in said.conditions:
        yield f"  condition: {condition.text} ({condition.owner}, by {condition.by})"


def _standing(found: Standing) -> Iterator[str]:
    for problem in found.problems:
        yield f"Does not count: {problem}"
    until = f", to start a rollout until {_when(found.until)}" if found.until else ""
    yield f"Standing: {found.state.replace('_', ' ')}{until}."
    if found.missing:
        by = " or ".join(found.approvers) or "somebody with the role, and the policy names nobody"
        yield f"Missing: {found.missing} signature{'s' if found.missing > 1 else ''} by {by}."


def _when(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _inert(line: str) -> str:
    """Keep foreign text on its line: a reason must not be able to look like a further line of the sheet."""
    return "".join(letter if letter.isprintable() else " " for letter in line)
