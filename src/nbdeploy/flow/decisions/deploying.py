"""The verb *deploy*: a recorded validation becomes a request. Nothing goes live by it."""

from __future__ import annotations

import secrets
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.standing import standing
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.objective import Objective, Rollout
from nbdeploy.documents.progress import Progress, Watcher, unwatched
from nbdeploy.documents.request import DigestSet, Request
from nbdeploy.documents.statements import RequestPredicate
from nbdeploy.errors import (
    CardError,
    DigestError,
    DraftError,
    GateFailedError,
    ModeError,
    ModelError,
    ProjectError,
    RoleError,
)
from nbdeploy.flow.decisions.requested import Requested, to_be_waived
from nbdeploy.flow.mirroring import show_request
from nbdeploy.flow.policies.kept import keep_policy
from nbdeploy.flow.project import Project, RecordedRun
from nbdeploy.flow.service.serving import service_url
from nbdeploy.release.plan import plan
from nbdeploy.report.write import verify_card
from nbdeploy.trust.digests import bytes_digest, file_digest, model_digest
from nbdeploy.trust.envelopes import sign
from nbdeploy.trust.policy.rules import Environment
from nbdeploy.trust.scan import Advisories, scan_model


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
    ScanError, SizeError, PathError, FormatError
        The model's files do what nobody may let through here.
    ModeError
        The policy only observes this model.
    RoleError, ExpiredError
        No person stands behind the key of this workstation, who could answer for the request.
    """
    project = Project.require()
    _check_asker(project)
    objective = project.objective(name).content
    environment = project.policy.rule(to, objective.governed_model, objective.risk_tier)
    rollout = objective.rollout
    if strategy:
        rollout = Rollout.model_validate(rollout.model_dump() | {"strategy": strategy})
    plan(rollout, first=True)  # refuses what no controller here can do, before anything is asked
    run = _latest(project, name)
    chain = project.chain()
    digests, validation = _recorded(project, chain, run)
    _allowed(project, objective)
    undecided, failed = _gates(run, environment, to, ask_waiver=ask_waiver)
    _siblings_hold(project, objective, chain, digests.model)
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


def _check_asker(project: Project) -> None:
    """Refuse what would count for nothing once it is logged: a service alone may validate, and not ask."""
    principal = project.policy.who(project.workstation.public, datetime.now(UTC))
    if principal.person is None:
        raise RoleError(
            f"the service {principal.name} may validate and not ask: a person answers for a request",
            next="a person runs nbdeploy deploy; or the policy says whom the service works for (person = …)",
        )


def _latest(project: Project, name: str) -> RecordedRun:
    try:
        return project.run(name)
    except ProjectError:
        if (project.run_folder(name, None) / "evidence.json").is_file():
            raise DraftError(
                f"of {name} there is only a draft", next=f"record it: nbdeploy validate {name} … without --draft"
            ) from None
        raise


def _recorded(project: Project, chain: Chain, run: RecordedRun) -> tuple[DigestSet, str]:
    """Return the digests of the run's documents, after holding them to what was signed when it was recorded."""
    evidence = file_digest(run.folder / "evidence.json")
    found = chain.validation_of(evidence)
    if found is None:
        raise DigestError(
            f"{run.folder / 'evidence.json'} is not the evidence that was recorded",
            next="validate again, without --draft",
        )
    for file, subject in (("card.json", "card"), ("card.html", "card.html"), ("objective.yaml", "objective")):
        if file_digest(run.folder / file) != found.subjects.get(subject):
            raise DigestError(
                f"{run.folder / file} was changed after it was recorded", next="validate again, without --draft"
            )
    problems = verify_card(run.folder, project.card_templates)
    if problems:
        raise CardError(f"the card does not tell its evidence: {problems[0]}", next="validate again, without --draft")
    model = run.evidence.subject.model
    if model is None:
        raise ModelError(
            f"{run.label} of {run.evidence.objective.name} saw only predictions; there is no model to deploy",
            next=f"nbdeploy validate {run.evidence.objective.name} --model … --data …",
        )
    digests = DigestSet(
        model=model.digest,
        card=file_digest(run.folder / "card.json"),
        evidence=evidence,
        objective=file_digest(run.folder / "objective.yaml"),
        policy=bytes_digest(project.settings.policy_file.read_bytes()),
    )
    current = project.objective(run.evidence.objective.name).digest
    if current != digests.objective:
        raise GateFailedError(
            f"the objective {run.evidence.objective.name} changed after {run.label}, which was held to the older text",
            next=f"nbdeploy validate {run.evidence.objective.name} again",
        )
    return digests, found.digest


def _allowed(project: Project, objective: Objective) -> None:
    mode = project.policy.mode(objective.governed_model)
    if mode != "enforce":
        raise ModeError(
            f"the policy says {mode} for the model {objective.governed_model}: nbdeploy looks and touches nothing",
            next=f'set "{objective.governed_model}" = "enforce" under [models] in policy.toml',
        )


def _gates(
    run: RecordedRun, environment: Environment, to: str, *, ask_waiver: bool
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Return the undecided and the failed gates of a run that may be asked for."""
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


def _siblings_hold(project: Project, objective: Objective, chain: Chain, model: str) -> None:
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


def _advisories(project: Project) -> Advisories | None:
    where = project.settings.advisories
    return None if where is None else Advisories.read(where)


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
        scan = to_be_waived(scan_model(folder, advisories=_advisories(project)), environment)
        version = project.registry.register(
            objective.governed_model,
            folder,
            run_id=project.registry.evidence_run(digests.evidence),
            tags={"evidence": digests.evidence, "objective": objective.name, "verdict": run.evidence.verdict.overall},
        )
    watch(Progress(stage="register", part=objective.governed_model, state="done", detail=f"version {version}"))
    return version, scan
