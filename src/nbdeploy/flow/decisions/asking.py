"""Whether a deployment may be asked for at all: who asks, which model, and what became of its gates."""

from __future__ import annotations

from datetime import UTC, datetime

from nbdeploy.approve.chain import Chain
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.objective import Objective
from nbdeploy.errors import GateFailedError, ModeError, RoleError
from nbdeploy.flow.project import Project, RecordedRun
from nbdeploy.trust.policy.rules import Environment


def check_asker(project: Project) -> None:
    """Refuse what would count for nothing once it is logged: a service alone may validate, and not ask."""
    principal = project.policy.who(project.workstation.public, datetime.now(UTC))
    if principal.person is None:
        raise RoleError(
            f"the service {principal.name} may validate and not ask: a person answers for a request",
            next="a person runs nbdeploy deploy; or the policy says whom the service works for (person = …)",
        )


def check_enforced(project: Project, objective: Objective) -> None:
    """Refuse a model that the policy only looks at."""
    mode = project.policy.mode(objective.governed_model)
    if mode != "enforce":
        raise ModeError(
            f"the policy says {mode} for the model {objective.governed_model}: nbdeploy looks and touches nothing",
            next=f'set "{objective.governed_model}" = "enforce" under [models] in policy.toml',
        )


def gates_to_sign(
    run: RecordedRun, environment: Environment, to: str, *, ask_waiver: bool
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Return the undecided and the failed gates of a run that may be asked for.

    Raises
    ------
    GateFailedError
        A gate failed or is undecided where policy wants it decided.
    """
    gated = run.evidence.gated()
    failed = tuple(finding for finding in gated if finding.verdict == "fail")
    if failed and not (ask_waiver and environment.failed == "waive"):
        first = failed[0]
        waive = "; a waiver can be asked for with --ask-waiver" if environment.failed == "waive" else ""
        raise GateFailedError(
            f"{run.label} of {run.evidence.objective.name} fails {len(failed)} of {len(gated)} gates: "
            f"{', '.join(finding.id for finding in failed)}. {first.reason.rstrip('.')}",
            next=f"{first.advice.rstrip('.')}{waive}",
        )
    undecided = tuple(finding for finding in gated if finding.verdict in ("inconclusive", "not_evaluated"))
    blocked = [finding for finding in undecided if getattr(environment, str(finding.verdict)) == "block"]
    if blocked:
        raise GateFailedError(
            f"{blocked[0].id} is {str(blocked[0].verdict).replace('_', ' ')}, and {to} takes only decided gates",
            next=blocked[0].advice,
        )
    return undecided, failed


def check_siblings(project: Project, objective: Objective, chain: Chain, model: str) -> None:
    """Several objectives may govern one model; all of them must hold for these bytes."""
    for other in project.declared():
        content = project.objective(other).content
        if other == objective.name or content.governed_model != objective.governed_model:
            continue
        found = [entry for entry in chain.validations_named(other) if entry.subjects.get("model") == model]
        if not found or found[-1].predicate.overall == "fail":
            word = "fails" if found else "was not validated"
            raise GateFailedError(
                f"the objective {other} governs {objective.governed_model} too, and it {word} for these bytes",
                next=f"nbdeploy validate {other} --model … --data …",
            )
