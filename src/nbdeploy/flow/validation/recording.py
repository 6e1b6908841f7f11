"""Recording a validation: its place and number, what was tried before, the signed statement and the run in MLflow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbdeploy.approve.chain import Chain, Logged
from nbdeploy.declare import NamedObjective, changes, read_objective
from nbdeploy.documents.evidence import AttemptRef, Evidence
from nbdeploy.documents.progress import Progress, Watcher
from nbdeploy.documents.statements import ValidationPredicate
from nbdeploy.errors import InterruptedRunError
from nbdeploy.flow.declaring import log_objective, own_measures
from nbdeploy.flow.project import Project
from nbdeploy.trust.digests import bytes_digest, file_digest
from nbdeploy.trust.envelopes import sign
from nbdeploy.validate.placing import placed


@contextmanager
def place(
    project: Project | None,
    named: NamedObjective,
    out: Path | None,
    recorded: bool,
    draft: bool,
) -> Iterator[tuple[Path, int | None]]:
    """Yield the folder of the run and its attempt number, reserved while the run lasts."""
    name = named.content.name
    if project is None or not (recorded or draft):
        yield (out or Path(f"{name}-validation")).absolute(), None
        return
    if draft:
        yield project.run_folder(name, None), None
        return
    chain = project.chain()
    attempt = 1 + max((chain.attempts[entry.digest] for entry in chain.validations_named(name)), default=0)
    while True:
        folder = project.run_folder(name, attempt)
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:  # another run of this moment has the number
            attempt += 1
    try:
        yield folder, attempt
    except BaseException as error:
        if not _is_recorded(project, name, folder):
            shutil.rmtree(folder, ignore_errors=True)
            raise
        # What the ledger names has to be there for whoever asks.
        if isinstance(error, KeyboardInterrupt):
            raise InterruptedRunError(
                f"attempt {attempt} of {name} was recorded before the run was interrupted",
                next=f"see it with: nbdeploy card show {name}",
            ) from None
        raise


def _is_recorded(project: Project, name: str, folder: Path) -> bool:
    """Whether the ledger holds the validation in a run's folder."""
    file = folder / "evidence.json"
    if not file.is_file():
        return False
    digest = file_digest(file)
    return any(entry.subjects["evidence"] == digest for entry in project.chain().validations_named(name))


def copy_run(folder: Path, out: Path) -> None:
    with placed(out) as building:
        shutil.copytree(folder, building, dirs_exist_ok=True)


def earlier_attempts(chain: Chain, project: Project, named: NamedObjective) -> tuple[AttemptRef, ...]:
    """Return what was recorded before, each with how the objective changed after it."""
    earlier = chain.validations_named(named.content.name)
    texts = [_text(project, entry, chain.attempts[entry.digest]) for entry in earlier] + [named]
    return tuple(
        AttemptRef(
            attempt=chain.attempts[entry.digest],
            recorded=entry.predicate.finished,
            model_digest=entry.subjects.get("model"),
            data_digest=entry.predicate.data,
            objective_digest=entry.subjects["objective"],
            overall=entry.predicate.overall,
            changes=_changed(entry.subjects["objective"], texts[position], texts[position + 1]),
        )
        for position, entry in enumerate(earlier)
    )


def _text(project: Project, entry: Logged[ValidationPredicate], attempt: int) -> NamedObjective | None:
    """Return the text that an earlier attempt was held to, if its folder still has the signed bytes."""
    file = project.run_folder(entry.predicate.objective, attempt) / "objective.yaml"
    if not file.is_file() or file_digest(file) != entry.subjects["objective"]:
        return None
    return read_objective(file.read_bytes(), origin=str(file), own=own_measures(project))


def _changed(digest: str, text: NamedObjective | None, following: NamedObjective | None) -> tuple[str, ...]:
    if following is not None and following.digest == digest:
        return ()
    if text is None or following is None:
        return ("the objective changed; its older text is not on this machine",)
    return changes(text.content, following.content)


def record(project: Project, named: NamedObjective, evidence: Evidence, folder: Path, watch: Watcher) -> None:
    """Show a run in MLflow, then sign and log it: what the ledger holds is never taken back, so it comes last."""
    watch(Progress(stage="record", part="ledger and MLflow", state="running"))
    log_objective(project, named)
    project.registry.log_validation(evidence, folder)
    project.ledger.append(signed_validation(project, named, evidence, folder))
    watch(Progress(stage="record", part="ledger and MLflow", state="done", detail=f"attempt {evidence.run.attempt}"))


def signed_validation(project: Project, named: NamedObjective, evidence: Evidence, folder: Path) -> bytes:
    """Return the envelope that says what was measured in a run folder, by this workstation's key."""
    digests = {
        "evidence": file_digest(folder / "evidence.json"),
        "card": file_digest(folder / "card.json"),
        "card.html": file_digest(folder / "card.html"),
        "objective": bytes_digest(named.source),
    }
    if evidence.subject.model is not None:
        digests["model"] = evidence.subject.model.digest
    judged = next(entry for entry in evidence.subject.data if entry.role in ("evaluation", "predictions"))
    predicate = ValidationPredicate(
        objective=named.content.name,
        model=named.content.governed_model,
        attempt=evidence.run.attempt,
        overall=evidence.verdict.overall,
        gates=evidence.verdict.gates,
        data=judged.digest,
        by=evidence.run.by,
        finished=evidence.run.finished,
    )
    return sign(predicate, digests, project.workstation)
