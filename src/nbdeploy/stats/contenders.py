"""Which of very many pairs of groups can hold the extreme limit: only theirs are sought.

A score limit takes fifty halvings; whether it lies beyond a given number takes one, since the distance of the score
test falls with the supposed value. So the limits of a few pairs that look extreme by MOVER, which costs next to
nothing, are sought first; of all others only those that reach beyond the best of them are sought too. What is left out
is proved not to be the extreme, so that the extreme, and the pair that holds it, is the same as with all limits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.binomial import normal_quantile
from nbdeploy.stats.pair_intervals import (
    Places,
    Samples,
    Values,
    difference_interval,
    mover_difference,
    mover_ratio,
    ratio_interval,
)
from nbdeploy.stats.two_proportions import difference_distance, ratio_distance

FEW = 400
"""Pairs whose limits are all sought: choosing would take longer."""

_FIRST = 64  # pairs that look extreme, for each end
_SLACK = 1e-9  # what the halvings and the single test may differ by
_BLOCK = 1 << 14  # pairs tested at a time, so that what lies between stays in the processor's cache


def difference_limits(pairs: Samples, few: int = FEW) -> tuple[Values, Values]:
    """Return, of a/n ≥ b/m, the limits of the difference, the lower at least 0, and the upper of its amount.

    NaN for pairs that hold neither the largest lower limit nor the largest upper one.
    """

    def sought(chosen: Places) -> tuple[Values, Values]:
        lower, upper = difference_interval(pairs.at(chosen))
        return np.maximum(lower, 0), np.maximum(upper, -lower)

    if len(pairs.a) <= few:
        return sought(np.arange(len(pairs.a)))
    z = normal_quantile(pairs.level)

    def beyond(some: Samples, supposed: float) -> Values:
        return difference_distance(some.a, some.n, some.b, some.m, np.full_like(some.a, supposed))

    looks_low, looks_high = mover_difference(pairs)
    looks_high = np.maximum(looks_high, -looks_low)
    first = _ends(-looks_low, -looks_high)
    lower, upper = sought(first)
    least, most = lower.max() - _SLACK, upper.max() - _SLACK
    low = _where(pairs, np.flatnonzero(looks_low > least), lambda some: beyond(some, least) > z)
    # No variance is above a quarter, which spares most pairs the test of the upper limit.
    rows, (p, q) = pairs.n + pairs.m, pairs.shares
    widest = z * np.sqrt((rows / (pairs.n * pairs.m)) * rows / (rows - 1)) / 2
    high = _where(
        pairs,
        np.flatnonzero(p - q + widest > most),
        lambda some: (beyond(some, most) > -z) | (beyond(some, -most) < z),
    )
    return _filled(len(p), sought, first, low, high, np.flatnonzero(looks_high > most))


def ratio_limits(pairs: Samples, few: int = FEW) -> tuple[Values, Values]:
    """Return, of a/n ≤ b/m, the limits of the ratio of the truly smaller to the truly larger one.

    NaN for pairs that hold neither the smallest lower limit nor the smallest upper one.
    """

    def sought(chosen: Places) -> tuple[Values, Values]:
        return _of_smaller(*ratio_interval(pairs.at(chosen)))

    if len(pairs.a) <= few:
        return sought(np.arange(len(pairs.a)))
    z, (small, large) = normal_quantile(pairs.level), pairs.shares

    def beyond(some: Samples, share: float) -> Values:
        return ratio_distance(some.a, some.n, some.b, some.m, np.full_like(some.a, share))

    looks_low, looks_high = _of_smaller(*mover_ratio(pairs))
    first = _ends(looks_low, looks_high)
    lower, upper = sought(first)
    least, most = (float(limit.min() / (1 + limit.min())) + _SLACK for limit in (lower, upper))
    reach = looks_low / (1 + looks_low), looks_high / (1 + looks_high)
    high = _where(
        pairs,
        np.flatnonzero(((1 - most) * small < most * large) & (reach[1] < most)),
        lambda some: beyond(some, most) <= -z,
    )
    low = np.flatnonzero(pairs.a == 0)[:1]  # its lower limit is exactly 0, the first of which is the extreme
    if not len(low):
        low = _where(
            pairs, np.arange(len(small)), lambda some: (beyond(some, least) <= z) | (beyond(some, 1 - least) >= -z)
        )
        low = np.concatenate([low, np.flatnonzero(reach[0] < least)])
    return _filled(len(small), sought, first, low, high)


def _of_smaller(lower: Values, upper: Values) -> tuple[Values, Values]:
    """Return the limits of the smaller of θ and 1/θ: whichever rate is truly the lower one."""
    return np.minimum(lower, 1 / upper), np.minimum(upper, 1)


def _ends(*looks: Values) -> Places:
    """Return the pairs that have the least of each, and the first pair, which holds an extreme that all share."""
    count = min(_FIRST, len(looks[0]) - 1)
    return np.unique(np.concatenate([[0], *(np.argpartition(one, count)[:count] for one in looks)]))


def _where(pairs: Samples, chosen: Places, test: Callable[[Samples], NDArray[np.bool_]]) -> Places:
    """Return those of the chosen pairs that pass a test."""
    blocks = (chosen[start : start + _BLOCK] for start in range(0, len(chosen), _BLOCK))
    return np.concatenate([chosen[:0], *(block[test(pairs.at(block))] for block in blocks)])


def _filled(size: int, sought: Callable[[Places], tuple[Values, Values]], *contenders: Places) -> tuple[Values, Values]:
    """Return limits of the contenders in their places, and NaN elsewhere."""
    chosen = np.unique(np.concatenate(contenders))
    limits = np.full((2, size), np.nan)
    limits[:, chosen] = sought(chosen)
    return limits[0], limits[1]
