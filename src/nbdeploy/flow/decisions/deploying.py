"""The verb *deploy*: a recorded validation becomes a request. Nothing goes live by it."""

from __future__ import annotations

import secrets
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from nbdeploy.approve.standing import standing
from nbdeploy.documents.objective import Objective, Rollout
from nbdeploy.documents.progress import Progress, Watcher, unwatched
from nbdeploy.documents.request import DigestSet, Request
from nbdeploy.documents.statements import RequestPredicate
from nbdeploy.errors import DigestError, ModelError, ScanError
from nbdeploy.flow.decisions.asking import check_asker, check_enforced, check_siblings, gates_to_sign
from nbdeploy.flow.decisions.recorded import latest_run, signed_digests
from nbdeploy.flow.decisions.requested import Requested
from nbdeploy.flow.mirroring import show_request
from nbdeploy.flow.policies.kept import keep_policy
from nbdeploy.flow.project import Project, RecordedRun
from nbdeploy.flow.service.serving import service_url
from nbdeploy.release.plan import plan
from nbdeploy.trust.digests import model_digest
from nbdeploy.trust.envelopes import sign
from nbdeploy.trust.policy.rules import Environment
from nbdeploy.trust.scan import Advisories, Scan, scan_model
from nbdeploy.trust.scan.waivers import check_never, gates, told


def deploy(
    name: str,
    *,
    to: str = "production",
    strategy: str | None = None,
    ask_waiver: bool = False,
    watch: Watcher = unwatched,
) -> Requested:
    """Ask that the latest recorded validation of an objective goes live in an environment.

    Parameters
    ----------
    name
        A declared objective.
    to
        An environment of the policy.
    strategy
        Instead of the objective's: rolling, blue-green or canary.
    ask_waiver
        Ask although a gate failed. Policy must allow that such a gate is waived.

    Raises
    ------
    DraftError
        There is only a draft.
    GateFailedError
        A gate failed or is undecided where policy wants it decided; the sentence says which, and what would help.
    DigestError, CardError
        The model, the evidence or the card are not what was recorded.
    ModelError
        Only predictions were validated.
    ScanError, SizeError, PathError, FormatError
        The model's files do what nobody may let through here.
    ModeError
        The policy only observes this model.
    RoleError, ExpiredError
        No person stands behind the key of this workstation, who could answer for the request.
    """
    project = Project.require()
    check_asker(project)
    objective = project.objective(name).content
    environment = project.policy.rule(to, objective.governed_model, objective.risk_tier)
    rollout = objective.rollout
    if strategy:
        rollout = Rollout.model_validate(rollout.model_dump() | {"strategy": strategy})
    plan(rollout, first=True)  # refuses what no controller here can do, before anything is asked
    run = latest_run(project, name)
    chain = project.chain()
    digests, validation = signed_digests(project, chain, run)
    check_enforced(project, objective)
    undecided, failed = gates_to_sign(run, environment, to, ask_waiver=ask_waiver)
    check_siblings(project, objective, chain, digests.model)
    version, scan = _register(project, objective, run, digests, environment=environment, watch=watch)
    request = Request(
        id=f"r-{secrets.token_hex(4)}",
        ledger=project.ledger.public or "",
        objective=name,
        model=objective.governed_model,
        version=version,
        endpoint=objective.served_at,
        environment=to,
        risk_tier=objective.risk_tier,
        rollout=rollout,
        digests=digests,
        validation=validation,
        requester=project.person,
        requested=datetime.now(UTC),
        undecided=tuple(finding.id for finding in undecided),
        failed=tuple(finding.id for finding in failed),
        scan=tuple(scan),
    )
    subjects = digests.model_dump() | {"validation": validation}
    keep_policy(project)
    project.ledger.append(sign(RequestPredicate(request=request), subjects, project.workstation))
    notes = show_request(project, request)
    found = standing(project.chain(), request.id, project.policy, datetime.now(UTC))
    return Requested(
        request=request,
        state=found.state,
        missing=found.missing,
        approvers=tuple(found.approvers),
        service=service_url(project),
        scan=environment.scan,
        scanned=tuple(scan.values()),
        notes=notes,
    )


def _advisories(project: Project) -> Advisories | None:
    where = project.settings.advisories
    return None if where is None else Advisories.read(where)


def _to_be_waived(scan: Scan, environment: Environment) -> dict[str, str]:
    """Return what a model's files do that only a signed waiver lets through: its gates, each told in a line.

    Raises
    ------
    ScanError, SizeError, PathError, FormatError
        They do what no waiver lets through, or what this environment lets nobody waive.
    """
    check_never(scan.findings)
    found = {gate: told(gate, findings) for gate, findings in gates(scan.findings).items()}
    if found and environment.scan == "block":
        raise ScanError(
            f"this environment takes no model that does {'; '.join(found.values())}",
            next="log the model again without it, and validate that",
        )
    return found


def _register(
    project: Project,
    objective: Objective,
    run: RecordedRun,
    digests: DigestSet,
    *,
    environment: Environment,
    watch: Watcher,
) -> tuple[str, dict[str, str]]:
    """Return the version in the registry that holds exactly the validated bytes, and what of its files to waive."""
    subject = run.evidence.subject.model
    if subject is None:
        raise ModelError("there is no model to register")
    watch(Progress(stage="register", part=objective.governed_model, state="running"))
    with tempfile.TemporaryDirectory() as scratch:
        folder, _ = project.registry.resolve(subject.uri, Path(scratch))
        found = model_digest(folder)
        if found != digests.model:
            raise DigestError(
                f"the model at {subject.uri} changed since {run.label} was recorded",
                next=f"nbdeploy validate {objective.name} again",
            )
        scan = _to_be_waived(scan_model(folder, advisories=_advisories(project)), environment)
        version = project.registry.register(
            objective.governed_model,
            folder,
            run_id=project.registry.evidence_run(digests.evidence),
            tags={"evidence": digests.evidence, "objective": objective.name, "verdict": run.evidence.verdict.overall},
        )
    watch(Progress(stage="register", part=objective.governed_model, state="done", detail=f"version {version}"))
    return version, scan
