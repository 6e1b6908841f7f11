"""Gates that did not pass: what an environment asks for each, and whether a decision gives it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import DecisionPredicate, ValidationPredicate, Waiver
from nbdeploy.errors import AcknowledgeError, RoleError, closest
from nbdeploy.trust.policy.rules import Environment

Need = Literal["acknowledge", "waive", "block"]
_BLOCKED = "improve the model or the data and validate again"


def needs(rule: Environment, request: Request, said: ValidationPredicate) -> Mapping[str, Need]:
    """Return what an environment asks for each gate that did not pass, and for each finding of the file scan.

    A finding of the file scan has its id where a gate has its own: ``scan:unknown:package.Class``.
    """
    by_verdict: dict[str, Need] = {
        "inconclusive": rule.inconclusive,
        "not_evaluated": rule.not_evaluated,
        "fail": rule.failed,
    }
    found = {gate: by_verdict[verdict] for gate, verdict in said.gates.items() if verdict != "pass"}
    if rule.scan != "allow":
        found |= dict.fromkeys(request.scan, rule.scan)
    return found


def left_open(
    rule: Environment, request: Request, said: ValidationPredicate, waivers: Iterable[Waiver]
) -> tuple[str, ...]:
    """Return the gates that somebody would have to waive and nobody did, blocked ones included."""
    waived = {waiver.gate for waiver in waivers}
    return tuple(
        gate
        for gate, need in needs(rule, request, said).items()
        if need == "block" or (need == "waive" and gate not in waived)
    )


def check_gates(
    request: Request,
    rule: Environment,
    said: ValidationPredicate,
    decision: DecisionPredicate,
    roles: Iterable[str],
    *,
    complete: bool,
) -> None:
    """Refuse an approval that names a gate without need, or does not say of each what policy asks for.

    Gates that take a waiver may be waived by somebody else's approval; see `left_open`.

    Parameters
    ----------
    complete
        Whether each undecided gate must be acknowledged: by everybody whose approval counts as a signature, not by
        somebody who only waives.

    Raises
    ------
    AcknowledgeError
        Names every gate that no decision may carry, that is not acknowledged, or that was named without need.
    RoleError
        The signer's role may not waive here.
    """
    needed = needs(rule, request, said)
    known = (*said.gates, *request.scan)
    for gate in (*decision.acknowledged, *(waiver.gate for waiver in decision.waived)):
        if gate not in known:
            raise AcknowledgeError(
                f"{gate!r} is no gate of {request.id}{closest(gate, (*needed, *known))}",
                next=f"what is open: {', '.join(needed) or 'nothing'}",
            )
        if gate not in needed:
            raise AcknowledgeError(f"{gate} needs nothing: {_why_not(said, gate)}", next=f"leave {gate} out")
    blocked = [gate for gate, need in needed.items() if need == "block"]
    if blocked:
        told = ", ".join(
            f"{gate}: {said.gates[gate].replace('_', ' ')}" if gate in said.gates else gate for gate in blocked
        )
        raise AcknowledgeError(f"{request.environment} takes no model with {told}", next=_BLOCKED)
    _check_waivers(request, rule, decision, set(roles))
    _check_acknowledged(needed, decision, complete=complete)


def _why_not(said: ValidationPredicate, gate: str) -> str:
    return "it passed" if said.gates.get(gate) == "pass" else "the environment lets it through"


def _check_acknowledged(needed: Mapping[str, Need], decision: DecisionPredicate, *, complete: bool) -> None:
    wrong = [gate for gate in decision.acknowledged if needed[gate] == "waive"]
    if wrong:
        raise AcknowledgeError(
            f"{wrong[0]} takes a waiver here, and was only acknowledged", next=f"add {waiving(wrong[:1])}"
        )
    seen = {*decision.acknowledged, *(waiver.gate for waiver in decision.waived)}
    left = [gate for gate, need in needed.items() if need == "acknowledge" and gate not in seen]
    if left and complete:
        flags = " ".join(f"--acknowledge '{gate}'" for gate in left)
        raise AcknowledgeError(
            f"undecided gates were not acknowledged: {', '.join(left)}",
            next=f"look at them in the card, then add {flags}",
        )


def _check_waivers(request: Request, rule: Environment, decision: DecisionPredicate, roles: set[str]) -> None:
    gates = [waiver.gate for waiver in decision.waived]
    for waiver in decision.waived:
        if gates.count(waiver.gate) > 1:
            raise AcknowledgeError(f"{waiver.gate} is waived twice", next="waive it once, with one reason and one date")
        if not waiver.reason.strip():
            raise AcknowledgeError(f"the waiver of {waiver.gate} has no reason", next=f"add {waiving([waiver.gate])}")
        if waiver.expires <= decision.signed:
            raise AcknowledgeError(
                f"the waiver of {waiver.gate} ended on {waiver.expires:%Y-%m-%d}, before it was signed",
                next="name a day to come",
            )
        last = longest(rule, decision.signed)
        if last is not None and waiver.expires > last:
            raise AcknowledgeError(
                f"the waiver of {waiver.gate} until {waiver.expires:%Y-%m-%d} is longer than the {rule.waiver_days} "
                f"days that {request.environment} allows",
                next=f"name a day up to {last:%Y-%m-%d}",
            )
    may = waivers_roles(rule)
    if gates and not roles & may:
        raise RoleError(
            f"a waiver in {request.environment} takes the role {' or '.join(sorted(may))}",
            next=f"ask somebody with it to sign first, with {waiving(gates[:1])}",
        )


def waivers_roles(rule: Environment) -> set[str]:
    """Return the roles of which one is needed to waive: those named for it, else those that decide."""
    return set(rule.waive_by or rule.roles)


def longest(rule: Environment, signed: datetime) -> datetime | None:
    """Return when a waiver that is signed at a moment ends at the latest; None where policy leaves that open."""
    if rule.waiver_days is None:
        return None
    # A waiver ends with a day, not with the minute at which it was signed.
    return (signed + timedelta(days=rule.waiver_days)).replace(hour=23, minute=59, second=59, microsecond=999999)


def waiving(gates: Iterable[str]) -> str:
    """Return the options that waive these gates, as one types them."""
    return " ".join(f"--waive '{gate} | THE REASON | YYYY-MM-DD'" for gate in gates)
