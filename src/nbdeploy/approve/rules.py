"""What a request must rest on, and a decision must be about, each rule with its own refusal.

Sign-off asks the rules of this stage before a key is used, standing asks them again of what is logged: a statement that
was signed without asking counts for nothing.
"""

from __future__ import annotations

from nbdeploy.approve.chain import Chain, Logged
from nbdeploy.documents.finding import worst
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import DecisionPredicate, ValidationPredicate
from nbdeploy.errors import LinkError, NotApprovedError, RoleError
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.rules import Environment


def environment_of(policy: Policy, request: Request) -> Environment:
    """Return the rule of the request's environment, with what the model's risk tier asks beyond.

    Raises
    ------
    PolicyError
        The policy does not know it.
    """
    return policy.rule(request.environment, request.model, request.risk_tier)


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


# What a decision says ------------------------------------------------------------------------------------------------


def check_binding(chain: Chain, request: Request, logged: Logged[DecisionPredicate]) -> None:
    """Refuse a decision that was made about anything but exactly this request.

    The policy is not part of that: a decision names the one that its signer went by, which may be a later one.
    """
    predicate = logged.predicate
    for word, said, asked in (
        ("model", predicate.model, request.model),
        ("version", predicate.version, request.version),
        ("environment", predicate.environment, request.environment),
    ):
        if said != asked:
            raise LinkError(f"a decision on {request.id} names the {word} {said!r}, and the request {asked!r}")
    expected = request.digests.model_dump(exclude={"policy"}) | {"request": chain.asked[request.id].digest}
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
