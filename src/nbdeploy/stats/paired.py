"""Two models on the same rows: differences with intervals that know that the rows are the same.

Every gain is written so that above 0 the first model is the better one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.binomial import normal_quantile
from nbdeploy.stats.mean_differences import t_quantile

Values = NDArray[np.float64]
Limits = tuple[float, float]

_HALVINGS = 60  # of an interval of length at most 2: below what a float tells apart


@dataclass(frozen=True)
class Gain:
    """A gain with its interval, and how many rows it rests on. `interval` is None with fewer than two rows."""

    value: float
    interval: Limits | None
    n: int
    method: str


def rate_gain(gained: int, lost: int, n: int, level: float = 0.95) -> Gain:
    """Return (gained − lost)/n, the difference of two proportions of the same rows, with Tango's score limits.

    Parameters
    ----------
    gained, lost
        Rows that only the first model has right, and that only the second has.
    n
        All rows, at least 1.
    """
    return Gain((gained - lost) / n, tango_interval(gained, lost, n, level), n, "Tango score, paired")


def tango_interval(gained: int, lost: int, n: int, level: float = 0.95) -> Limits:
    """Return the limits of (gained − lost)/n after Tango (1998), Statistics in Medicine 17:891–908.

    Those differences d at which the score test would just reject: |gained − lost − n·d| = z·√(n·(2·q + d·(1 − d))),
    where q is the most likely share of lost rows under d, the larger root of
    2n·q² − (gained + lost − (2n − gained + lost)·d)·q − lost·d·(1 − d) = 0. Of positive width when no row differs.
    """
    z = normal_quantile(level)
    observed = (gained - lost) / n

    def distance(d: float) -> float:
        linear = (2 * n - gained + lost) * d - gained - lost
        share = (sqrt(max(linear**2 + 8 * n * lost * d * (1 - d), 0.0)) - linear) / (4 * n)
        variance = n * max(2 * share + d * (1 - d), 0.0)
        apart = gained - lost - n * d
        return 0.0 if apart == 0 else (apart / sqrt(variance) if variance > 0 else np.copysign(np.inf, apart))

    return _where(lambda d: distance(d) > z, -1.0, observed), _where(lambda d: distance(d) >= -z, observed, 1.0)


def _where(left: Callable[[float], bool], low: float, high: float) -> float:
    """Return where a falling condition ends to hold."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if left(middle) else (low, middle)
    return (low + high) / 2


def mcnemar(gained: int, lost: int) -> float:
    """Return the exact two-sided p-value of McNemar's (1947) test: is a row as likely to be gained as to be lost?"""
    from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def mean_gain(before: Values, now: Values, level: float = 0.95) -> Gain:
    """Return how much smaller the mean of a loss has become on the same rows; both of shape (rows,)."""
    gains = before - now
    interval, n, method = skewed_mean(gains, level)
    return Gain(float(gains.mean()), interval, n, f"paired, {method}")


def rmse_gain(before: Values, now: Values, level: float = 0.95) -> Gain:
    """Return how much smaller the root mean squared error has become on the same rows.

    Parameters
    ----------
    before, now
        Errors of the second and of the first model; shape (rows,). A row's influence on each root is
        (e² − MSE)/(2·RMSE), the delta method.
    """
    influence = np.zeros(len(now))
    value = 0.0
    for sign, errors in ((1, before), (-1, now)):
        squared = errors**2
        root = sqrt(float(squared.mean()))
        value += sign * root
        if root:
            influence += sign * (squared - root**2) / (2 * root)
    interval, n, method = skewed_mean(influence + value, level)
    return Gain(value, interval, n, f"paired, {method}, delta method")


def skewed_mean(values: Values, level: float = 0.95) -> tuple[Limits | None, int, str]:
    """Return the limits of a mean of values that may be skewed, the number of values, and the method.

    Student's, widened to hold Hall's (1992, J. R. Statist. Soc. B 54:221–228): with skewness γ he takes the studentised
    mean x = T/√n to g(x) = x + γx²/3 + γ²x³/27 + γ/(6n), which is nearly symmetric, and the limits back through
    g⁻¹(x) = 3/γ·((1 + γ(x − γ/(6n)))^⅓ − 1). His alone miss too often where both tails are heavy and γ is mostly noise,
    Student's where one is. None for fewer than two values, or where they are all the same.
    """
    n = len(values)
    mean = float(values.mean()) if n else 0.0
    spread = float(values.std(ddof=1)) if n > 1 else 0.0
    if not spread > 1e-12 * abs(mean):
        return None, n, ""
    half = float(t_quantile(level, np.asarray(n - 1.0))) / sqrt(n)
    skewness = float(((values - mean) ** 3).mean()) / spread**3
    if abs(skewness) < 1e-6:
        return (mean - half * spread, mean + half * spread), n, "t"
    ends = np.array([half, -half]) - skewness / (6 * n)
    low, high = mean - spread * 3 / skewness * (np.cbrt(1 + skewness * ends) - 1)
    limits = (min(float(low), mean - half * spread), max(float(high), mean + half * spread))
    return limits, n, "wider of t and Hall 1992"
