"""Predictions: label, decision and score of every evaluated row, with the columns that groups and slices need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from nbdeploy.documents.objective import Objective
from nbdeploy.errors import DataError, ModelError, closest
from nbdeploy.validate.data.columns import kept_columns, labels_of
from nbdeploy.validate.data.inputs import Dataset
from nbdeploy.validate.data.joining import Joining
from nbdeploy.validate.data.rows import Rows, in_step
from nbdeploy.validate.subject.class_scores import class_columns, declared_columns


def from_file(objective: Objective, dataset: Dataset) -> Iterator[pa.RecordBatch]:
    """Take the predictions of a model that lives elsewhere out of a file.

    The decision is in the column that `predicted:` names, else in a column named ``predicted``; the score in the column
    that `score:` names, else in one named ``score``. With a score and no decision, the threshold decides. Scores of
    several classes are found by `declared_columns`.

    Raises
    ------
    DataError
        Neither column is there, or their values do not fit the labels.
    """
    if objective.target in (objective.predicted, objective.score):
        raise DataError(
            f"the objective names its target {objective.target!r} as the prediction, which would then always be right",
            next="declare `predicted:` or `score:` as the column that the model wrote",
        )
    predicted = _column(objective, dataset, objective.predicted, "predicted")
    score = _column(objective, dataset, objective.score, "score") if objective.task == "binary" else None
    if objective.predicted is not None and predicted is None:
        dataset.require([objective.predicted], "the decision, `predicted:`")
    if predicted is None and score is None:
        wanted = objective.score if objective.score and objective.task == "binary" else "predicted"
        raise DataError(
            f"{dataset.told} holds no prediction: it has no column {wanted!r}{closest(wanted, dataset.columns)}",
            next="declare `predicted: COLUMN` for decisions, or `score: COLUMN` with `threshold:` for scores",
        )
    if objective.threshold is not None and score is not None:
        predicted = None  # a declared threshold decides, whatever else the file says
    wanted_columns = [objective.target, *kept_columns(objective, dataset.source.schema)]
    labels = labels_of(dataset.source, objective.target)
    of_classes = declared_columns(objective, dataset.columns, labels)
    joining = Joining(objective, labels)
    for batch in dataset.batches(
        [*wanted_columns, *(name for name in (predicted, score) if name), *of_classes.values()]
    ):
        yield joining.join(
            batch,
            batch.column(predicted) if predicted else None,
            batch.column(score) if score else None,
            {name: batch.column(column) for name, column in of_classes.items()},
        )
    joining.check()


def prediction_columns(objective: Objective, dataset: Dataset) -> tuple[str, ...]:
    """Return the columns of a predictions file that the model wrote: they are no evaluation data."""
    usual = ((objective.predicted, "predicted"), (objective.score, "score"))
    found = (_column(objective, dataset, declared, name) for declared, name in usual)
    every = (*found, *declared_columns(objective, dataset.columns, ()).values())
    return tuple(name for name in every if name and name != objective.target)


def _column(objective: Objective, dataset: Dataset, declared: str | None, usual: str) -> str | None:
    """Return the declared column, else the one of the usual name; never the target, whatever it is called."""
    names = (name for name in (declared, usual) if name != objective.target)
    return next((name for name in names if name in dataset.columns), None)


def with_answers(objective: Objective, data: Rows, answers: Rows, labels: Sequence[Any]) -> Iterator[pa.RecordBatch]:
    """Put what a model answered beside the labels of the rows that it was asked about.

    Parameters
    ----------
    answers
        Columns ``predicted`` and ``score``, or one of them, and those of several classes; one row for each of `data`,
        in order.
    labels
        From `labels_of`.

    Raises
    ------
    ModelError
        There are more or fewer answers than rows.
    DataError
        The answers do not fit the labels.
    """
    if answers.num_rows != data.num_rows:
        raise ModelError(f"the model was asked about {data.num_rows:,} rows and answered {answers.num_rows:,}")
    names = answers.schema.names
    joining = Joining(objective, labels, by_score="score" in names)
    wanted = [objective.target, *kept_columns(objective, data.schema)]
    for rows, said in in_step(data.batches(wanted), answers.batches()):
        yield joining.join(
            rows,
            said.column("predicted") if "predicted" in names else None,
            said.column("score") if "score" in names else None,
            {name: said.column(column) for name, column in class_columns(names).items()},
        )
    joining.check()
