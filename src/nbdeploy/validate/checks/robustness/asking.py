"""How a model's answers to some rows change when the rows do: flipped decisions, or shifted predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.errors import ModelError
from nbdeploy.stats.binomial import shared_level
from nbdeploy.validate.checks.shown import Shown
from nbdeploy.validate.checks.uncertainty import EXACT, mean_interval, rate_interval
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

ROWS_OF_A_CALL = 50_000
"""Rows that the model is asked about at once: a call costs as much as thousands of rows, and memory has an end."""

NEEDS_MODEL = "needs the model; only its predictions were given"
NO_SPREAD = "the model gives every row the same answer"


@dataclass(frozen=True)
class Moved:
    """A copy of the rows that differs from them in no other columns than these."""

    rows: pd.DataFrame
    columns: tuple[str, ...]


class Asking:
    """A model's answers to some rows as they are, against which changed rows are held.

    Parameters
    ----------
    rows
        The model's inputs.

    Attributes
    ----------
    key
        ``rate`` where decisions flip, ``shift`` where predictions move.
    spread
        Standard deviation of a regression's predictions, the unit of a shift; 1 for decisions.
    """

    def __init__(self, context: Context, rows: pd.DataFrame) -> None:
        if context.model is None:
            raise ValueError("there is no model to ask")
        self.context = context
        self.model = context.model
        self.rows = rows
        self.regression = context.objective.task == "regression"
        self.key = "shift" if self.regression else "rate"
        self.before = self._answers(rows)
        self.spread = float(np.std(self.before)) if self.regression else 1.0

    def changes(self, moved: Sequence[Moved]) -> list[NDArray[np.float64]]:
        """Return, for each copy of the rows, the change of every answer: 1 for a flip, or the shift in spreads."""
        return [self.change(answers) for answers in self._asked(moved, self._answers, self.before)]

    def change(self, answers: NDArray[Any]) -> NDArray[np.float64]:
        """Return the change of each answer from what it was."""
        if self.regression:
            return np.asarray(np.abs(answers - self.before) / self.spread, dtype=np.float64)
        return np.asarray(answers != self.before, dtype=np.float64)

    def refused(self, moved: Sequence[Moved]) -> list[NDArray[np.float64] | None]:
        """Return the changes, None for copies that the model refuses to answer; all at once while none is refused."""
        try:
            return list(self.changes(moved))
        except ModelError:
            if len(moved) == 1:
                self._answers(self.rows.head(1))  # raises where the model died, which is no refusal
                return [None]
            half = len(moved) // 2
            return self.refused(moved[:half]) + self.refused(moved[half:])

    def told(self, change: NDArray[np.float64], comparisons: int = 1) -> dict[str, Any]:
        """Return the mean change with limits that hold together with those of as many other comparisons."""
        level = shared_level(self.context.objective.level, comparisons)
        value = float(change.mean())
        if not self.regression:
            return {self.key: value, "interval": rate_interval(float(change.sum()), len(change), level)}
        limits, _ = mean_interval(change, level)
        return {self.key: value, "interval": None if limits is None else (max(limits[0], 0.0), limits[1])}

    @cached_property
    def scores(self) -> NDArray[np.float64] | None:
        """The score of every row as it is; None where the model gives none, or none that decides."""
        found = self.model.score(self.rows)
        if found is None or self.model.decide_from(found) is None:
            return None
        return np.asarray(found, dtype=np.float64)

    def scored(self, moved: Sequence[Moved]) -> list[NDArray[np.float64]]:
        """Return the scores of each copy of the rows, of a model that gives scores."""
        if self.scores is None:
            raise ValueError("the model gives no scores that decide")
        return list(self._asked(moved, self.model.score, self.scores))

    @property
    def method(self) -> str:
        """How the limits are made."""
        return "Student t on row means" if self.regression else EXACT

    def _asked(
        self, moved: Sequence[Moved], answer: Callable[[pd.DataFrame], NDArray[Any]], before: NDArray[Any]
    ) -> Iterator[NDArray[Any]]:
        """Yield the answers to each copy. A row that is as it was is not asked about again: its answer stands."""
        import pandas as pd

        touched = [_touched(one, self.rows) for one in moved]
        for first, last in _calls([int(rows.sum()) for rows in touched]):
            asked = pd.concat([moved[at].rows[touched[at]] for at in range(first, last)], ignore_index=True)
            answers = answer(asked) if len(asked) else before[:0]
            start = 0
            for rows in touched[first:last]:
                count = int(rows.sum())
                found = before.astype(np.result_type(before, answers))
                found[rows] = answers[start : start + count]
                start += count
                yield found

    def _answers(self, rows: pd.DataFrame) -> NDArray[Any]:
        return np.asarray(self.model.decide(rows), dtype=float if self.regression else None)


def _calls(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (first, last) copies that the model is asked about in one call, the last not included."""
    first = together = 0
    for at, count in enumerate(rows):
        if together and together + count > ROWS_OF_A_CALL:
            yield first, at
            first, together = at, 0
        together += count
    if rows:
        yield first, len(rows)


def _touched(moved: Moved, rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows differ in any value; two missing ones are the same."""
    from pandas.api.types import is_numeric_dtype as is_number

    found = np.zeros(len(rows), bool)
    for name in moved.columns:
        one, other = moved.rows[name], rows[name]
        same = one.isna().to_numpy() & other.isna().to_numpy()
        if one.dtype == other.dtype or (is_number(one) and is_number(other)):
            same |= (one == other).fillna(False).to_numpy(dtype=bool)
        found |= ~same
    return found


def metric_of(context: Context, stem: str) -> str:
    """Return the measure's name: shifts of predictions for a regression, flips of decisions otherwise."""
    return f"{stem}_shift" if context.objective.task == "regression" else f"{stem}_flip_rate"


def ask(context: Context, name: str, metric: str, *, most: int = 4000) -> Asking | None:
    """Ask about a sample of `most` rows, a quarter in a draft; None, and the metric not available, where it cannot be.

    Raises
    ------
    ModelError
        The model does not answer rows as they are.
    """
    if context.model is None:
        context.not_available(NEEDS_MODEL, metric)
        return None
    asking = Asking(context, context.sample(most // 4 if context.draft else most, name)[list(context.features)])
    if not asking.spread:
        context.not_available(NO_SPREAD, metric)
        return None
    return asking


def not_asked(context: Context) -> Shown:
    """Say why nothing could be asked."""
    return Shown(text=f"Not measured: {NEEDS_MODEL if context.model is None else NO_SPREAD}.")


def simultaneous(columns: Sequence[dict[str, Any]]) -> tuple[float, float] | None:
    """Return limits of the largest of several changes from limits that hold together."""
    known = [one["interval"] for one in columns if one["interval"] is not None]
    return (max(low for low, _ in known), max(high for _, high in known)) if known else None
