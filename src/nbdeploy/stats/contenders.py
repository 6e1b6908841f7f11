"""Which of very many pairs of groups can hold the extreme limit: only theirs are sought.

A limit takes fifty halvings; whether it lies beyond a given number takes one, since the distance of the score test
falls with the supposed value. So the limits of a few pairs that look extreme are sought first; of all others only
those that reach beyond the best of them are sought too. What is left out is proved not to be the extreme, so that the
extreme, and the pair that holds it, is the same as with all limits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.binomial import normal_quantile, wilson
from nbdeploy.stats.two_proportions import (
    Values,
    difference_distance,
    difference_interval,
    ratio_distance,
    ratio_interval,
)

FEW = 400
"""Pairs whose limits are all sought: choosing would take longer."""

_FIRST = 64  # pairs that look extreme, for each end
_SLACK = 1e-9  # what the halvings and the single test may differ by
_BLOCK = 1 << 14  # pairs tested at a time, so that what lies between stays in the processor's cache

Chosen = NDArray[np.int64]


@dataclass(frozen=True)
class Samples:
    """Pairs of proportions a/n and b/m; float64, each of shape (pairs,)."""

    a: Values
    n: Values
    b: Values
    m: Values

    def at(self, chosen: Chosen) -> Samples:
        """Return some of the pairs."""
        return Samples(self.a[chosen], self.n[chosen], self.b[chosen], self.m[chosen])


def difference_limits(pairs: Samples, level: float, few: int = FEW) -> tuple[Values, Values]:
    """Return, of a/n ≥ b/m, the limits of the difference, the lower at least 0, and the upper of its amount.

    NaN for pairs that hold neither the largest lower limit nor the largest upper one.
    """

    def sought(chosen: Chosen) -> tuple[Values, Values]:
        some = pairs.at(chosen)
        lower, upper = difference_interval(some.a, some.n, some.b, some.m, level)
        return np.maximum(lower, 0), np.maximum(upper, -lower)

    if len(pairs.a) <= few:
        return sought(np.arange(len(pairs.a)))
    z, apart = normal_quantile(level), pairs.a / pairs.n - pairs.b / pairs.m

    def beyond(some: Samples, supposed: float) -> Values:
        return difference_distance(some.a, some.n, some.b, some.m, np.full_like(some.a, supposed))

    looks_low, looks_high = _looks(pairs, apart, level)
    first = _ends(-looks_low, -looks_high)
    lower, upper = sought(first)
    least, most = lower.max() - _SLACK, upper.max() - _SLACK
    low = _where(pairs, np.flatnonzero(apart > least), lambda some: beyond(some, least) > z)
    # No variance is above a quarter, which spares most pairs the test of the upper limit.
    rows = pairs.n + pairs.m
    widest = z * np.sqrt((rows / (pairs.n * pairs.m)) * rows / (rows - 1)) / 2
    high = _where(
        pairs,
        np.flatnonzero(apart + widest > most),
        lambda some: (beyond(some, most) > -z) | (beyond(some, -most) < z),
    )
    return _filled(len(apart), sought, first, low, high)


def ratio_limits(pairs: Samples, level: float, few: int = FEW) -> tuple[Values, Values]:
    """Return, of a/n ≤ b/m, the limits of the ratio of the truly smaller to the truly larger one.

    NaN for pairs that hold neither the smallest lower limit nor the smallest upper one.
    """

    def sought(chosen: Chosen) -> tuple[Values, Values]:
        some = pairs.at(chosen)
        lower, upper = ratio_interval(some.a, some.n, some.b, some.m, level)
        # Whichever of the two is truly lower, the smaller of θ and 1/θ is what counts.
        return np.minimum(lower, 1 / upper), np.minimum(upper, 1)

    if len(pairs.a) <= few:
        return sought(np.arange(len(pairs.a)))
    z, small, large = normal_quantile(level), pairs.a / pairs.n, pairs.b / pairs.m

    def beyond(some: Samples, share: float) -> Values:
        return ratio_distance(some.a, some.n, some.b, some.m, np.full_like(some.a, share))

    first = _ends(*_looks_of_ratio(pairs, level))
    lower, upper = sought(first)
    least, most = (float(limit.min() / (1 + limit.min())) + _SLACK for limit in (lower, upper))
    high = _where(
        pairs,
        np.flatnonzero((1 - most) * small < most * large),
        lambda some: beyond(some, most) <= -z,
    )
    none = np.flatnonzero(pairs.a == 0)[:1]  # its lower limit is exactly 0, the first of which is the extreme
    low = (
        none
        if len(none)
        else _where(
            pairs, np.arange(len(small)), lambda some: (beyond(some, least) <= z) | (beyond(some, 1 - least) >= -z)
        )
    )
    return _filled(len(small), sought, first, low, high)


def _looks(pairs: Samples, apart: Values, level: float) -> tuple[Values, Values]:
    """Return nearly the limits of the difference: from Wilson's of each proportion (Newcombe 1998, method 10)."""
    low_a, high_a = wilson(pairs.a, pairs.n, level)
    low_b, high_b = wilson(pairs.b, pairs.m, level)
    p, q = pairs.a / pairs.n, pairs.b / pairs.m
    return (
        apart - np.sqrt((p - low_a) ** 2 + (high_b - q) ** 2),
        apart + np.sqrt((high_a - p) ** 2 + (q - low_b) ** 2),
    )


def _looks_of_ratio(pairs: Samples, level: float) -> tuple[Values, Values]:
    """Return nearly the limits of the ratio's logarithm, half a row added to each count (Katz and others 1978)."""
    a, b = pairs.a + 0.5, pairs.b + 0.5
    middle = np.log(a * (pairs.m + 0.5) / (b * (pairs.n + 0.5)))
    half = normal_quantile(level) * np.sqrt(1 / a - 1 / (pairs.n + 0.5) + 1 / b - 1 / (pairs.m + 0.5))
    return middle - half, middle + half


def _ends(*looks: Values) -> Chosen:
    """Return the pairs that have the least of each, and the first pair, which holds an extreme that all share."""
    count = min(_FIRST, len(looks[0]) - 1)
    return np.unique(np.concatenate([[0], *(np.argpartition(one, count)[:count] for one in looks)]))


def _where(pairs: Samples, chosen: Chosen, test: Callable[[Samples], NDArray[np.bool_]]) -> Chosen:
    """Return those of the chosen pairs that pass a test."""
    blocks = (chosen[start : start + _BLOCK] for start in range(0, len(chosen), _BLOCK))
    return np.concatenate([chosen[:0], *(block[test(pairs.at(block))] for block in blocks)])


def _filled(size: int, sought: Callable[[Chosen], tuple[Values, Values]], *contenders: Chosen) -> tuple[Values, Values]:
    """Return limits of the contenders in their places, and NaN elsewhere."""
    chosen = np.unique(np.concatenate(contenders))
    limits = np.full((2, size), np.nan)
    limits[:, chosen] = sought(chosen)
    return limits[0], limits[1]
