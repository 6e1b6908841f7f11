"""From files to a workspace that is ready for notebooks: read, check against the objective, score once."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from nbdeploy.documents.evidence import DataSubject
from nbdeploy.documents.objective import Objective
from nbdeploy.errors import DataError
from nbdeploy.validate.fit import check_fit
from nbdeploy.validate.inputs import Dataset
from nbdeploy.validate.predictions import from_file, prediction_columns
from nbdeploy.validate.score import score_workspace
from nbdeploy.validate.warm import KernelParent
from nbdeploy.validate.workspace import Workspace


@dataclass(frozen=True)
class Inputs:
    """The data of a run: `evaluation` with a model, or `predictions` of a model that lives elsewhere."""

    evaluation: Dataset | None = None
    train: Dataset | None = None
    reference: Dataset | None = None
    predictions: Dataset | None = None

    @property
    def subjects(self) -> tuple[DataSubject, ...]:
        """Entries for the evidence."""
        given = (self.evaluation, self.predictions, self.train, self.reference)
        return tuple(dataset.subject for dataset in given if dataset is not None)

    @property
    def evaluated(self) -> Dataset:
        """The rows that are judged.

        Raises
        ------
        DataError
            Neither evaluation data nor predictions were given.
        """
        found = self.predictions or self.evaluation
        if found is None:
            raise DataError("there is nothing to evaluate", next="give --data PATH with a model, or --predictions PATH")
        return found


def prepare(
    folder: Path,
    objective: Objective,
    inputs: Inputs,
    *,
    model_folder: Path | None = None,
    seed: int = 0,
    draft: bool = False,
    parent: KernelParent | None = None,
) -> Workspace:
    """Make the workspace of a run.

    Parameters
    ----------
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
    table = evaluated.table
    if inputs.predictions is not None:
        table = table.drop_columns(list(prediction_columns(objective, inputs.predictions)))
        model_folder = None
    workspace = Workspace.create(
        folder,
        objective,
        seed=seed,
        draft=draft,
        model_folder=model_folder,
        data=table,
        train=inputs.train.table if inputs.train else None,
        reference=inputs.reference.table if inputs.reference else None,
        predictions=from_file(objective, inputs.predictions) if inputs.predictions else None,
    )
    if inputs.predictions is None:
        if parent is not None:
            # The notebooks will need it. Here its import costs nothing: the parent is still busy with its own.
            import_module("papermill")
        score_workspace(folder, parent=parent)
    return workspace
