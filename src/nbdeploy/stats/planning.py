"""How many rows would decide a gate, and how wide an interval n rows can give."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, exp, log

from nbdeploy.documents.record import Scalar
from nbdeploy.stats.area_intervals import newcombe_auc
from nbdeploy.stats.binomial import wilson
from nbdeploy.stats.disparity import group_disparity
from nbdeploy.stats.intervals import estimates
from nbdeploy.stats.metrics import Tally
from nbdeploy.stats.tally import ClassTally, ErrorTally

Limits = tuple[float, float]

LARGEST_FACTOR = 10_000.0
"""Beyond so many times the rows at hand no number is given: nobody will collect them."""


def decided(interval: Limits, region: Limits) -> bool:
    """Whether the interval lies wholly inside the region or wholly outside."""
    low, high = interval
    return (region[0] <= low and high <= region[1]) or high < region[0] or low > region[1]


def deciding_factor(interval_at: Callable[[float], Limits | None], region: Limits) -> float | None:
    """Return the smallest factor of rows, at the same shares, at which the interval decides.

    Parameters
    ----------
    interval_at
        Gives the interval for `factor` times the rows.
    region
        Closed range that satisfies the gate.

    Returns
    -------
    float or None
        1 where it is decided already; None where 10,000 times the rows would not decide, as when the estimate stands
        on the bound.
    """

    def enough(factor: float) -> bool:
        interval = interval_at(factor)
        return interval is not None and decided(interval, region)

    if enough(1.0):
        return 1.0
    low, high = 1.0, 2.0
    while not enough(high):
        low, high = high, high * 2
        if low >= LARGEST_FACTOR:
            return None
    while high / low > 1.001:
        middle = exp((log(low) + log(high)) / 2)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high if high <= LARGEST_FACTOR else None


def rows_for_metric(
    tally: Tally,
    metric: str,
    region: Limits,
    level: float = 0.95,
    seed: int = 0,
    *,
    positive: Scalar = 1,
    favourable: Scalar | None = None,
    group: int | None = None,
) -> int | None:
    """Return how many rows in all would decide a metric, if its value and every group's share stayed as they are.

    Parameters
    ----------
    group
        Index of the group whose value is judged; all rows together unless given.
    """
    counted = tally.select(()) if group is None else tally
    index = 0 if group is None else group

    def interval_at(factor: float) -> Limits | None:
        found = estimates(counted.scaled(factor), metric, level, seed, positive=positive, favourable=favourable)
        return found[index].interval

    return _rows(deciding_factor(interval_at, region), tally.rows)


def rows_for_disparity(
    tally: ClassTally | ErrorTally,
    name: str,
    region: Limits,
    level: float = 0.95,
    min_size: float = 1,
    *,
    positive: Scalar = 1,
    favourable: Scalar | None = None,
) -> int | None:
    """Return how many rows in all would decide a disparity, if every group kept its share and its rates.

    The minimum size grows with the rows, so that the same groups are compared.
    """

    def interval_at(factor: float) -> Limits | None:
        found = group_disparity(
            tally.scaled(factor),
            name,
            level=level,
            min_size=min_size * factor,
            positive=positive,
            favourable=favourable,
        )
        return found.interval

    return _rows(deciding_factor(interval_at, region), tally.rows)


def _rows(factor: float | None, rows: int) -> int | None:
    return None if factor is None else ceil(factor * rows)


def rate_half_width(n: float, share: float = 0.5, level: float = 0.95) -> float:
    """Return half the width of Wilson's interval of a rate on n rows; widest for a share of one half."""
    low, high = wilson(share * n, n, level)
    return float(high - low) / 2


def auc_half_width(negatives: float, positives: float, area: float = 0.75, level: float = 0.95) -> float:
    """Return half the width of the interval of a ROC area on so many rows of each class."""
    low, high = newcombe_auc(area, negatives, positives, level)
    return (high - low) / 2
