"""The extreme over many comparisons of groups, with limits that hold for all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.binomial import shared_level
from nbdeploy.stats.contenders import difference_limits, ratio_limits
from nbdeploy.stats.disparity_names import Kind
from nbdeploy.stats.division import divide
from nbdeploy.stats.pair_intervals import Samples
from nbdeploy.stats.rates import Rates, Values

IndexPair = tuple[int, int]
"""Two groups by their places in the tally."""


@dataclass(frozen=True)
class Disparity:
    """The extreme of a difference or ratio over all pairs of groups.

    Parameters
    ----------
    value
        Largest difference, or smallest ratio; None where undefined.
    interval
        Limits that hold for all pairs together.
    pair
        Indices of the two groups that show `value`: the one with the lower rate first.
    pair_of_lower, pair_of_upper
        The pairs that set the limits. A difference over its bound is proved by `pair_of_lower`, a ratio under its bound
        by `pair_of_upper`; the other one stands in the way of a pass.
    metric, metric_of_lower, metric_of_upper
        The rates that these three pairs are of.
    comparisons
        Intervals made, between which the level is shared.
    excluded
        Indices of groups left out of every comparison of some metric: its own denominator is under the minimum size.
    n
        Denominators of the groups compared, summed.
    undefined
        Why there is no value.
    """

    kind: Kind
    level: float
    method: str
    value: float | None = None
    interval: tuple[float, float] | None = None
    pair: IndexPair | None = None
    pair_of_lower: IndexPair | None = None
    pair_of_upper: IndexPair | None = None
    metric: str | None = None
    metric_of_lower: str | None = None
    metric_of_upper: str | None = None
    comparisons: int = 0
    excluded: tuple[int, ...] = ()
    n: int = 0
    undefined: str | None = None

    @property
    def shared_level(self) -> float:
        """The level of each comparison, such that all hold together (Bonferroni)."""
        return shared_level(self.level, self.comparisons)

    def undefined_because(self, why: str) -> Disparity:
        """Return the disparity without a value."""
        return replace(self, undefined=why)


@dataclass(frozen=True)
class Pairs:
    """The comparisons of one metric: lower and higher group of each pair, estimate and limits.

    A limit is NaN where it is not the extreme.
    """

    metric: str
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    value: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def stated(
    kind: Kind,
    level: float,
    method: str,
    sizes: Sequence[tuple[NDArray[np.float64], NDArray[np.int64]]],
    *,
    comparisons: int,
    unit: str = "pair",
) -> Disparity:
    """Return what is known before any comparison: from all sizes of each metric and the indices of the groups kept."""
    left_out = {index for size, kept in sizes for index in set(range(len(size))) - set(kept.tolist())}
    return Disparity(
        kind=kind,
        level=level,
        method=f"{method}, Bonferroni over {comparisons} {unit}{'s' * (comparisons != 1)}",
        comparisons=comparisons,
        excluded=tuple(sorted(left_out)),
        n=round(sum(float(size[kept].sum()) for size, kept in sizes)),
    )


def oriented(values: NDArray[np.float64], kept: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all pairs of the kept groups, the lower value first; equal values stay in the order of groups."""
    first, second = (kept[index] for index in np.triu_indices(len(kept), 1))
    turned = values[first] > values[second]
    return np.where(turned, second, first), np.where(turned, first, second)


def rate_pairs(part: Rates, kept: Sequence[NDArray[np.int64]], kind: Kind, level: float) -> Pairs:
    """Return the pairs within each of the sets of groups, with estimates, and limits where those can decide.

    Of groups with the same counts only two are compared with others, since they have the same limits.
    """
    k, n, value = part.numerator, part.denominator, part.value
    sides = [oriented(value, _told_apart(k, n, groups)) for groups in kept]
    low, high = (np.concatenate(side) for side in zip(*sides, strict=True))
    # A rate of 0 makes every ratio 0: of equal extremes the first counts, so it is the one against the highest rate.
    # Over one denominator, so that 4/10 − 3/10 is 0.1 and not a rounding more, which would violate a bound of 0.1.
    apart = (k[high] * n[low] - k[low] * n[high]) / (n[high] * n[low])
    order = np.argsort(-apart, kind="stable")
    low, high, apart = low[order], high[order], apart[order]
    if kind == "difference":
        lower, upper = difference_limits(Samples.of(k, n, high, low, level))
        return Pairs(part.metric, low, high, apart, lower, upper)
    lower, upper = ratio_limits(Samples.of(k, n, low, high, level))
    ratio = divide(k[low] * n[high], k[high] * n[low])
    return Pairs(part.metric, low, high, ratio, lower, upper)


def _told_apart(k: Values, n: Values, groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first two groups of each numerator and denominator: the first pair of any two of these is theirs."""
    order = np.lexsort((groups, n[groups], k[groups]))
    sorted_k, sorted_n = k[groups][order], n[groups][order]
    third = np.zeros(len(groups), bool)
    third[2:] = (sorted_k[2:] == sorted_k[:-2]) & (sorted_n[2:] == sorted_n[:-2])
    return groups[np.sort(order[~third])]


def extreme(compared: Sequence[Pairs], kind: Kind, about: Disparity) -> Disparity:
    """Return the disparity with the extremes over all comparisons filled in."""
    metric = np.concatenate([np.full(len(part.low), index) for index, part in enumerate(compared)])
    low = np.concatenate([part.low for part in compared])
    high = np.concatenate([part.high for part in compared])

    def over(column: str) -> tuple[float, IndexPair, str]:
        joined = np.concatenate([getattr(part, column) for part in compared])
        at = int(np.nanargmax(joined) if kind == "difference" else np.nanargmin(joined))
        return float(joined[at]), (int(low[at]), int(high[at])), compared[metric[at]].metric

    value, pair, name = over("value")
    lower, pair_of_lower, name_of_lower = over("lower")
    upper, pair_of_upper, name_of_upper = over("upper")
    return replace(
        about,
        value=value,
        interval=(lower, upper),
        pair=pair,
        pair_of_lower=pair_of_lower,
        pair_of_upper=pair_of_upper,
        metric=name,
        metric_of_lower=name_of_lower,
        metric_of_upper=name_of_upper,
    )
