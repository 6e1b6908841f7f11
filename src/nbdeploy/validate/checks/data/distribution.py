"""How the numbers of a column lie: from the rows themselves while all are at hand, else from the sketch of all rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbdeploy.stats.tally import ColumnTally
from nbdeploy.validate.checks.columns import as_floats
from nbdeploy.validate.context import Context
from nbdeploy.validate.given import TableName

if TYPE_CHECKING:
    import pandas as pd

GRID = 1000
"""Quantiles of a sketch at which two distributions are compared."""


@dataclass(frozen=True)
class Distribution:
    """The finite numbers of a column.

    Attributes
    ----------
    points
        Rising values: all of them, or the quantiles of a sketch at equal steps.
    n
        Finite numbers.
    absent
        Rows without one.
    low, high
        The smallest and the largest; NaN where there is none.
    error
        By how much a share can be wrong; 0 where all rows are at hand.
    """

    points: NDArray[np.float64]
    n: int
    absent: int
    low: float
    high: float
    error: float
    sketched: ColumnTally | None = None

    def quantiles(self, shares: ArrayLike) -> NDArray[np.float64]:
        """Return the values under which these shares lie."""
        if self.sketched is not None:
            return self.sketched.quantiles(shares)
        return np.asarray(np.quantile(self.points, np.asarray(shares, dtype=np.float64)), dtype=np.float64)

    def at_most(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the shares at or below these values."""
        if self.sketched is not None:
            return self.sketched.share_at_most(values)
        return np.searchsorted(self.points, values, side="right") / max(self.n, 1)


def sketched(context: Context, table: TableName) -> bool:
    """Whether a table has more rows than are at hand, so that how its numbers lie comes from sketches."""
    return _at_hand(context, table) is None


def _at_hand(context: Context, table: TableName) -> pd.DataFrame | None:
    frame = {"data": context.data, "train": context.train, "reference": context.reference}[table]
    return frame if frame is not None and len(frame) == context.count(table) else None


def distribution(context: Context, table: TableName, name: str) -> Distribution:
    """Return how the numbers of a column of the run lie.

    A sketch draws at random by itself, so it is only used where not all rows are at hand.
    """
    frame = _at_hand(context, table)
    if frame is not None:
        values = as_floats(frame[name])
        known = np.sort(values[np.isfinite(values)])
        ends = (float(known[0]), float(known[-1])) if len(known) else (np.nan, np.nan)
        return Distribution(known, len(known), len(values) - len(known), *ends, 0.0)
    tally = context.columns(table)[name]
    points = tally.quantiles(np.linspace(0, 1, GRID + 1)) if tally.finite else np.empty(0)
    error = tally.sketch.error + (1 / GRID if tally.finite else 0.0)
    return Distribution(points, tally.finite, tally.rows - tally.finite, tally.low, tally.high, error, tally)
