"""The interval of a difference from the intervals of its two sides: MOVER, the method of variance estimates recovery.

Zou and Donner (2008), Statistics in Medicine 27:1693–1702, equation 7, for two independent estimates. Each side's
distance from its estimate to its limit stands for its variance near that limit, so that lopsided intervals stay so.
"""

from __future__ import annotations

from math import hypot, inf

Limits = tuple[float | None, float | None]


def difference_interval(
    first: float, first_limits: Limits, second: float, second_limits: Limits
) -> tuple[float, float]:
    """Return the limits of ``first − second``, at the level of both intervals.

    A limit of None is one that does not exist; what follows from it is infinite.
    """
    low, high = _open(first_limits)
    other_low, other_high = _open(second_limits)
    estimate = first - second
    return estimate - hypot(first - low, other_high - second), estimate + hypot(high - first, second - other_low)


def _open(limits: Limits) -> tuple[float, float]:
    low, high = limits
    return -inf if low is None else low, inf if high is None else high
