"""The shared tallies of one run: each counted once, marginals taken from the finest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

import pyarrow as pa

from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Scalar
from nbdeploy.stats.tally import ClassTally, ErrorTally, ProbabilityTally, ScoreTally
from nbdeploy.validate.data.columns import LABEL, PREDICTED, SCORE
from nbdeploy.validate.data.rows import Rows, TableRows
from nbdeploy.validate.data.slices import nobody_in, slice_columns, slice_mask
from nbdeploy.validate.subject.class_scores import class_columns

Batches: TypeAlias = Callable[[Sequence[str]], Iterator[pa.RecordBatch]]
T = TypeVar("T", ClassTally, ScoreTally, ProbabilityTally, ErrorTally)


class Tallies:
    """Tallies of one predictions table, each filled in one pass over the columns that it needs.

    Parameters
    ----------
    predictions
        Columns ``__label__``, ``__predicted__``, perhaps ``__score__``, and those that groups and slices need.
    """

    def __init__(self, predictions: Rows | pa.Table, objective: Objective) -> None:
        self.source: Rows = TableRows(predictions) if isinstance(predictions, pa.Table) else predictions
        self.objective = objective
        self._known: dict[tuple[type, tuple[str, ...], str | None], Any] = {}

    @property
    def rows(self) -> int:
        """Rows evaluated."""
        return self.source.num_rows

    @property
    def scored(self) -> bool:
        """Whether there are scores."""
        return SCORE in self.source.schema.names

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that rows can be grouped by."""
        own = (LABEL, PREDICTED, SCORE, *self.class_columns.values())
        return tuple(name for name in self.source.schema.names if name not in own)

    @property
    def class_columns(self) -> dict[Scalar, str]:
        """The columns that hold the scores of several classes, by class; none where there are no such scores."""
        return class_columns(self.source.schema.names)

    def count(self) -> None:
        """Count what every verdict needs, before it is asked for."""
        if self.objective.task == "regression":
            self.errors()
            return
        self.classes()
        if self.objective.task == "binary" and self.scored:
            self.scores()
        if self.objective.task == "multiclass" and self.class_columns:
            self.probabilities()

    def classes(self, features: Sequence[str] = (), slice: str | None = None) -> ClassTally:  # noqa: A002 - the objective's word
        """Return counts of label × decision by group. The classes are the same in every slice."""

        def count(rows: Batches, by: tuple[str, ...]) -> ClassTally:
            known = self.classes().classes if slice else ()
            return ClassTally.from_arrow(
                rows((*by, LABEL, PREDICTED)), label=LABEL, predicted=PREDICTED, features=by, classes=known
            )

        return self._get(ClassTally, features, slice, count)

    def scores(self, features: Sequence[str] = (), slice: str | None = None) -> ScoreTally:  # noqa: A002
        """Return counts by score and group."""

        def count(rows: Batches, by: tuple[str, ...]) -> ScoreTally:
            positive = self.objective.positive_class
            given = rows((*by, LABEL, SCORE))
            return ScoreTally.from_arrow(given, label=LABEL, score=SCORE, positive=positive, features=by)

        return self._get(ScoreTally, features, slice, count)

    def probabilities(self, features: Sequence[str] = (), slice: str | None = None) -> ProbabilityTally:  # noqa: A002
        """Return the scores of several classes by group."""

        def count(rows: Batches, by: tuple[str, ...]) -> ProbabilityTally:
            columns = self.class_columns
            given = rows((*by, LABEL, *columns.values()))
            return ProbabilityTally.from_arrow(given, label=LABEL, scores=columns, features=by)

        return self._get(ProbabilityTally, features, slice, count)

    def errors(self, features: Sequence[str] = (), slice: str | None = None) -> ErrorTally:  # noqa: A002
        """Return moments of the error by group."""

        def count(rows: Batches, by: tuple[str, ...]) -> ErrorTally:
            given = rows((*by, LABEL, PREDICTED))
            return ErrorTally.from_arrow(given, label=LABEL, predicted=PREDICTED, features=by)

        return self._get(ErrorTally, features, slice, count)

    def _get(
        self, kind: type[T], features: Sequence[str], where: str | None, count: Callable[[Batches, tuple[str, ...]], T]
    ) -> T:
        wanted = tuple(features)
        found: T | None = self._known.get((kind, wanted, where))
        if found is None:
            finest = self._finest(kind)
            if wanted != finest and set(wanted) <= set(finest):
                found = self._get(kind, finest, where, count).select(wanted)
            else:
                found = count(lambda columns: self._batches(columns, where), wanted)
                if where and not found.rows:
                    raise nobody_in(where)
            self._known[kind, wanted, where] = found
        return found

    def _finest(self, kind: type[T]) -> tuple[str, ...]:
        """Return the features of the tally from which others follow. Scores by control would be as many as rows."""
        objective = self.objective
        return (
            objective.sensitive
            if kind in (ScoreTally, ProbabilityTally)
            else tuple(dict.fromkeys(objective.sensitive + objective.control))
        )

    def _batches(self, columns: Sequence[str], where: str | None) -> Iterator[pa.RecordBatch]:
        if where is None:
            yield from self.source.batches(columns)
            return
        for batch in self.source.batches((*columns, *slice_columns(where))):
            yield batch.filter(slice_mask(where, batch)).select(list(dict.fromkeys(columns)))
