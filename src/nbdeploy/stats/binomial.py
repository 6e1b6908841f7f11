"""Intervals of one proportion. A proportion of exactly 0 or 1 never has an interval of zero width."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]


def normal_quantile(level: float) -> float:
    """Return z with P(|Z| ≤ z) = level.

    Taken from the upper tail, which stays exact for a level of a joint interval over very many comparisons.
    """
    return -NormalDist().inv_cdf((1 - level) / 2)


def shared_level(level: float, comparisons: int) -> float:
    """Return the level of each of several intervals that hold together with `level` (Bonferroni, both tails)."""
    return 1 - (1 - level) / max(comparisons, 1)


def clopper_pearson(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[Values, Values]:
    """Return Clopper and Pearson's (1934) exact limits of k/n, element by element; NaN where n is 0.

    Counts may be fractions: those that n independent rows would have given, for planning and for rows that are no
    independent ones (Korn and Graubard 1998, Survey Methodology 24:193–201).
    Verified against Newcombe (1998), Statistics in Medicine 17:857–872, table I.
    """
    from scipy.special import betaincinv

    k, n = np.broadcast_arrays(np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64))
    tail = (1 - level) / 2
    one = np.where(n > 0, 1.0, np.nan)
    lower = np.where(k <= 0, 0.0, betaincinv(np.maximum(k, 1e-300), n - k + 1, tail))
    upper = np.where(k >= n, 1.0, betaincinv(k + 1, np.maximum(n - k, 1e-300), 1 - tail))
    return lower * one, upper * one


def as_pair(limits: tuple[Any, Any]) -> tuple[float, float] | None:
    """Return two limits as floats, None where they are undefined."""
    lower, upper = float(limits[0]), float(limits[1])
    return None if np.isnan(lower) or np.isnan(upper) else (lower, upper)
