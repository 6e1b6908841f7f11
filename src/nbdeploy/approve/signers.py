"""Who decides: nobody on their own work, only with a role, and as many different people as the environment asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from nbdeploy.approve.chain import Chain, Logged
from nbdeploy.approve.gates import waivers_roles
from nbdeploy.approve.rules import environment_of
from nbdeploy.documents.request import Request
from nbdeploy.errors import RoleError, SelfApprovalError
from nbdeploy.trust.policy.document import Policy, Principal
from nbdeploy.trust.policy.rules import Environment


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


def others(chain: Chain, request: Request, policy: Policy, *, at: datetime | None = None) -> tuple[str, ...]:
    """Return the people whose signature would count for a request, and who hold a key that counts at a moment."""
    return policy.people_with(environment_of(policy, request).roles, exclude=own_work(chain, request), at=at)


def counts(rule: Environment, roles: Iterable[str]) -> bool:
    """Whether an approval by somebody with these roles counts as a signature, rather than for its waivers alone."""
    return bool(set(roles) & set(rule.roles))


def may_decide(rule: Environment) -> tuple[str, ...]:
    """Return the roles that may sign a decision: those that count, and those that may waive where that is possible."""
    waives = (
        waivers_roles(rule) if "waive" in (rule.failed, rule.inconclusive, rule.not_evaluated, rule.scan) else set()
    )
    return (*rule.roles, *sorted(waives - set(rule.roles)))


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
    roles = may_decide(rule)
    if principal is None or not set(principal.roles) & set(roles):
        raise RoleError(
            f"{person} holds none of the roles that decide on {request.environment} ({', '.join(roles) or 'none'})",
            next=ask,
        )


def check_revoker(chain: Chain, request: Request, policy: Policy, principal: Principal) -> None:
    """Refuse a revocation by somebody who neither asked for it nor may decide where it was asked for.

    What a person asked for with the key of their workstation they may take back with it: a revocation only ever makes
    less run. A service decides nothing beyond that, whatever its roles.

    Raises
    ------
    RoleError
    """
    asked = chain.asked[request.id].person
    known = request.environment in policy.environments  # the one who asked may take it back all the same
    roles = may_decide(environment_of(policy, request)) if known else ()
    if principal.person == asked or (not principal.is_service and set(roles) & set(principal.roles)):
        return
    who = principal.person or principal.name
    raise RoleError(
        f"{who} revokes {request.id}, and neither asked for it nor holds a role that decides on "
        f"{request.environment} ({', '.join(roles) or 'none'})",
        next=f"{asked} may, or whoever decides on {request.environment}",
    )
