"""The shared tallies of one run: each counted once, marginals taken from the finest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pyarrow as pa

from nbdeploy.documents.objective import Objective
from nbdeploy.stats.tally import ClassTally, ErrorTally, ScoreTally
from nbdeploy.validate.predictions import LABEL, PREDICTED, SCORE, levels
from nbdeploy.validate.slices import slice_mask

T = TypeVar("T", ClassTally, ScoreTally, ErrorTally)


class Tallies:
    """Tallies of one predictions table.

    Parameters
    ----------
    predictions
        Columns ``__label__``, ``__predicted__``, perhaps ``__score__``, and those that groups and slices need.
    """

    def __init__(self, predictions: pa.Table, objective: Objective) -> None:
        self.table = predictions
        self.objective = objective
        self._known: dict[tuple[type, tuple[str, ...], str | None], Any] = {}

    @property
    def scored(self) -> bool:
        """Whether there are scores."""
        return SCORE in self.table.column_names

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that rows can be grouped by."""
        return tuple(name for name in self.table.column_names if name not in (LABEL, PREDICTED, SCORE))

    def classes(self, features: Sequence[str] = (), slice: str | None = None) -> ClassTally:  # noqa: A002 - the objective's word
        """Return counts of label × decision by group. The classes are the same in every slice."""

        def count(rows: pa.Table, by: tuple[str, ...]) -> ClassTally:
            known = levels(self.table.column(LABEL))
            return ClassTally.from_arrow(rows, label=LABEL, predicted=PREDICTED, features=by, classes=known)

        return self._get(ClassTally, features, slice, count)

    def scores(self, features: Sequence[str] = (), slice: str | None = None) -> ScoreTally:  # noqa: A002
        """Return counts by score and group."""

        def count(rows: pa.Table, by: tuple[str, ...]) -> ScoreTally:
            positive = self.objective.positive_class
            return ScoreTally.from_arrow(rows, label=LABEL, score=SCORE, positive=positive, features=by)

        return self._get(ScoreTally, features, slice, count)

    def errors(self, features: Sequence[str] = (), slice: str | None = None) -> ErrorTally:  # noqa: A002
        """Return moments of the error by group."""

        def count(rows: pa.Table, by: tuple[str, ...]) -> ErrorTally:
            return ErrorTally.from_arrow(rows, label=LABEL, predicted=PREDICTED, features=by)

        return self._get(ErrorTally, features, slice, count)

    def _get(
        self, kind: type[T], features: Sequence[str], where: str | None, count: Callable[[pa.Table, tuple[str, ...]], T]
    ) -> T:
        wanted = tuple(features)
        found: T | None = self._known.get((kind, wanted, where))
        if found is None:
            finest = self.objective.sensitive
            if wanted != finest and set(wanted) <= set(finest):
                found = self._get(kind, finest, where, count).select(wanted)
            else:
                rows = self.table.filter(slice_mask(where, self.table)) if where else self.table
                found = count(rows, wanted)
            self._known[kind, wanted, where] = found
        return found
