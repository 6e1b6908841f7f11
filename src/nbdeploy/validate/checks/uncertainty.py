"""Intervals of what checks average over rows, where no tally applies."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbdeploy.stats import pair_intervals
from nbdeploy.stats.binomial import as_pair, clopper_pearson

MEAN = "Student t on row means"
BOUNDED = "Clopper–Pearson on the mean of values in 0–1 (conservative)"
EXACT = "Clopper–Pearson"
DIFFERENCE = pair_intervals.METHOD


def rate_interval(k: float, n: int, level: float) -> tuple[float, float] | None:
    """Return exact limits of k/n; None without rows."""
    return as_pair(clopper_pearson(k, n, level)) if n else None


def clustered_rate_interval(hits: ArrayLike, rows: ArrayLike, level: float) -> tuple[float, float] | None:
    """Return limits of Σ hits ÷ Σ rows over a sample of clusters; None without rows.

    Exact limits at the number of rows that independent ones would need (Korn and Graubard 1998, Survey Methodology
    24:193–201) for the ratio's linearised variance Σ(hᵢ − R·rᵢ)² ÷ (Σr)² (Cochran 1977, Sampling Techniques, section
    9A.2), at most as many as there are rows.
    """
    hit, size = np.asarray(hits, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    total = float(size.sum())
    if not total:
        return None
    share = float(hit.sum()) / total
    variance = float(((hit - share * size) ** 2).sum()) / total**2
    n = min(share * (1 - share) / variance, total) if variance > 0 else float(len(size))
    return as_pair(clopper_pearson(share * n, n, level))


def mean_interval(values: ArrayLike, level: float) -> tuple[tuple[float, float] | None, str]:
    """Return limits of the mean of unbounded values and the method; None for fewer than two values."""
    from scipy.stats import t

    given = np.asarray(values, dtype=float)
    if len(given) < 2:
        return None, MEAN
    half = float(t.ppf((1 + level) / 2, len(given) - 1)) * float(given.std(ddof=1)) / math.sqrt(len(given))
    return (float(given.mean()) - half, float(given.mean()) + half), MEAN


def rate_difference_interval(k1: float, n1: int, k2: float, n2: int, level: float) -> tuple[float, float]:
    """Return the limits of k1/n1 − k2/n2 that disparities have, for two samples of at least one row each."""
    hits, rows = np.array([k1, k2], dtype=np.float64), np.array([n1, n2], dtype=np.float64)
    pair = pair_intervals.Samples.of(hits, rows, np.array([0]), np.array([1]), level)
    low, high = pair_intervals.difference_interval(pair)
    return float(low[0]), float(high[0])


def mean_difference_interval(
    first: ArrayLike, second: ArrayLike, level: float
) -> tuple[tuple[float, float] | None, str]:
    """Return Welch's (1947) limits of the difference of two means and the method; None for fewer than two values."""
    from scipy.stats import ttest_ind

    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if min(len(a), len(b)) < 2 or not (np.ptp(a) or np.ptp(b)):
        return None, "Welch t"
    limits = ttest_ind(a, b, equal_var=False).confidence_interval(level)
    return (float(limits.low), float(limits.high)), "Welch t"


def bounded_mean_interval(values: ArrayLike, level: float) -> tuple[tuple[float, float] | None, str]:
    """Return limits of the mean of values within 0 and 1, and the method.

    Among all values in 0–1 with a given mean, zeros and ones vary most, so exact limits with k = Σ values are not
    too narrow. They replace Student's where the values do not vary at all and an interval of no width would be a lie.
    """
    given = np.asarray(values, dtype=float)
    if len(given) == 0:
        return None, BOUNDED
    if len(given) < 5 or float(np.ptp(given)) == 0:
        return rate_interval(float(given.sum()), len(given), level), BOUNDED
    limits, method = mean_interval(given, level)
    return (None if limits is None else (max(limits[0], 0.0), min(limits[1], 1.0))), method


def quantile_interval(ordered: NDArray[np.float64], q: float, level: float) -> tuple[float, float]:
    """Return distribution-free limits of a quantile from ascending values: order statistics with binomial ranks.

    A limit that no observation can give is infinite (Conover, Practical Nonparametric Statistics, section 3.2).
    """
    from scipy.stats import binom

    n = len(ordered)
    low = int(binom.ppf((1 - level) / 2, n, q))
    high = int(binom.ppf((1 + level) / 2, n, q)) + 1
    return float(ordered[low - 1]) if low >= 1 else -math.inf, float(ordered[high - 1]) if high <= n else math.inf
