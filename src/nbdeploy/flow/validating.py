"""The verb *validate*: evidence is made, told in a card, and recorded where there is a project."""

from __future__ import annotations

import getpass
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbdeploy.declare import NamedObjective, check_objective
from nbdeploy.declare.crosswalks import crosswalks
from nbdeploy.documents.crosswalk import CrosswalkRef
from nbdeploy.documents.evidence import ModelSubject
from nbdeploy.documents.objective import Section
from nbdeploy.documents.progress import Progress, Watcher, unwatched
from nbdeploy.errors import GateFailedError, ModelError
from nbdeploy.flow.declaring import own_measures, refuse_below_floor
from nbdeploy.flow.previous import NO_VERSION, previous_model
from nbdeploy.flow.project import Project
from nbdeploy.flow.recording import copy_run, earlier_attempts, place, record
from nbdeploy.flow.resolving import resolve_model, resolve_objective
from nbdeploy.flow.validated import Validated
from nbdeploy.report.overrides import check_templates
from nbdeploy.report.write import write_card
from nbdeploy.validate.inputs import Dataset, read_dataset
from nbdeploy.validate.mlmodel import needs_mlflow
from nbdeploy.validate.order import Inputs, Order, Previous
from nbdeploy.validate.own_environment import environment_for, user_cache
from nbdeploy.validate.run import run_validation
from nbdeploy.validate.warm import kernel_parent

EXTRAS = ("mitigation",)
"""What costs much and tells little to most: mitigations of a disparity, trained and compared."""


def validate(
    objective: str | Path | NamedObjective,
    *,
    model: Any = None,
    data: Any = None,
    train: Any = None,
    reference: Any = None,
    predictions: Any = None,
    out: Path | None = None,
    sections: Sequence[str] = (),
    jobs: int | None = None,
    seed: int = 0,
    draft: bool = False,
    extras: Sequence[str] = (),
    fresh: bool = False,
    environment: str = "auto",
    previous: str | None = None,
    strict: bool = False,
    watch: Watcher = unwatched,
) -> Validated:
    """Run the validation notebooks and write evidence and a model card.

    Inside a project a run of a declared objective is recorded: numbered, signed by this workstation, logged in the
    ledger and in MLflow. A draft never is; neither is a run outside of a project.

    Parameters
    ----------
    objective
        The name of a declared objective, a YAML file, or one that was read.
    model
        ``models:/NAME/3``, ``runs:/ID/model``, the folder of an MLflow model, or a fitted scikit-learn estimator.
    data, train, reference, predictions
        A path (CSV, CSV.gz, Parquet, a folder or glob of Parquet) or a DataFrame. `predictions` stands for a model that
        lives elsewhere: it takes the place of `model` and `data`.
    out
        A folder for the files, beside the project's own; outside of a project ``NAME-validation`` unless given.
    sections
        Only these; gates of the others are then not evaluated.
    extras
        Costly extras of `EXTRAS` that else run only when a gate asks for them.
    environment
        Where the model runs: ``auto``, ``here`` or the path of an interpreter; see `environment_for`.
    previous
        The version of the registered model to compare with, or ``none``; unless given, the one that this would replace.
    fresh
        Run every notebook. Else, inside of a project, one that ran to its end before on the very same inputs gives what
        it gave then; the evidence tells when that was.
    strict
        Raise GateFailedError, after everything is stored, when a gate failed.

    Raises
    ------
    ObjectiveError, DataError, ModelError, FloorError, RegistryError
        No evidence could be made; the sentence says why. Nothing half written stays behind.
    """
    project = Project.find()
    named, declared = resolve_objective(objective, project)
    own = _own_notebooks(project)
    clauses = _crosswalks(project)
    if project is not None:
        check_templates(project.card_templates)  # not after half an hour of validation
        refuse_below_floor(named, check_objective(named.content, policy=project.policy).breaches)
    recorded = project is not None and declared and not draft
    with (
        # Its imports take longer than all that comes before the first fork, so it begins at once.
        kernel_parent(with_model=model is not None, with_mlflow=_needs_mlflow(model)) as parent,
        tempfile.TemporaryDirectory(prefix="nbdeploy-model-") as scratch,
        place(project, named, out, recorded, draft) as (folder, attempt),
    ):
        inputs = Inputs(
            evaluation=_dataset(data, "evaluation"),
            train=_dataset(train, "train"),
            reference=_dataset(reference, "reference"),
            predictions=_dataset(predictions, "predictions"),
        )
        subject, model_folder = resolve_model(model, named, inputs, project, Path(scratch), watch)
        before, notes = _previous(project, named, subject, Path(scratch) / "previous", sections, previous)
        chain = project.chain() if project is not None and recorded else None
        order = Order(
            objective=named.content,
            objective_bytes=named.source,
            inputs=inputs,
            model=subject,
            model_folder=model_folder,
            python=_python(model_folder, environment, project, watch),
            sections=_sections(sections),
            jobs=jobs,
            seed=seed,
            draft=draft,
            previous=before,
            wanted=_extras(extras),
            cache=project.settings.kept if project is not None else None,
            fresh=fresh,
            attempt=attempt,
            attempts=earlier_attempts(chain, project, named) if chain is not None and project is not None else (),
            extra_notebooks=own,
            trusted_notebooks=project.policy.trusted_notebooks if project is not None else (),
            by=project.person if project is not None else getpass.getuser(),
            warnings=(*_notes(project, declared=declared), *notes),
            crosswalks=clauses,
        )
        with run_validation(order, folder, parent=parent, watch=watch) as run:
            watch(Progress(stage="report", part="card", state="running"))
            write_card(run.evidence_bytes, run.folder, project.card_templates if project is not None else None)
            watch(Progress(stage="report", part="card", state="done"))
            evidence = run.evidence
        if project is not None and recorded:
            record(project, named, evidence, folder, watch)
        if out is not None and folder != out.absolute():
            copy_run(folder, out)
    result = Validated(evidence, out.absolute() if out is not None else folder, recorded)
    if strict and result.overall == "fail":
        failed = [finding for finding in evidence.gated() if finding.verdict == "fail"]
        raise GateFailedError(
            f"{len(failed)} gates failed: {', '.join(f.id for f in failed)}", next=f"see {result.card}"
        )
    return result


def _python(folder: Path | None, wanted: str, project: Project | None, watch: Watcher) -> Path | None:
    """Return the interpreter of the model's own environment, where that is not ours; made first if need be."""
    if folder is None:
        return None
    watch(Progress(stage="validate", part="environment", state="running"))
    found = environment_for(folder, wanted, _environments(project))
    watch(Progress(stage="validate", part="environment", state="done", detail="; ".join(found.differences)))
    return found.python


def _environments(project: Project | None) -> Path:
    return project.settings.environments if project is not None else user_cache() / "environments"


def _previous(  # noqa: PLR0917 - one call, above
    project: Project | None,
    named: NamedObjective,
    subject: ModelSubject | None,
    into: Path,
    sections: Sequence[str],
    wanted: str | None,
) -> tuple[Previous | None, tuple[str, ...]]:
    """Return the version to compare with, where the section that compares takes part."""
    if subject is None or (sections and "performance" not in sections):
        if wanted not in {None, NO_VERSION}:
            why = "a file of predictions names no model" if subject is None else "the section performance is left out"
            raise ModelError(f"nothing can be compared with version {wanted!r}: {why}", next="leave --previous out")
        return None, ()
    return previous_model(project, named.content.governed_model, subject, into, _environments(project), wanted)


def _needs_mlflow(model: Any) -> bool:
    """Whether loading the model will take MLflow, as far as can be told before it is resolved."""
    if not isinstance(model, (str, Path)):
        return False  # an estimator in memory is stored as a pickle
    return not Path(model).is_dir() or needs_mlflow(Path(model))


def _own_notebooks(project: Project | None) -> tuple[Path, ...]:
    if project is None:
        return ()
    return tuple(sorted((project.settings.root / project.settings.project.validation).glob("*.ipynb")))


def _crosswalks(project: Project | None) -> tuple[CrosswalkRef, ...]:
    """Return the regulations that the card is held against: those that ship, and the project's own."""
    if project is None:
        return crosswalks()
    return crosswalks(project.settings.root / project.settings.project.crosswalks, own_measures(project))


def _dataset(given: Any, role: Any) -> Dataset | None:
    return None if given is None else read_dataset(given, role)


def _sections(wanted: Sequence[str]) -> tuple[Section, ...]:
    from nbdeploy.documents.objective import SECTIONS
    from nbdeploy.errors import ParameterError, closest

    for section in wanted:
        if section not in SECTIONS:
            raise ParameterError(f"there is no section {section!r}{closest(section, SECTIONS)}")
    return tuple(section for section in SECTIONS if section in wanted)


def _extras(wanted: Sequence[str]) -> tuple[str, ...]:
    from nbdeploy.errors import ParameterError, closest

    for extra in wanted:
        if extra not in EXTRAS:
            raise ParameterError(
                f"there is no extra {extra!r}{closest(extra, EXTRAS)}", next=f"one of {', '.join(EXTRAS)}"
            )
    return tuple(wanted)


def _notes(project: Project | None, *, declared: bool) -> tuple[str, ...]:
    if project is None:
        return ("Not recorded: the run was made outside of a project.",)
    return () if declared else ("Not recorded: this text of the objective is not the one declared in the project.",)
