"""Score intervals for two binomial proportions, after Miettinen and Nurminen (1985), Statistics in Medicine 4:213–226.

The limits are the differences (or ratios) at which the score test would just reject: the distance of the observed from
the supposed value, in standard errors under the supposed one, equals z. Both proportions are then the most likely ones
under the supposed value, and the variance carries the paper's factor N/(N − 1). Defined, and never of zero width, when
a proportion is exactly 0 or 1. All functions work element by element; counts may be fractions, for planning.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbdeploy.stats.binomial import normal_quantile

Values = NDArray[np.float64]

_HALVINGS = 50  # of an interval of length at most 2: to 2e-15


def difference_interval(
    k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike, level: float = 0.95
) -> tuple[Values, Values]:
    """Return the limits of k1/n1 − k2/n2. Every n must be at least 1."""
    a, n, b, m = _floats(k1, n1, k2, n2)
    observed = a / n - b / m
    z = normal_quantile(level)

    def beyond(supposed: Values) -> Values:
        return difference_distance(a, n, b, m, supposed)

    return _limits(beyond, z, -np.ones_like(observed), observed, np.ones_like(observed))


def difference_distance(a: Values, n: Values, b: Values, m: Values, supposed: Values) -> Values:
    """Return how many standard errors a/n − b/m lies above the supposed difference: it falls with that one."""
    return _distance(a / n - b / m - supposed, _difference_variance(a, n, b, m, supposed))


def ratio_interval(
    k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike, level: float = 0.95
) -> tuple[Values, Values]:
    """Return the limits of (k1/n1) ÷ (k2/n2): from 0 where k1 is 0, to infinity where k2 is 0."""
    a, n, b, m = _floats(k1, n1, k2, n2)
    first, second = a / n, b / m
    total = first + second
    # Sought as θ/(1 + θ), which maps the ratios from 0 to infinity onto 0 to 1.
    observed = np.divide(first, total, out=np.full_like(total, 0.5), where=total > 0)
    z = normal_quantile(level)

    def beyond(share: Values) -> Values:
        return ratio_distance(a, n, b, m, share)

    lower, upper = _limits(beyond, z, np.zeros_like(observed), observed, np.ones_like(observed))
    lower = np.where(a > 0, lower / (1 - np.where(a > 0, lower, 0)), 0)
    ends = (b > 0) & (upper < 1)
    return lower, np.where(ends, upper / (1 - np.where(ends, upper, 0)), np.inf)


def ratio_distance(a: Values, n: Values, b: Values, m: Values, share: Values) -> Values:
    """Return how many standard errors the ratio lies above a supposed θ, given as θ/(1 + θ): it falls with that one."""
    return _distance((1 - share) * (a / n) - share * (b / m), _ratio_variance(a, n, b, m, share))


def _floats(*counts: ArrayLike) -> tuple[Values, ...]:
    return tuple(np.atleast_1d(part).astype(np.float64) for part in np.broadcast_arrays(*counts))


def _distance(apart: Values, variance: Values) -> Values:
    """Return the distance in standard errors; without variance any distance is infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(apart == 0, 0.0, apart / np.sqrt(variance)), dtype=np.float64)


def _limits(
    beyond: Callable[[Values], Values], z: float, lowest: Values, observed: Values, highest: Values
) -> tuple[Values, Values]:
    """Return where the falling distance passes z, below the observed value, and −z, above it: both halved at once."""
    low, high = np.stack([lowest, observed]), np.stack([observed, highest])
    target = np.array([[z], [-z]])
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        left = beyond(middle) > target
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    lower, upper = (low + high) / 2
    return lower, upper


def _difference_variance(a: Values, n: Values, b: Values, m: Values, supposed: Values) -> Values:
    """Return the variance of the difference under a supposed one: the cubic of their appendix I, solved in cosines."""
    total, hits = n + m, a + b
    third = ((n + 2 * m) * supposed - total - hits) / (3 * total)
    linear = ((m * supposed - total - 2 * b) * supposed + hits) / total
    constant = b * supposed * (1 - supposed) / total
    # Written as products: a power of an array takes longer than all the rest.
    q = third * third * third - third * linear / 2 + constant / 2
    p = np.copysign(np.sqrt(np.maximum(third * third - linear / 3, 0)), q)
    cosine = np.divide(q, p * p * p, out=np.zeros_like(q), where=p != 0)
    angle = (np.pi + np.arccos(np.clip(cosine, -1, 1))) / 3
    second = np.clip(2 * p * np.cos(angle) - third, np.maximum(0, -supposed), np.minimum(1, 1 - supposed))
    first = np.clip(second + supposed, 0, 1)
    variance: Values = (first * (1 - first) / n + second * (1 - second) / m) * total / (total - 1)
    return variance


def _ratio_variance(a: Values, n: Values, b: Values, m: Values, share: Values) -> Values:
    """Return the variance of (1 − share)·p1 − share·p2 under a supposed ratio share/(1 − share)."""
    total, hits, rest = n + m, a + b, 1 - share
    linear = n * share + (a + m) * rest + b * share
    # p2 is the smaller root of total·ratio·x² − linear·x + hits, written so that nothing cancels or overflows.
    root = linear + np.sqrt(np.maximum(linear**2 - 4 * total * hits * share * rest, 0))
    twice = np.divide(2 * hits, root, out=np.zeros_like(root), where=root > 0)
    first, second = np.clip(twice * share, 0, 1), np.clip(twice * rest, 0, 1)
    return (rest**2 * first * (1 - first) / n + share**2 * second * (1 - second) / m) * total / (total - 1)
