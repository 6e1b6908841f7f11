"""How many rows would decide a gate, and how wide an interval n rows can give."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log
from statistics import NormalDist

from nbdeploy.stats.binomial import clopper_pearson, normal_quantile, shared_level

Limits = tuple[float, float]

LARGEST_FACTOR = 10_000.0
"""Beyond so many times the rows at hand no number is given: nobody will collect them."""

PRECISION = 1.01
"""The factor found is at most 1 % too large: each further step costs an interval, and advice rounds more coarsely."""


POWER = 0.8
"""Share of samples that the rows told of decide. Without it they decide every second one: whose value is by chance on
the better side of what it is now."""


def planning_level(level: float, comparisons: int = 1) -> float:
    """Return the level at which an interval must decide now, so that one of `level` decides a share `POWER` of samples.

    With z + Φ⁻¹(power) in place of z standard errors between value and bound (Cohen 1988).

    Parameters
    ----------
    comparisons
        Between which Bonferroni shares either level.
    """
    normal = NormalDist()
    z = normal_quantile(shared_level(level, comparisons))
    return 1 - max(comparisons, 1) * 2 * normal.cdf(-z - normal.inv_cdf(POWER))


def decided(interval: Limits, region: Limits) -> bool:
    """Whether the interval lies wholly inside the region or wholly outside."""
    low, high = interval
    return (region[0] <= low and high <= region[1]) or high < region[0] or low > region[1]


def deciding_factor(interval_at: Callable[[float], Limits | None], region: Limits) -> float | None:
    """Return the smallest factor of rows, at the same shares, at which the interval decides.

    Parameters
    ----------
    interval_at
        Gives the interval for `factor` times the rows, from a scaled tally; for a disparity the minimum size grows with
        them, so that the same groups are compared.
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
    while high / low > PRECISION:
        middle = exp((log(low) + log(high)) / 2)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high if high <= LARGEST_FACTOR else None


def rate_half_width(n: float, share: float = 0.5, level: float = 0.95) -> float:
    """Return half the width of the exact interval of a rate on n rows; widest for a share of one half."""
    low, high = clopper_pearson(share * n, n, level)
    return float(high - low) / 2
