"""The run that a deployment is asked with: the latest that was recorded, still as it was signed."""

from __future__ import annotations

from nbdeploy.approve.chain import Chain
from nbdeploy.documents.request import DigestSet
from nbdeploy.documents.run_files import CARD, EVIDENCE, OBJECTIVE, SIGNED_FILES
from nbdeploy.errors import CardError, DigestError, DraftError, GateFailedError, ModelError, ProjectError
from nbdeploy.flow.project import Project, RecordedRun
from nbdeploy.report.write import verify_card
from nbdeploy.trust.digests import bytes_digest, file_digest


def latest_run(project: Project, name: str) -> RecordedRun:
    """Return the latest recorded run of an objective.

    Raises
    ------
    DraftError
        There is only a draft.
    ProjectError
        There is none.
    """
    try:
        return project.run(name)
    except ProjectError:
        if (project.run_folder(name, None) / EVIDENCE).is_file():
            raise DraftError(
                f"of {name} there is only a draft", next=f"record it: nbdeploy validate {name} … without --draft"
            ) from None
        raise


def signed_digests(project: Project, chain: Chain, run: RecordedRun) -> tuple[DigestSet, str]:
    """Return the digests of the run's documents, after holding them to what was signed when it was recorded.

    Raises
    ------
    DigestError, CardError
        The evidence, the card or the objective beside them are not what was recorded.
    ModelError
        Only predictions were validated.
    GateFailedError
        The objective was changed since.
    """
    evidence = file_digest(run.folder / EVIDENCE)
    found = chain.validation_of(evidence)
    if found is None:
        raise DigestError(
            f"{run.folder / EVIDENCE} is not the evidence that was recorded",
            next="validate again, without --draft",
        )
    for file, subject in SIGNED_FILES.items():
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
        card=file_digest(run.folder / CARD),
        evidence=evidence,
        objective=file_digest(run.folder / OBJECTIVE),
        policy=bytes_digest(project.settings.policy_file.read_bytes()),
    )
    current = project.objective(run.evidence.objective.name).digest
    if current != digests.objective:
        raise GateFailedError(
            f"the objective {run.evidence.objective.name} changed after {run.label}, which was held to the older text",
            next=f"nbdeploy validate {run.evidence.objective.name} again",
        )
    return digests, found.digest
