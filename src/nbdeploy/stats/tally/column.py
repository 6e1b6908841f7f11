"""One column in little room: what is missing, moments, quantiles, categories, different values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbdeploy.documents.record import Scalar
from nbdeploy.stats.tally.distinct import DistinctTally
from nbdeploy.stats.tally.sketch import Sketch

MOST_LEVELS = 10_000
"""Different values that are counted one by one; a column with more has no counts, however its rows were split."""

Kind = Literal["number", "text", "bool"]


@dataclass(frozen=True, eq=False)
class ColumnTally:
    """One column.

    Parameters
    ----------
    kind
        ``number``, ``bool``, or ``text``, which all else is counted as.
    rows, missing
        All rows, and those without a value; NaN is none.
    mean, spread
        Of the finite numbers: their mean and the sum of squares about it, merged as in Chan, Golub and LeVeque (1983).
    low, high
        The smallest and largest finite number; NaN where there is none.
    infinite
        Numbers that are infinite.
    sketch
        Quantiles of the finite numbers.
    counts
        Rows by value; None for more than `MOST_LEVELS` values.
    distinct
        How many different values there are.
    """

    kind: Kind
    rows: int
    missing: int
    mean: float
    spread: float
    low: float
    high: float
    infinite: int
    sketch: Sketch
    counts: Mapping[Scalar, int] | None
    distinct: DistinctTally

    @property
    def known(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def finite(self) -> int:
        """Rows with a finite number."""
        return self.known - self.infinite if self.kind == "number" else 0

    @property
    def variance(self) -> float:
        """Of the numbers, with n − 1; NaN for fewer than two."""
        return self.spread / (self.finite - 1) if self.finite > 1 else float("nan")

    def quantiles(self, shares: ArrayLike) -> NDArray[np.float64]:
        """Return the values below which these shares of the finite numbers lie; see `Sketch`."""
        return self.sketch.quantiles(shares)

    def share_at_most(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the shares of the finite numbers at or below each value."""
        return self.sketch.shares(values)

    def __add__(self, other: ColumnTally) -> ColumnTally:
        """Merge two parts of one column.

        Raises
        ------
        ValueError
            One holds numbers and the other does not.
        """
        if not self.rows or not other.rows:
            return other if other.rows else self
        if self.kind != other.kind and self.known and other.known:
            raise ValueError(f"a column of {self.kind} and one of {other.kind} cannot be added")
        n, more = self.finite, other.finite
        total = n + more
        away = other.mean - self.mean
        return ColumnTally(
            kind=self.kind if self.known else other.kind,
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            mean=self.mean + away * more / total if total else 0.0,
            spread=self.spread + other.spread + (away * away * n * more / total if total else 0.0),
            low=float(np.fmin(self.low, other.low)),
            high=float(np.fmax(self.high, other.high)),
            infinite=self.infinite + other.infinite,
            sketch=self.sketch + other.sketch,
            counts=_added(self.counts, other.counts),
            distinct=self.distinct + other.distinct,
        )


def _added(mine: Mapping[Scalar, int] | None, theirs: Mapping[Scalar, int] | None) -> Mapping[Scalar, int] | None:
    if mine is None or theirs is None:
        return None
    found = dict(mine)
    for level, count in theirs.items():
        found[level] = found.get(level, 0) + count
    return found if len(found) <= MOST_LEVELS else None
