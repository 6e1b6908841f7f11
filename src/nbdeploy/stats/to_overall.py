"""Disparities of each group from all rows, as fairlearn's ``method="to_overall"``, with intervals.

A group is a part of all rows, so the two are not independent. With w the group's share of the denominators and q the
rate of everybody else, the rate of all is w·p + (1 − w)·q; hence p − all = (1 − w)·(p − q), and p ÷ all =
1 ÷ (w + (1 − w)·q/p), which rises with p/q. Both follow from the two independent proportions p and q, whose limits (see
`pair_intervals`) are carried over at the given w.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.disparity_names import Kind
from nbdeploy.stats.division import divide
from nbdeploy.stats.extremes import Disparity, Pairs, extreme, stated
from nbdeploy.stats.pair_intervals import METHOD, Samples, difference_interval, ratio_interval
from nbdeploy.stats.rates import Rates, Values

ALL = -1
"""Stands for all rows in the pairs of a disparity."""


def overall_disparity(parts: Sequence[Rates], kind: Kind, *, level: float = 0.95, min_size: float = 1) -> Disparity:
    """Return the largest difference (or smallest ratio) between a group and all rows.

    Parameters
    ----------
    parts
        The rates that are compared.
    min_size
        Groups whose denominator is smaller are not held against all; their rows are part of all.

    Returns
    -------
    Disparity
        `pair` is (group, `ALL`); for a ratio over 1 its inverse counts, as in fairlearn.
    """
    eligible = [np.flatnonzero((part.denominator >= max(min_size, 1)) & _others(part)) for part in parts]
    comparisons = sum(map(len, eligible))
    each = [(part.denominator, kept) for part, kept in zip(parts, eligible, strict=True)]
    about = stated(kind, level, f"{METHOD} against everybody else", each, comparisons=comparisons, unit="group")
    if not comparisons:
        return about.undefined_because(f"no group has {max(min_size, 1):g} rows that {parts[0].metric} divides by")
    if kind == "ratio" and not any(part.numerator.any() for part in parts):
        return about.undefined_because(f"{parts[0].metric} is 0 in every group, and 0/0 is undefined")
    shared = about.shared_level
    compared = [_against_all(part, kept, kind, shared) for part, kept in zip(parts, eligible, strict=True)]
    return extreme([one for one in compared if len(one.low)], kind, about)


def _others(part: Rates) -> NDArray[np.bool_]:
    """Return whether there is anybody else."""
    return np.asarray(part.denominator.sum() - part.denominator > 0)


def _against_all(part: Rates, kept: NDArray[np.int64], kind: Kind, level: float) -> Pairs:
    k, n = part.numerator[kept], part.denominator[kept]
    total_k, total_n = part.numerator.sum(), part.denominator.sum()
    share, own = n / total_n, np.arange(len(kept))
    rest = np.concatenate([k, total_k - k]), np.concatenate([n, total_n - n])
    pairs = Samples.of(*rest, own, own + len(kept), level)
    low_index, high_index = kept, np.full(len(kept), ALL)
    if kind == "difference":
        lower, upper = difference_interval(pairs)
        lower, upper = (1 - share) * lower, (1 - share) * upper
        value = np.abs(k * total_n - total_k * n) / (n * total_n)
        least = np.where((lower <= 0) & (upper >= 0), 0, np.minimum(np.abs(lower), np.abs(upper)))
        return Pairs(part.metric, low_index, high_index, value, least, np.maximum(np.abs(lower), np.abs(upper)))
    lower, upper = ratio_interval(pairs)
    lower, upper = _of_all(lower, share), _of_all(upper, share)
    ratio = divide(k * total_n, n * total_k)
    turned = ratio > 1
    value = np.where(turned, divide(np.ones_like(ratio), ratio), ratio)
    least = np.minimum(lower, divide(np.ones_like(upper), upper))
    # The most that the smaller of θ and 1/θ can be: 1 where the interval holds equality.
    inside = np.where(upper < 1, upper, divide(np.ones_like(lower), lower))
    most = np.where((lower <= 1) & (upper >= 1), 1.0, inside)
    return Pairs(part.metric, low_index, high_index, value, least, most)


def _of_all(ratio: Values, share: Values) -> Values:
    """Return p ÷ all from p ÷ q."""
    inverse = np.divide(1.0, ratio, out=np.full_like(ratio, np.inf), where=ratio > 0)
    return np.asarray(1 / (share + (1 - share) * inverse))
