"""Disparities between groups: the extreme over all pairs, with limits that hold for all pairs together.

A disparity is the largest difference (or smallest ratio) over pairs of groups. A bootstrap of an extreme is biased, so
each pair has its own score interval instead (Miettinen and Nurminen 1985; Welch's t for means), at a level that
Bonferroni shares between all comparisons. If every interval holds, then so does the one built from them: for
differences [largest lower limit, largest upper limit], for ratios [smallest lower limit, smallest upper limit]. Hence
the whole interval violates a bound exactly when some named pair does, and satisfies it exactly when every pair does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbdeploy.documents.record import Scalar
from nbdeploy.stats.binomial import shared_level
from nbdeploy.stats.mean_differences import Means, means, welch_interval
from nbdeploy.stats.metrics import ERROR_SCORES, RATES, Rates, rates
from nbdeploy.stats.tally import ClassTally, ErrorTally
from nbdeploy.stats.two_proportions import difference_interval, ratio_interval

Kind = Literal["difference", "ratio"]

NAMED: dict[str, tuple[str, ...]] = {
    "demographic_parity": ("favourable_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "equal_opportunity": ("true_positive_rate",),
}
"""Disparities with a name of their own and the rates that they compare."""


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
        Indices of groups left out because the metric's own denominator is under the minimum size.
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
    pair: tuple[int, int] | None = None
    pair_of_lower: tuple[int, int] | None = None
    pair_of_upper: tuple[int, int] | None = None
    metric: str | None = None
    metric_of_lower: str | None = None
    metric_of_upper: str | None = None
    comparisons: int = 0
    excluded: tuple[int, ...] = ()
    n: int = 0
    undefined: str | None = None


@dataclass(frozen=True)
class _Pairs:
    """The comparisons of one metric: lower and higher group of each pair, estimate and limits."""

    metric: str
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    value: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def disparity(
    numerators: ArrayLike,
    denominators: ArrayLike,
    kind: Kind = "difference",
    *,
    level: float = 0.95,
    min_size: float = 1,
    metric: str = "rate",
) -> Disparity:
    """Return the disparity of one proportion between groups, given as two arrays of shape (groups,)."""
    top, bottom = (np.asarray(part, dtype=np.float64) for part in (numerators, denominators))
    return joint_disparity([Rates(metric, top, bottom)], kind, level=level, min_size=min_size)


def joint_disparity(
    parts: Sequence[Rates], kind: Kind = "difference", *, level: float = 0.95, min_size: float = 1
) -> Disparity:
    """Return the disparity of several proportions at once, corrected together; the deciding one is named.

    Parameters
    ----------
    min_size
        Groups whose denominator is smaller are left out of that proportion's comparisons.
    """
    eligible = [np.flatnonzero(part.denominator >= max(min_size, 1)) for part in parts]
    each = list(zip(parts, eligible, strict=True))
    stated = _stated(kind, level, "Miettinen–Nurminen", [(part.denominator, kept) for part, kept in each])
    why = next((reason for part, kept in each if (reason := _undefined(part, kept, kind, min_size))), None)
    if why:
        return replace(stated, undefined=why)
    shared = shared_level(level, stated.comparisons)
    return _extreme([_rate_pairs(part, kept, kind, shared) for part, kept in each], kind, stated)


def _stated(
    kind: Kind, level: float, method: str, sizes: Sequence[tuple[NDArray[np.float64], NDArray[np.int64]]]
) -> Disparity:
    """Return what is known before any comparison: from all sizes of each metric and the indices of the groups kept."""
    comparisons = sum(len(kept) * (len(kept) - 1) // 2 for _, kept in sizes)
    left_out = {index for size, kept in sizes for index in set(range(len(size))) - set(kept.tolist())}
    return Disparity(
        kind=kind,
        level=level,
        method=f"{method}, Bonferroni over {comparisons} pair{'s' * (comparisons != 1)}",
        comparisons=comparisons,
        excluded=tuple(sorted(left_out)),
        n=round(sum(float(size[kept].sum()) for size, kept in sizes)),
    )


def group_disparity(
    tally: ClassTally | ErrorTally,
    name: str,
    *,
    level: float = 0.95,
    min_size: float = 1,
    positive: Scalar = 1,
    favourable: Scalar | None = None,
) -> Disparity:
    """Return a disparity by its catalogue name: ``demographic_parity_ratio``, ``precision_difference`` and so on.

    Raises
    ------
    ValueError
        The name is no disparity of this kind of tally.
    """
    base, _, kind = name.rpartition("_")
    if kind == "difference" and isinstance(tally, ErrorTally) and base in ERROR_SCORES:
        return mean_disparity(means(tally, base), base, level=level, min_size=min_size)
    compared = NAMED.get(base, (base,))
    if not isinstance(tally, ClassTally) or not set(compared) <= set(RATES):
        raise ValueError(f"{name!r} is no disparity of a {type(tally).__name__}")
    parts = [rates(tally, metric, positive=positive, favourable=favourable) for metric in compared]
    if kind == "difference":
        return joint_disparity(parts, "difference", level=level, min_size=min_size)
    if kind == "ratio":
        return joint_disparity(parts, "ratio", level=level, min_size=min_size)
    raise ValueError(f"{name!r} is neither a difference nor a ratio")


def mean_disparity(given: Means, metric: str, *, level: float = 0.95, min_size: float = 1) -> Disparity:
    """Return the largest difference of means between groups, by Welch's t for each pair."""
    kept = np.flatnonzero(given.n >= max(min_size, 2))
    stated = _stated("difference", level, "Welch t", [(given.n, kept)])
    if len(kept) < 2:
        return replace(stated, undefined=f"fewer than two groups have {max(min_size, 2):g} rows")
    low, high = _oriented(given.value, kept)
    lower, upper = welch_interval(given, high, low, shared_level(level, stated.comparisons))
    value = given.value[high] - given.value[low]
    pairs = _Pairs(metric, low, high, value, np.maximum(lower, 0), np.maximum(upper, -lower))
    return _extreme([pairs], "difference", stated)


def _undefined(part: Rates, kept: NDArray[np.int64], kind: Kind, min_size: float) -> str | None:
    if len(kept) < 2:
        return f"fewer than two groups have {max(min_size, 1):g} rows that {part.metric} divides by"
    if kind == "ratio" and not part.numerator[kept].any():
        return f"{part.metric} is 0 in every group, and 0/0 is undefined"
    return None


def _oriented(values: NDArray[np.float64], kept: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all pairs of the kept groups, the lower value first; equal values stay in the order of groups."""
    pairs = np.array(list(combinations(kept.tolist(), 2)), dtype=np.int64).reshape(-1, 2)
    turned = values[pairs[:, 0]] > values[pairs[:, 1]]
    return np.where(turned, pairs[:, 1], pairs[:, 0]), np.where(turned, pairs[:, 0], pairs[:, 1])


def _rate_pairs(part: Rates, kept: NDArray[np.int64], kind: Kind, level: float) -> _Pairs:
    k, n, value = part.numerator, part.denominator, part.value
    low, high = _oriented(value, kept)
    if kind == "difference":
        lower, upper = difference_interval(k[high], n[high], k[low], n[low], level)
        return _Pairs(part.metric, low, high, value[high] - value[low], np.maximum(lower, 0), np.maximum(upper, -lower))
    lower, upper = ratio_interval(k[low], n[low], k[high], n[high], level)
    # Whichever of the two is truly lower, the smaller of θ and 1/θ is what counts.
    lower = np.minimum(lower, 1 / upper)
    ratio = np.divide(value[low], value[high], out=np.full(len(low), np.nan), where=value[high] > 0)
    return _Pairs(part.metric, low, high, ratio, lower, np.minimum(upper, 1))


def _extreme(compared: Sequence[_Pairs], kind: Kind, stated: Disparity) -> Disparity:
    """Return what was `stated` with the extremes over all comparisons filled in."""
    metric = np.concatenate([np.full(len(part.low), index) for index, part in enumerate(compared)])
    low = np.concatenate([part.low for part in compared])
    high = np.concatenate([part.high for part in compared])

    def extreme(column: str) -> tuple[float, tuple[int, int], str]:
        joined = np.concatenate([getattr(part, column) for part in compared])
        at = int(np.nanargmax(joined) if kind == "difference" else np.nanargmin(joined))
        return float(joined[at]), (int(low[at]), int(high[at])), compared[metric[at]].metric

    value, pair, name = extreme("value")
    lower, pair_of_lower, name_of_lower = extreme("lower")
    upper, pair_of_upper, name_of_upper = extreme("upper")
    return replace(
        stated,
        value=value,
        interval=(lower, upper),
        pair=pair,
        pair_of_lower=pair_of_lower,
        pair_of_upper=pair_of_upper,
        metric=name,
        metric_of_lower=name_of_lower,
        metric_of_upper=name_of_upper,
    )
