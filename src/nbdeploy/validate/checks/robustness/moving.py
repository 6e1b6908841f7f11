"""How far a numeric input can move: within the range seen, in units of its own spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbdeploy.validate.checks.columns import finite_floats

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Reach:
    """What is known of a numeric column's values.

    Attributes
    ----------
    low, high
        The range seen; a moved value stays in it.
    usual
        A value that more than half of the rows share, NaN where there is none. It says that there is nothing (no
        capital gain), which is not measured with an error, and so it stays.
    spread
        Standard deviation of the other values.
    whole
        Whether all values are whole numbers; moved ones then are too.
    """

    low: float
    high: float
    usual: float
    spread: float
    whole: bool

    def moved(self, values: NDArray[np.float64], by: ArrayLike) -> NDArray[np.float64]:
        """Return the values moved by so many spreads."""
        moved = np.clip(values + np.asarray(by) * self.spread, self.low, self.high)
        moved = np.where((values == self.usual) | np.isinf(values), values, moved)
        return np.round(moved) if self.whole else moved


def reach(seen: pd.Series) -> Reach | None:
    """Return what is known of a column; None where it has no value."""
    known = finite_floats(seen)
    known = known[~np.isnan(known)]
    if not len(known):
        return None
    often, counts = np.unique(known, return_counts=True)
    usual = float(often[counts.argmax()]) if counts.max() > len(known) / 2 else np.nan
    spread = float(known[known != usual].std()) if (known != usual).any() else 0.0
    return Reach(float(known.min()), float(known.max()), usual, spread, bool((known % 1 == 0).all()))


def put(rows: pd.DataFrame, name: str, values: NDArray[np.float64]) -> None:
    """Set a column, in its own type where that can hold the values."""
    kind = rows[name].dtype
    rows[name] = values
    if not np.isnan(values).any():
        rows[name] = rows[name].astype(kind)
