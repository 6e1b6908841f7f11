"""Intervals of the areas under ROC and precision–recall curves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nbdeploy.stats.binomial import clopper_pearson, normal_quantile
from nbdeploy.stats.ranking import Ranked

Limits = tuple[float, float]

FEW = 5.0
"""Misranked rows under which a variance estimated from them is not to be relied on alone."""


def newcombe_auc(value: float, negatives: float, positives: float, level: float = 0.95) -> Limits:
    """Return the limits of a ROC area, Newcombe (2006), Statistics in Medicine 25:559–573, method 5.

    Solves |θ̂ − θ| = z·√V(θ) with Hanley and McNeil's (1982) variance at θ, where both m − 1 and n − 1 are replaced by
    (m + n)/2 − 1: V(θ) = θ(1 − θ)·[1 + ((m + n)/2 − 1)·((1 − θ)/(2 − θ) + θ/(1 + θ))]/(m·n). Of positive width for
    θ̂ = 0 and 1 too.
    """
    z2 = normal_quantile(level) ** 2
    half = (negatives + positives) / 2 - 1

    def apart(supposed: float) -> float:
        spread = (1 - supposed) / (2 - supposed) + supposed / (1 + supposed)
        variance = supposed * (1 - supposed) * (1 + half * spread) / (negatives * positives)
        return (value - supposed) ** 2 - z2 * variance

    return _crossing(apart, 0.0, value), _crossing(apart, 1.0, value)


def _crossing(apart: Callable[[float], float], outside: float, inside: float) -> float:
    """Return where `apart` changes sign between a point outside the interval and the estimate inside it."""
    if outside == inside:
        return outside
    for _ in range(60):
        middle = (outside + inside) / 2
        if apart(middle) > 0:
            outside = middle
        else:
            inside = middle
    return (outside + inside) / 2


def logit_limits(value: float, variance: float, level: float) -> Limits:
    """Return value ± z·SE on the logit scale (delta method), which keeps the limits inside 0 and 1."""
    half = normal_quantile(level) * np.sqrt(variance) / (value * (1 - value))
    odds = np.log(value / (1 - value))
    return float(1 / (1 + np.exp(half - odds))), float(1 / (1 + np.exp(-half - odds)))


def auc_interval(area: Ranked, level: float = 0.95) -> tuple[Limits, str]:
    """Return the limits of a ROC area and the name of the method.

    DeLong's variance holds for scores of any shape, but is too small where hardly any row is ranked wrongly; Newcombe's
    holds there, but not where the spread of scores differs much between the classes. Under `FEW` wrongly ranked rows of
    the rarer class the wider of both is given (coverage simulated in tests/benchmarks/coverage.py).
    """
    if not (0 < area.value < 1 and area.variance > 0):
        return newcombe_auc(area.value, area.negatives, area.positives, level), "Newcombe 2006, method 5"
    limits = logit_limits(area.value, area.variance, level)
    if min(area.negatives, area.positives) * min(area.value, 1 - area.value) >= FEW:
        return limits, "DeLong, logit"
    other = newcombe_auc(area.value, area.negatives, area.positives, level)
    return _wider(limits, other), "wider of DeLong, logit, and Newcombe 2006, method 5"


def average_precision_interval(area: Ranked, level: float = 0.95) -> tuple[Limits, str]:
    """Return the limits of an average precision and the name of the method.

    The logit interval that Boyd, Eng and Page (2013) recommend, with the infinitesimal jackknife's variance; its lower
    limit is that of the value less its bias. Near 0 or 1 the wider of it and the exact interval of a share of the
    positives (Clopper and Pearson 1934).
    """
    low, high = clopper_pearson(area.value * area.positives, area.positives, level)
    other = (float(low), float(high))
    if not (0 < area.value < 1 and area.variance > 0):
        return other, "Clopper–Pearson on the positives"
    less = area.value - area.bias
    lowest = logit_limits(less, area.variance, level)[0] if less > 0 else 0.0
    limits = lowest, logit_limits(area.value, area.variance, level)[1]
    if area.positives * min(area.value, 1 - area.value) >= FEW:
        return limits, "infinitesimal jackknife, logit, bias allowed for"
    return _wider(limits, other), "wider of infinitesimal jackknife, logit, and Clopper–Pearson on the positives"


def _wider(first: Limits, second: Limits) -> Limits:
    return min(first[0], second[0]), max(first[1], second[1])
