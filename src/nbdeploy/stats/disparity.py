"""Disparities between groups: the extreme over all pairs, with limits that hold for all pairs together.

A disparity is the largest difference (or smallest ratio) over pairs of groups. A bootstrap of an extreme is biased, so
each pair has its own interval instead (see `pair_intervals`; Welch's t for means), at a level that Bonferroni shares
between all comparisons. If every interval holds, then so does the one built from them: for differences [largest lower
limit, largest upper limit], for ratios [smallest lower limit, smallest upper limit]. Hence the whole interval violates
a bound exactly when some named pair does, and satisfies it exactly when every pair does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbdeploy.documents.record import Scalar
from nbdeploy.stats.conditional import conditional_disparity, strata_of
from nbdeploy.stats.disparity_names import Kind, disparity_name
from nbdeploy.stats.extremes import Disparity, Pairs, extreme, oriented, rate_pairs, stated
from nbdeploy.stats.mean_differences import Means, means, welch_interval
from nbdeploy.stats.pair_intervals import METHOD
from nbdeploy.stats.rates import Rates, rates
from nbdeploy.stats.tally import ClassTally, ErrorTally
from nbdeploy.stats.to_overall import overall_disparity


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
    sizes = [(part.denominator, kept) for part, kept in each]
    about = stated(kind, level, METHOD, sizes, comparisons=sum(pairs_of(kept) for _, kept in sizes))
    why = next((reason for part, kept in each if (reason := _undefined(part, kept, kind, min_size))), None)
    if why:
        return about.undefined_because(why)
    return extreme([rate_pairs(part, [kept], kind, about.shared_level) for part, kept in each], kind, about)


def group_disparity(
    tally: ClassTally | ErrorTally,
    name: str,
    *,
    level: float = 0.95,
    min_size: float = 1,
    positive: Scalar = 1,
    favourable: Scalar | None = None,
    control: Sequence[str] = (),
) -> Disparity:
    """Return a disparity by its catalogue name: ``demographic_parity_ratio``, ``precision_difference`` and so on.

    Parameters
    ----------
    control
        Features of the tally within whose levels a conditional disparity compares the groups of the others.

    Raises
    ------
    ValueError
        The name is no disparity of this kind of tally.
    """
    asked = disparity_name(name)
    if asked is not None and asked.of_errors and isinstance(tally, ErrorTally):
        metric = asked.compared[0]
        return mean_disparity(means(tally, metric), metric, level=level, min_size=min_size)
    if asked is None or asked.of_errors or not isinstance(tally, ClassTally):
        raise ValueError(f"{name!r} is no disparity of a {type(tally).__name__}")
    parts = [rates(tally, metric, positive=positive, favourable=favourable) for metric in asked.compared]
    if asked.conditional:
        strata = strata_of(tally, control)
        return conditional_disparity(parts, strata, asked.kind, level=level, min_size=min_size)
    if asked.to_overall:
        return overall_disparity(parts, asked.kind, level=level, min_size=min_size)
    return joint_disparity(parts, asked.kind, level=level, min_size=min_size)


def mean_disparity(given: Means, metric: str, *, level: float = 0.95, min_size: float = 1) -> Disparity:
    """Return the largest difference of means between groups, by Welch's t for each pair.

    Of lognormal errors RMSE's misses 13 % with groups of 50 and 150 rows and 7 % with four times as many; all others,
    and of normal errors all, 4 to 8 %. See `error_intervals` on rare large errors.
    """
    kept = np.flatnonzero(given.n >= max(min_size, 2))
    about = stated("difference", level, "Welch t", [(given.n, kept)], comparisons=pairs_of(kept))
    if len(kept) < 2:
        return about.undefined_because(f"fewer than two groups have {max(min_size, 2):g} rows")
    low, high = oriented(given.value, kept)
    lower, upper = welch_interval(given, high, low, about.shared_level)
    value = given.value[high] - given.value[low]
    pairs = Pairs(metric, low, high, value, np.maximum(lower, 0), np.maximum(upper, -lower))
    return extreme([pairs], "difference", about)


def pairs_of(kept: NDArray[np.int64]) -> int:
    """Return the number of pairs of the kept groups."""
    return len(kept) * (len(kept) - 1) // 2


def _undefined(part: Rates, kept: NDArray[np.int64], kind: Kind, min_size: float) -> str | None:
    if len(kept) < 2:
        return f"fewer than two groups have {max(min_size, 1):g} rows that {part.metric} divides by"
    if kind == "ratio" and not part.numerator[kept].any():
        return f"{part.metric} is 0 in every group, and 0/0 is undefined"
    return None
