"""The rules that a request and a decision on it are held to, each with its own refusal.

Sign-off asks them before a key is used, standing asks them again of what is logged: a statement that was signed without
asking counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from nbdeploy.approve.chain import Chain, Logged
from nbdeploy.documents.finding import worst
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import DecisionPredicate, ValidationPredicate
from nbdeploy.errors import (
    AcknowledgeError,
    ExpiredError,
    LinkError,
    NotApprovedError,
    PolicyError,
    RoleError,
    SelfApprovalError,
)
from nbdeploy.trust.policy import Environment, Policy

Need = Literal["acknowledge", "waive", "block"]


def environment_of(policy: Policy, request: Request) -> Environment:
    """Return the rule of the request's environment.

    Raises
    ------
    PolicyError
        The policy does not know it.
    """
    rule = policy.environments.get(request.environment)
    if rule is None:
        raise PolicyError(
            f"the policy has no environment {request.environment!r}, and {request.id} asks for it",
            next=f"its environments: {', '.join(policy.environments) or 'none'}",
        )
    return rule


# What a request rests on ---------------------------------------------------------------------------------------------


def check_request(chain: Chain, request: Request, policy: Policy) -> Logged[ValidationPredicate]:
    """Return the validation that a request rests on.

    Raises
    ------
    LinkError
        The validation or the objective is not in the ledger, is of other bytes or names, or came in another order; or
        the request tells the gates otherwise than the validation does.
    RoleError
        The environment does not take validations of this runner.
    """
    validation = chain.validations.get(request.validation)
    if validation is None:
        raise LinkError(f"{request.id} names a validation that the ledger does not hold")
    for name, digest in request.digests.model_dump(exclude={"policy"}).items():
        if validation.subjects.get(name) != digest:
            raise LinkError(f"{request.id} names another {name} than its validation was signed over")
    said = validation.predicate
    if (said.objective, said.model) != (request.objective, request.model):
        raise LinkError(
            f"{request.id} is for {request.model} by {request.objective}, "
            f"and its validation for {said.model} by {said.objective}"
        )
    _check_objective(chain, request, validation)
    _check_gates_told(request, said)
    runners = environment_of(policy, request).runner
    if runners and validation.principal.name not in runners:
        raise RoleError(
            f"{validation.principal.name} ran the validation of {request.id}, and {request.environment} takes it from "
            f"{' or '.join(runners)} only"
        )
    return validation


def _check_objective(chain: Chain, request: Request, validation: Logged[ValidationPredicate]) -> None:
    """Refuse a validation against an objective that was not declared, or only once results were known."""
    declared = [entry for entry in chain.objectives if entry.subjects["objective"] == request.digests.objective]
    if not declared:
        raise LinkError(
            f"the objective of {request.id} was never declared", next=f"nbdeploy declare {request.objective}"
        )
    first = declared[0]
    if (first.predicate.name, first.predicate.model) != (request.objective, request.model):
        raise LinkError(
            f"the objective of {request.id} was declared as {first.predicate.name} for "
            f"{first.predicate.model}, and the "
            f"request says {request.objective} for {request.model}"
        )
    if first.index > validation.index and not first.predicate.after_results:
        raise LinkError(
            f"the objective of {request.id} was declared after its results were recorded, and does not say so"
        )


def _check_gates_told(request: Request, said: ValidationPredicate) -> None:
    undecided = {gate for gate, verdict in said.gates.items() if verdict in ("inconclusive", "not_evaluated")}
    failed = {gate for gate, verdict in said.gates.items() if verdict == "fail"}
    if (
        set(request.undecided) != undecided
        or set(request.failed) != failed
        or said.overall != worst(said.gates.values())
    ):
        raise LinkError(f"{request.id} tells the gates otherwise than the validation that was signed")


# Who decides ---------------------------------------------------------------------------------------------------------


def own_work(chain: Chain, request: Request) -> Mapping[str, str]:
    """Return who may not decide on a request, with what they did: asked, declared or ran the validation.

    Running a validation again independently does not disqualify: only the one that the request names counts.
    """
    found: dict[str, str] = {}
    for logged, did in _makers(chain, request):
        found.setdefault(logged.person, did)
    return found


def _makers(chain: Chain, request: Request) -> Iterable[tuple[Logged, str]]:  # type: ignore[type-arg]  # of three kinds
    yield chain.asked[request.id], "asked for this deployment"
    for entry in chain.objectives:
        if entry.subjects["objective"] == request.digests.objective:
            yield entry, "declared its objective"
    validation = chain.validations.get(request.validation)
    if validation is not None:
        yield validation, "ran its validation"


def others(chain: Chain, request: Request, policy: Policy) -> tuple[str, ...]:
    """Return the people who may decide on a request."""
    environment_of(policy, request)
    return policy.approvers(request.environment, exclude=frozenset(own_work(chain, request)))


def check_signer(chain: Chain, request: Request, policy: Policy, public: str, person: str) -> None:
    """Refuse whoever decides on their own work, or without the role that the environment asks for.

    Raises
    ------
    SelfApprovalError, RoleError
        In that order: by person, by key material, by role.
    """
    rule = environment_of(policy, request)
    ask = (
        f"ask {' or '.join(others(chain, request, policy)) or 'somebody with the role'}: nbdeploy signoff {request.id}"
    )
    own = own_work(chain, request)
    if person in own:
        raise SelfApprovalError(f"{person} {own[person]}", next=ask)
    if public in {logged.public for logged, _ in _makers(chain, request)}:
        raise SelfApprovalError(f"the key that signs also signed what {request.id} rests on", next=ask)
    principal = next((known for known in policy.people if known.name == person), None)
    if principal is None or not set(principal.roles) & set(rule.by):
        raise RoleError(
            f"{person} holds none of the roles that decide on {request.environment} ({', '.join(rule.by) or 'none'})",
            next=ask,
        )


# What a decision says ------------------------------------------------------------------------------------------------


def check_binding(chain: Chain, request: Request, logged: Logged[DecisionPredicate]) -> None:
    """Refuse a decision that was made about anything but exactly this request."""
    predicate = logged.predicate
    for word, said, asked in (
        ("model", predicate.model, request.model),
        ("version", predicate.version, request.version),
        ("environment", predicate.environment, request.environment),
    ):
        if said != asked:
            raise LinkError(f"a decision on {request.id} names the {word} {said!r}, and the request {asked!r}")
    expected = request.digests.model_dump() | {"request": chain.asked[request.id].digest}
    for name, digest in expected.items():
        if logged.subjects.get(name) != digest:
            raise LinkError(f"a decision on {request.id} was signed over another {name} than the request names")


def check_order(earlier: Logged[DecisionPredicate] | None, logged: Logged[DecisionPredicate]) -> None:
    """Refuse an approval that somebody kept back and logged after its signer had decided otherwise."""
    if (
        earlier is not None
        and logged.predicate.decision == "approval"
        and logged.predicate.signed < earlier.predicate.signed
    ):
        raise NotApprovedError(
            f"the approval by {logged.person} was signed before their {earlier.predicate.decision}, and logged after it"
        )


def needs(rule: Environment, said: ValidationPredicate) -> Mapping[str, Need]:
    """Return what an environment asks for each gate that did not pass."""
    by_verdict: dict[str, Need] = {
        "inconclusive": rule.inconclusive,
        "not_evaluated": rule.not_evaluated,
        "fail": rule.failed,
    }
    return {gate: by_verdict[verdict] for gate, verdict in said.gates.items() if verdict != "pass"}


def check_gates(
    request: Request, rule: Environment, said: ValidationPredicate, decision: DecisionPredicate, roles: Iterable[str]
) -> None:
    """Refuse an approval that leaves a gate open.

    Raises
    ------
    AcknowledgeError
        Names every gate that no decision may carry, that is left open, or that was named without need.
    RoleError
        The signer's role may not waive here.
    """
    needed = needs(rule, said)
    waived = {waiver.gate: waiver for waiver in decision.waived}
    unknown = [gate for gate in (*decision.acknowledged, *waived) if gate not in needed]
    if unknown:
        raise AcknowledgeError(f"{unknown[0]!r} is not an undecided or failed gate of {request.id}")
    blocked = [gate for gate, need in needed.items() if need == "block"]
    if blocked:
        raise AcknowledgeError(
            f"{request.environment} takes no model with {', '.join(f'{gate}: {said.gates[gate]}' for gate in blocked)}",
            next="improve the model or the data and validate again",
        )
    left = [gate for gate, need in needed.items() if need == "waive" and gate not in waived]
    if left:
        raise AcknowledgeError(
            f"gates were not waived: {', '.join(left)}", next="add --waive GATE 'the reason' for each"
        )
    seen = {*decision.acknowledged, *waived}
    left = [gate for gate, need in needed.items() if need == "acknowledge" and gate not in seen]
    if left:
        flags = " ".join(f"--acknowledge '{gate}'" for gate in left)
        raise AcknowledgeError(
            f"undecided gates were not acknowledged: {', '.join(left)}",
            next=f"look at them in the card, then add {flags}",
        )
    mute = [gate for gate, waiver in waived.items() if not waiver.reason.strip()]
    if mute:
        raise AcknowledgeError(f"the waiver of {mute[0]} has no reason")
    may = set(rule.waive_by or rule.by)
    if waived and not set(roles) & may:
        raise RoleError(f"a waiver in {request.environment} takes the role {' or '.join(sorted(may))}")


def expires(rule: Environment, decision: DecisionPredicate) -> datetime:
    """Return when an approval ends: by itself, by the environment's days, or with the first of its waivers."""
    ends = [waiver.expires for waiver in decision.waived if waiver.expires is not None]
    return min(decision.expires, decision.signed + timedelta(days=rule.expires_days), *ends)


def check_time(rule: Environment, logged: Logged[DecisionPredicate], now: datetime) -> None:
    """Refuse an approval outside of its days.

    Raises
    ------
    ExpiredError
    """
    first, last = logged.predicate.not_before, expires(rule, logged.predicate)
    if now < first:
        raise ExpiredError(f"the approval by {logged.person} holds from {first:%Y-%m-%d %H:%M} UTC, and it is earlier")
    if now >= last:
        raise ExpiredError(
            f"the approval by {logged.person} expired on {last:%Y-%m-%d %H:%M} UTC",
            next=f"nbdeploy signoff {logged.predicate.request}",
        )
