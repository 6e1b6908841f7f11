"""How a model's answers to some rows change when the rows do: flipped decisions, or shifted predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.errors import ModelError
from nbdeploy.stats.binomial import shared_level
from nbdeploy.validate.checks.shown import Shown
from nbdeploy.validate.checks.uncertainty import WILSON, mean_interval, rate_interval
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

ROWS_OF_A_CALL = 50_000
"""Rows that the model is asked about at once: a call costs as much as thousands of rows, and memory has an end."""

NEEDS_MODEL = "needs the model; only its predictions were given"
NO_SPREAD = "the model gives every row the same answer"


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

    def changes(self, moved: Sequence[pd.DataFrame]) -> list[NDArray[np.float64]]:
        """Return, for each copy of the rows, the change of every answer: 1 for a flip, or the shift in spreads."""
        return [self.change(answers) for answers in self._asked(moved, self._answers)]

    def change(self, answers: NDArray[Any]) -> NDArray[np.float64]:
        """Return the change of each answer from what it was."""
        if self.regression:
            return np.asarray(np.abs(answers - self.before) / self.spread, dtype=np.float64)
        return np.asarray(answers != self.before, dtype=np.float64)

    def refused(self, moved: Sequence[pd.DataFrame]) -> list[NDArray[np.float64] | None]:
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

    def scored(self, moved: Sequence[pd.DataFrame]) -> list[NDArray[np.float64]]:
        """Return the scores of each copy of the rows, of a model that gives scores."""
        return list(self._asked(moved, self.model.score))

    @property
    def method(self) -> str:
        """How the limits are made."""
        return "Student t on row means" if self.regression else WILSON

    def _asked(
        self, moved: Sequence[pd.DataFrame], answer: Callable[[pd.DataFrame], NDArray[Any]]
    ) -> Iterator[NDArray[Any]]:
        import pandas as pd

        together = max(ROWS_OF_A_CALL // max(len(self.rows), 1), 1)
        for start in range(0, len(moved), together):
            part = moved[start : start + together]
            answers = answer(pd.concat(part, ignore_index=True) if len(part) > 1 else part[0])
            yield from np.split(answers, len(part))

    def _answers(self, rows: pd.DataFrame) -> NDArray[Any]:
        return np.asarray(self.model.decide(rows), dtype=float if self.regression else None)


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
