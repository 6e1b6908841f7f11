"""From files to a workspace that is ready for notebooks: read, check against the objective, score once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path

from nbdeploy.documents.objective import Objective
from nbdeploy.errors import DataError, ModelError
from nbdeploy.validate.data.columns import labels_of
from nbdeploy.validate.data.fit import check_fit
from nbdeploy.validate.data.inputs import Dataset
from nbdeploy.validate.data.predictions import from_file, prediction_columns, with_answers
from nbdeploy.validate.data.rows import TableRows, Without
from nbdeploy.validate.holding import DRAFT, HELD, PLACE, hold, hold_beside, sampled
from nbdeploy.validate.notebooks.papermill_engine import papermill
from nbdeploy.validate.notebooks.warm import KernelParent
from nbdeploy.validate.order import Inputs, Previous
from nbdeploy.validate.scorers import score_workspace
from nbdeploy.validate.workspace import Workspace


def prepare(
    folder: Path,
    objective: Objective,
    inputs: Inputs,
    *,
    model_folder: Path | None = None,
    python: Path | None = None,
    previous: Previous | None = None,
    seed: int = 0,
    draft: bool = False,
    wanted: Sequence[str] = (),
    parent: KernelParent | None = None,
) -> Workspace:
    """Make the workspace of a run.

    Parameters
    ----------
    python
        The interpreter of the model's own environment, where that differs from ours.
    previous
        The registered version to compare with.
    wanted
        Costly extras that were asked for.
    parent
        Forks the process that scores.

    Raises
    ------
    DataError
        The data does not fit the objective.
    ModelError
        The model does not load or answer, or there is none for evaluation data.
    """
    evaluated = inputs.evaluated
    if inputs.predictions is None and model_folder is None:
        raise DataError(
            "evaluation data needs a model to score it", next="give --model as well, or --predictions instead of --data"
        )
    if inputs.predictions is not None and inputs.evaluation is not None:
        raise DataError("--data and --predictions were both given", next="give predictions alone, or data with a model")
    check_fit(objective, evaluated)
    if draft:
        inputs, evaluated = _drafted(inputs, objective, seed)
    data = evaluated.source
    if inputs.predictions is not None:
        data = Without(data, prediction_columns(objective, inputs.predictions))
        model_folder = previous = None
    workspace = Workspace.create(
        folder,
        objective,
        seed=seed,
        draft=draft,
        wanted=wanted,
        model_folder=model_folder,
        previous=previous.name if previous is not None else None,
        data=data,
        train=inputs.train.source if inputs.train else None,
        reference=inputs.reference.source if inputs.reference else None,
    )
    if inputs.predictions is not None:
        _look_over(workspace)
        workspace.write("predictions", from_file(objective, inputs.predictions))
    else:
        _score(workspace, python, previous, parent)
    hold_beside(workspace, "predictions")
    hold_beside(workspace, "previous")
    return workspace


def _drafted(inputs: Inputs, objective: Objective, seed: int) -> tuple[Inputs, Dataset]:
    """Return the inputs cut to the rows that a draft works on."""

    def cut(dataset: Dataset | None) -> Dataset | None:
        if dataset is None or dataset.rows <= DRAFT:
            return dataset
        rows = sampled(dataset.source, DRAFT, objective.target, f"{seed}/draft/{dataset.role}").drop_columns([PLACE])
        return replace(dataset, source=TableRows(rows))

    parts = {field.name: cut(getattr(inputs, field.name)) for field in fields(inputs)}
    drafted = Inputs(**parts)
    return drafted, drafted.evaluated


def _score(workspace: Workspace, python: Path | None, previous: Previous | None, parent: KernelParent | None) -> None:
    """Ask the model, and the version before it; look the rows over meanwhile, and import what comes next."""
    with ThreadPoolExecutor(1, thread_name_prefix="rows") as pool:
        looking = pool.submit(_look_over, workspace)
        importing = pool.submit(papermill)  # the notebooks will need it, and this process only waits
        answers = score_workspace(workspace.folder, python=python, parent=parent)
        looking.result()
        importing.result()
    objective, data = workspace.objective, workspace.rows("data")
    labels = labels_of(data, objective.target) if objective.task != "regression" else ()
    workspace.write("predictions", with_answers(objective, data, workspace.rows(*answers), labels))
    if previous is None:
        return
    try:
        before = score_workspace(
            workspace.folder, model_folder=previous.folder, python=previous.python, into="before", parent=parent
        )
        workspace.write("previous", with_answers(objective, data, workspace.rows(*before), labels))
    except (ModelError, DataError) as error:
        workspace.lack("previous", error.fact)


def _look_over(workspace: Workspace) -> None:
    """Hold a sample of every table with many rows, and summarise those; small ones are summarised when asked for."""
    for name in ("data", "train", "reference"):
        if workspace.has(name) and workspace.rows(name).num_rows > HELD:
            from nbdeploy.validate.summaries import summarise

            hold(workspace, name)
            summarise(workspace, name)
