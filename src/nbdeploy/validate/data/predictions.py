"""Predictions: label, decision and score of every evaluated row, with the columns that groups and slices need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Scalar
from nbdeploy.errors import DataError, ModelError, closest
from nbdeploy.stats.tally.levels import ordered, plain
from nbdeploy.validate.data.inputs import Dataset
from nbdeploy.validate.data.rows import Rows, in_step
from nbdeploy.validate.data.slices import slice_columns
from nbdeploy.validate.subject.class_scores import class_column, class_columns, declared_columns
from nbdeploy.validate.subject.score_reach import Reach

LABEL, PREDICTED, SCORE = "__label__", "__predicted__", "__score__"

_TOLD = 50
"""Strange decisions beyond this many are not collected: they are then scores, and would be as many as rows."""


def grouping_columns(objective: Objective) -> tuple[str, ...]:
    """Return every column by which some finding tells rows apart: sensitive, control, gates' groups and slices."""
    named: list[str] = [*objective.sensitive, *objective.control]
    for _, _, gate in objective.each_gate():
        named += list(gate.group or ())
        named += list(slice_columns(gate.slice)) if gate.slice else []
    return tuple(dict.fromkeys(named))


def distinct(column: pa.Array | pa.ChunkedArray) -> set[Scalar]:
    """Return the distinct values of a column as plain scalars, the missing one left out."""
    found = (plain(value) for value in decoded(column).unique().to_pylist())
    return {value for value in found if value is not None}


def decoded(column: Any) -> Any:
    """Return the column with dictionaries (pandas' categoricals) written out."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


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
    predicted = _column(dataset, objective.predicted, "predicted")
    score = _column(dataset, objective.score, "score") if objective.task == "binary" else None
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
    found = (_column(dataset, objective.predicted, "predicted"), _column(dataset, objective.score, "score"))
    every = (*found, *declared_columns(objective, dataset.columns, ()).values())
    return tuple(name for name in every if name and name != objective.target)


def _column(dataset: Dataset, declared: str | None, usual: str) -> str | None:
    return next((name for name in (declared, usual) if name in dataset.columns), None)


def kept_columns(objective: Objective, schema: pa.Schema) -> tuple[str, ...]:
    """Return the columns that stand beside the predictions: those that groups and slices need."""
    return tuple(name for name in grouping_columns(objective) if name in schema.names)


def labels_of(rows: Rows, target: str) -> tuple[Scalar, ...]:
    """Return the values of the target as they are stored, in order, the missing one left out."""
    found: dict[Scalar, Any] = {}
    for batch in rows.batches([target]):
        for value in decoded(batch.column(target)).unique().to_pylist():
            level = plain(value)
            if level is not None:
                found.setdefault(level, value)
    return tuple(found[level] for level in ordered(found))


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


class Joining:
    """Puts label, decision, score and grouping columns side by side; scores decide where only those are given.

    Parameters
    ----------
    labels
        The values of the target in order, as stored; for a regression they do not matter.
    by_score
        Decisions that are given came of the scores by the threshold.
    """

    def __init__(self, objective: Objective, labels: Sequence[Any], *, by_score: bool = False) -> None:
        self.objective = objective
        self.labels = tuple(labels)
        self._known = {level for value in labels if (level := plain(value)) is not None}
        self._strange: set[Scalar] = set()
        self._found: set[Scalar] = set()
        self._undecided = 0
        self._unscored = 0
        self._by_score = by_score
        self._reach = Reach(objective)

    def join(
        self, rows: pa.RecordBatch, predicted: Any, score: Any, of_classes: Mapping[Scalar, Any]
    ) -> pa.RecordBatch:
        """Return the predictions of one batch of rows; what does not fit is counted until `check`.

        Parameters
        ----------
        of_classes
            The scores of several classes. A class of the labels that has none is one that the model gives no chance.

        Raises
        ------
        DataError
            Scores or predicted numbers are of a type that holds none.
        """
        label = decoded(rows.column(self.objective.target))
        columns: dict[str, Any] = {LABEL: label}
        if score is not None:
            score = self._numbers(score, "score")
            if self._by_score or predicted is None:
                self._reach.add(score)
        if predicted is None:
            predicted = self._by_threshold(label.type, score)
        columns[PREDICTED] = (
            self._numbers(predicted, "prediction")
            if self.objective.task == "regression"
            else self._decisions(decoded(predicted))
        )
        if score is not None:
            columns[SCORE] = score
        if of_classes:
            none = pa.repeat(0.0, rows.num_rows)
            for name in ordered((*of_classes, *self._known)):
                columns[class_column(name)] = self._numbers(of_classes.get(name, none), "score")
        columns |= {name: decoded(rows.column(name)) for name in kept_columns(self.objective, rows.schema)}
        return pa.record_batch(columns)

    def check(self) -> None:
        """Refuse answers that do not fit, once all of them were seen.

        Raises
        ------
        DataError
            Missing or foreign values: a decision that no label has, a score that is no number.
        """
        if self._unscored:
            what = "prediction" if self.objective.task == "regression" else "score"
            raise DataError(
                f"{self._unscored} rows have no finite {what}",
                next=f"give a {what} for every row, or leave those rows out",
            )
        self._reach.check()
        if self._undecided:
            raise DataError(
                f"{self._undecided} rows have no decision",
                next="give a decision for every row, or leave those rows out",
            )
        if self._strange and (self.objective.task == "binary" or self._strange == self._found):
            raise DataError(
                f"the decisions are {_values(ordered(self._found))} while {self.objective.target!r} holds "
                f"{_values(plain(value) for value in self.labels)}",
                next="write decisions and labels alike, or declare `score:` if these are scores",
            )

    def _by_threshold(self, kind: pa.DataType, score: Any) -> Any:
        positive = next(value for value in self.labels if plain(value) == self.objective.positive_class)
        negative = next(value for value in self.labels if plain(value) != self.objective.positive_class)
        called = pc.greater_equal(score, pa.scalar(self.objective.decision_threshold))
        return pc.if_else(called, pa.scalar(positive, kind), pa.scalar(negative, kind))

    def _decisions(self, column: Any) -> Any:
        self._undecided += column.null_count
        if pa.types.is_floating(column.type):
            self._undecided += int(pc.sum(pc.is_nan(column)).as_py() or 0)
        if not self._strange or len(self._found) < _TOLD:
            found = distinct(column)
            self._found |= found
            self._strange |= found - self._known
        return column

    def _numbers(self, values: Any, what: str) -> Any:
        column = decoded(values)
        try:
            column = column.cast(pa.float64())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise DataError(f"the {what} column holds {values.type}, which are no numbers") from None
        self._unscored += len(column) - int(pc.sum(pc.is_finite(column)).as_py() or 0)
        return column


def _values(found: Iterable[Any], most: int = 6) -> str:
    listed = [repr(value) for value in found]
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")
