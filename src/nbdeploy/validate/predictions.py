"""Predictions: label, decision and score of every evaluated row, with the columns that groups and slices need."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Scalar
from nbdeploy.errors import DataError, closest
from nbdeploy.stats.tally.levels import ordered, plain
from nbdeploy.validate.inputs import Dataset
from nbdeploy.validate.slices import slice_columns

LABEL, PREDICTED, SCORE = "__label__", "__predicted__", "__score__"


def grouping_columns(objective: Objective) -> tuple[str, ...]:
    """Return every column by which some finding tells rows apart: sensitive, control, gates' groups and slices."""
    named: list[str] = [*objective.sensitive, *objective.control]
    for _, _, gate in objective.each_gate():
        named += list(gate.group or ())
        named += list(slice_columns(gate.slice)) if gate.slice else []
    return tuple(dict.fromkeys(named))


def levels(column: pa.ChunkedArray) -> tuple[Scalar, ...]:
    """Return the distinct values of a column as plain scalars, in order, the missing one left out."""
    found = (plain(value) for value in decoded(column).unique().to_pylist())
    return ordered(value for value in found if value is not None)


def decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the column with dictionaries (pandas' categoricals) written out."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def from_file(objective: Objective, dataset: Dataset) -> pa.Table:
    """Take the predictions of a model that lives elsewhere out of a file.

    The decision is in the column that `predicted:` names, else in a column named ``predicted``; the score in the column
    that `score:` names, else in one named ``score``. With a score and no decision, the threshold decides.

    Raises
    ------
    DataError
        Neither column is there, or their values do not fit the labels.
    """
    predicted = _column(dataset, objective.predicted, "predicted")
    score = _column(dataset, objective.score, "score") if objective.task == "binary" else None
    if objective.predicted is not None and predicted is None:
        dataset.require([objective.predicted], "the decision, `predicted:`")
    if predicted is None and score is None:
        wanted = objective.score if objective.score and objective.task == "binary" else "predicted"
        raise DataError(
            f"{dataset.name} holds no prediction: it has no column {wanted!r}{closest(wanted, dataset.columns)}",
            next="declare `predicted: COLUMN` for decisions, or `score: COLUMN` with `threshold:` for scores",
        )
    if objective.threshold is not None and score is not None:
        predicted = None  # a declared threshold decides, whatever else the file says
    return assemble(
        objective,
        dataset.table,
        dataset.table.column(predicted) if predicted else None,
        dataset.table.column(score) if score else None,
    )


def prediction_columns(objective: Objective, dataset: Dataset) -> tuple[str, ...]:
    """Return the columns of a predictions file that the model wrote: they are no evaluation data."""
    found = (_column(dataset, objective.predicted, "predicted"), _column(dataset, objective.score, "score"))
    return tuple(name for name in found if name and name != objective.target)


def _column(dataset: Dataset, declared: str | None, usual: str) -> str | None:
    return next((name for name in (declared, usual) if name in dataset.columns), None)


def assemble(objective: Objective, table: pa.Table, predicted: Any, score: Any) -> pa.Table:
    """Put label, decision, score and grouping columns side by side; scores decide where only those are given.

    Parameters
    ----------
    table
        The evaluation rows, in the order in which they were predicted.
    predicted, score
        Arrays of one entry a row, or None.

    Raises
    ------
    DataError
        Missing or foreign values: a decision that no label has, a score that is no number.
    """
    label = decoded(table.column(objective.target))
    columns: dict[str, Any] = {LABEL: label}
    if score is not None:
        score = _numbers(score, "score")
    if predicted is None:
        predicted = _by_threshold(objective, label, score)
    columns[PREDICTED] = _decisions(objective, label, predicted)
    if score is not None:
        columns[SCORE] = score
    columns |= {name: decoded(table.column(name)) for name in grouping_columns(objective) if name in table.column_names}
    return pa.table(columns)


def _by_threshold(objective: Objective, label: pa.ChunkedArray, score: Any) -> pa.ChunkedArray:
    values = label.unique().to_pylist()
    positive = next(value for value in values if plain(value) == objective.positive_class)
    negative = next(value for value in values if plain(value) != objective.positive_class)
    called = pc.greater_equal(score, pa.scalar(objective.decision_threshold))
    return pc.if_else(called, pa.scalar(positive, label.type), pa.scalar(negative, label.type))


def _decisions(objective: Objective, label: pa.ChunkedArray, predicted: Any) -> pa.ChunkedArray:
    if objective.task == "regression":
        return _numbers(predicted, "prediction")
    column = _chunked(predicted)
    missing = column.null_count + (_nan_count(column) if pa.types.is_floating(column.type) else 0)
    if missing:
        raise DataError(
            f"{missing} rows have no decision", next="give a decision for every row, or leave those rows out"
        )
    known, found = levels(label), levels(column)
    strange = [value for value in found if value not in known]
    if strange and (objective.task == "binary" or len(strange) == len(found)):
        raise DataError(
            f"the decisions are {_values(found)} while {objective.target!r} holds {_values(known)}",
            next="write decisions and labels alike, or declare `score:` if these are scores",
        )
    return column


def _numbers(values: Any, what: str) -> pa.ChunkedArray:
    column = _chunked(values)
    try:
        column = column.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(f"the {what} column holds {column.type}, which are no numbers") from None
    bad = len(column) - int(pc.sum(pc.is_finite(column)).as_py() or 0)
    if bad:
        raise DataError(
            f"{bad} rows have no finite {what}", next=f"give a {what} for every row, or leave those rows out"
        )
    return column


def _nan_count(column: pa.ChunkedArray) -> int:
    return int(pc.sum(pc.is_nan(column)).as_py() or 0)


def _chunked(values: Any) -> pa.ChunkedArray:
    if isinstance(values, pa.ChunkedArray):
        return decoded(values)
    array = values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True)
    return decoded(array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array]))


def _values(found: Iterable[Scalar], most: int = 6) -> str:
    listed = [repr(value) for value in found]
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")
