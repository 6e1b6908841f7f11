"""Means of groups and the t intervals of their differences, from the moments of a regression's errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.division import divide
from nbdeploy.stats.tally import ErrorTally

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Means:
    """An average in every group with the variance of its estimate; each of shape (groups,)."""

    value: Values
    variance: Values
    n: Values


def means(tally: ErrorTally, metric: str) -> Means:
    """Return one of ``mean_error``, ``mean_absolute_error``, ``root_mean_squared_error``, ``r2`` with its variance.

    The last two are smooth functions of means; their variance is the delta method's (Efron 1982, chapter 6): with e the
    error and y the centred truth, RMSE has influence (e² − MSE)/(2·RMSE), and R² has
    −(e² − MSE)/V + MSE·(y² − V)/V², where V is the mean of y².
    """
    n, error, size, squared, fourth = tally.errors.T
    freedom = np.where(n > 1, n - 1, np.nan)
    if metric in ("mean_error", "mean_absolute_error"):
        value = divide(error if metric == "mean_error" else size, n)
        return Means(value, np.maximum(divide(squared, n) - value**2, 0) / freedom, n)
    mse = divide(squared, n)
    of_mse = np.maximum(divide(fourth, n) - mse**2, 0)
    if metric == "root_mean_squared_error":
        return Means(np.sqrt(mse), divide(of_mse, 4 * mse) / freedom, n)
    if metric != "r2":
        raise ValueError(f"{metric!r} is not a mean of errors")
    v = divide(tally.spread[:, 2, 0], n)
    of_v = np.maximum(divide(tally.spread[:, 4, 0], n) - v**2, 0)
    together = divide(tally.spread[:, 2, 1], n) - mse * v
    variance = divide(of_mse, v**2) + divide(mse**2 * of_v, v**4) - 2 * divide(mse * together, v**3)
    return Means(1 - divide(mse, v), np.maximum(variance, 0) / freedom, n)


def t_quantile(level: float, freedom: Values) -> Values:
    """Return t with P(|T| ≤ t) = level, by degrees of freedom."""
    from scipy.special import stdtrit

    return np.asarray(-stdtrit(freedom, (1 - level) / 2), dtype=np.float64)


def welch_interval(
    given: Means, first: NDArray[np.int64], second: NDArray[np.int64], level: float
) -> tuple[Values, Values]:
    """Return the limits of mean[first] − mean[second], Welch's (1947) degrees of freedom, element by element."""
    a, b = given.variance[first], given.variance[second]
    both = a + b
    freedom = divide(both**2, a**2 / (given.n[first] - 1) + b**2 / (given.n[second] - 1))
    half = np.where(both > 0, t_quantile(level, np.where(np.isnan(freedom), 1, freedom)) * np.sqrt(both), 0)
    apart = given.value[first] - given.value[second]
    return apart - half, apart + half
