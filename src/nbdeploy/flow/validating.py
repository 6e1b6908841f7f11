"""The verb *validate*: evidence is made, told in a card, and recorded where there is a project."""

from __future__ import annotations

import getpass
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbdeploy.declare import NamedObjective, check_objective, read_objective
from nbdeploy.documents.evidence import Evidence, ModelSubject
from nbdeploy.documents.finding import Verdict
from nbdeploy.documents.objective import Section
from nbdeploy.documents.progress import Progress, Watcher, unwatched
from nbdeploy.errors import GateFailedError, ModelError, ObjectiveError
from nbdeploy.flow.declaring import own_measures, refuse_below_floor
from nbdeploy.flow.project import Project
from nbdeploy.flow.recording import copy_run, earlier_attempts, place, record
from nbdeploy.flow.show import Result, Shown, Table
from nbdeploy.registry import Registry
from nbdeploy.report.write import write_card
from nbdeploy.trust.digests import model_digest
from nbdeploy.validate.inputs import Dataset, read_dataset
from nbdeploy.validate.prepare import Inputs
from nbdeploy.validate.run import Order, run_validation
from nbdeploy.validate.warm import kernel_parent

EXTRAS = ("mitigation",)
"""What costs much and tells little to most: mitigations of a disparity, trained and compared."""

EXIT_CODES: dict[Verdict, int] = {"pass": 0, "fail": 1, "inconclusive": 3, "not_evaluated": 3}


@dataclass(frozen=True)
class Validated(Result):
    """A finished validation: evidence and card in `folder`."""

    evidence: Evidence
    folder: Path
    recorded: bool

    @property
    def overall(self) -> Verdict:
        """The verdict over all gates."""
        return self.evidence.verdict.overall

    @property
    def exit_code(self) -> int:
        """1 a gate failed, 3 a gate is undecided or missing, 0 all pass."""
        return EXIT_CODES[self.overall]

    @property
    def card(self) -> Path:
        """The card's HTML file."""
        return self.folder / "card.html"

    def show(self) -> Shown:
        from nbdeploy.report.sections.summary import in_words
        from nbdeploy.report.views import HEADERS, verdict_rows, word

        evidence = self.evidence
        run = evidence.run
        what = f"attempt {run.attempt}" if run.attempt else ("draft" if run.draft else "not recorded")
        name = evidence.objective.name
        rows = verdict_rows(evidence)
        steps = [f"open {self.card}"]
        if self.recorded and self.overall != "fail":
            steps.append(f"nbdeploy deploy {name} --to production")
        elif run.draft:
            steps.append(f"nbdeploy validate {name} … without --draft, to record it")
        return Shown(
            title=f"{name}, {what}: {word(evidence)}",
            lines=[in_words(evidence)],
            tables=[Table(HEADERS[:5], [row.cells[:5] for row in rows], advice=[row.cells[5] for row in rows])],
            notes=evidence.warnings,
            next=steps,
        )

    def facts(self) -> dict[str, Any]:
        return {
            "objective": self.evidence.objective.name,
            "verdict": self.evidence.verdict.model_dump(),
            "attempt": self.evidence.run.attempt,
            "folder": str(self.folder),
        }


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
    strict
        Raise GateFailedError, after everything is stored, when a gate failed.

    Raises
    ------
    ObjectiveError, DataError, ModelError, FloorError, RegistryError
        No evidence could be made; the sentence says why. Nothing half written stays behind.
    """
    project = Project.find()
    named, declared = _objective(objective, project)
    own = _own_notebooks(project)
    if project is not None:
        refuse_below_floor(named, check_objective(named.content, policy=project.policy).breaches)
    recorded = project is not None and declared and not draft
    with (
        # Its imports take longer than all that comes before the first fork, so it begins at once.
        kernel_parent(with_model=model is not None) as parent,
        tempfile.TemporaryDirectory(prefix="nbdeploy-model-") as scratch,
        place(project, named, out, recorded, draft) as (folder, attempt),
    ):
        inputs = Inputs(
            evaluation=_dataset(data, "evaluation"),
            train=_dataset(train, "train"),
            reference=_dataset(reference, "reference"),
            predictions=_dataset(predictions, "predictions"),
        )
        subject, model_folder = _model(model, named, inputs, project, Path(scratch), watch)
        chain = project.chain() if project is not None and recorded else None
        order = Order(
            objective=named.content,
            objective_bytes=named.source,
            inputs=inputs,
            model=subject,
            model_folder=model_folder,
            sections=_sections(sections),
            jobs=jobs,
            seed=seed,
            draft=draft,
            wanted=_extras(extras),
            attempt=attempt,
            attempts=earlier_attempts(chain, project, named) if chain is not None and project is not None else (),
            extra_notebooks=own,
            trusted_notebooks=project.policy.trusted_notebooks if project is not None else (),
            by=project.person if project is not None else getpass.getuser(),
            warnings=_notes(project, declared=declared),
        )
        with run_validation(order, folder, parent=parent, watch=watch) as run:
            watch(Progress(stage="report", part="card", state="running"))
            write_card(run.evidence_bytes, run.folder)
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


def _objective(given: str | Path | NamedObjective, project: Project | None) -> tuple[NamedObjective, bool]:
    """Return the objective, and whether it is the one declared in the project."""
    if isinstance(given, NamedObjective):
        named = given
    else:
        text = str(given)
        is_file = isinstance(given, Path) or text.endswith((".yaml", ".yml")) or os.sep in text
        if not is_file:
            if project is not None:
                return project.objective(text), True
            raise ObjectiveError(
                f"{text!r} names a declared objective, and there is no project here", next="give the YAML file"
            )
        try:
            source = Path(given).read_bytes()
        except OSError as error:
            raise ObjectiveError(f"the objective {text} cannot be read ({error.strerror})") from None
        named = read_objective(source, origin=Path(given).name, own=own_measures(project) if project else None)
    file = project.objective_file(named.content.name) if project is not None else None
    return named, file is not None and file.is_file() and file.read_bytes() == named.source


def _own_notebooks(project: Project | None) -> tuple[Path, ...]:
    if project is None:
        return ()
    return tuple(sorted((project.settings.root / project.settings.project.validation).glob("*.ipynb")))


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


def _model(  # noqa: PLR0917 - one call, above
    given: Any, named: NamedObjective, inputs: Inputs, project: Project | None, scratch: Path, watch: Watcher
) -> tuple[ModelSubject | None, Path | None]:
    """Return the model as the evidence names it, and the folder with its bytes."""
    if given is None:
        return None, None
    watch(Progress(stage="validate", part="model", state="running"))
    registry = project.registry if project is not None else None
    if not isinstance(given, (str, Path)):
        given = _stored(given, named, inputs, registry)
    elif (
        registry is None and str(given).startswith(("models:/", "runs:/")) and not os.environ.get("MLFLOW_TRACKING_URI")
    ):
        raise ModelError(
            f"{given} is an address in MLflow, and no server is named here", next="set MLFLOW_TRACKING_URI"
        )
    registry = registry or Registry(os.environ.get("MLFLOW_TRACKING_URI", ""), None)
    folder, facts = registry.resolve(given, scratch)
    watch(Progress(stage="validate", part="model", state="done"))
    return ModelSubject(digest=model_digest(folder), **facts), folder


def _stored(estimator: Any, named: NamedObjective, inputs: Inputs, registry: Registry | None) -> str:
    """Store an estimator that so far lives in memory only, and return its address."""
    if registry is None:
        raise ModelError("a model in memory is stored in a project's MLflow", next="make a project with: nbdeploy init")
    if not hasattr(estimator, "predict"):
        raise ModelError(
            f"the model is {type(estimator).__name__!r}, which has no predict method",
            next="give an estimator, an address or a folder",
        )
    frame = inputs.evaluated.head(50).to_pandas()
    columns = getattr(estimator, "feature_names_in_", None)
    features = (
        list(columns) if columns is not None else [name for name in frame.columns if name != named.content.target]
    )
    inputs.evaluated.require([str(name) for name in features], "the model was trained on it")
    return registry.save_estimator(estimator, frame[features], named.content.governed_model)
