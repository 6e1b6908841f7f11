"""Answers beside the rows that they are of, and whether they fit the labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Scalar
from nbdeploy.errors import DataError
from nbdeploy.stats.tally.levels import ordered, plain
from nbdeploy.validate.data.columns import LABEL, PREDICTED, SCORE, decoded, distinct, kept_columns
from nbdeploy.validate.data.rows import kind_in_words
from nbdeploy.validate.subject.class_scores import class_column
from nbdeploy.validate.subject.score_reach import Reach

_TOLD = 50
"""Strange decisions beyond this many are not collected: they are then scores, and would be as many as rows."""


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
            raise DataError(
                f"the {what} column holds {kind_in_words(values.type)}, which are no numbers",
                next=f"declare `{'predicted' if what == 'prediction' else what}:` as the column with numbers",
            ) from None
        self._unscored += len(column) - int(pc.sum(pc.is_finite(column)).as_py() or 0)
        return column


def _values(found: Iterable[Any], most: int = 6) -> str:
    listed = [repr(value) for value in found]
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")
