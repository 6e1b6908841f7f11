"""Intervals of the sizes of errors that are no plain means."""

from __future__ import annotations

import numpy as np

from nbdeploy.stats.binomial import normal_quantile

Limits = tuple[float, float]


def rmse_interval(value: float, variance: float, n: float, level: float = 0.95) -> Limits | None:
    """Return the limits of a root mean squared error, after Bonett (2006), Comput. Stat. Data Anal. 50:775–782.

    His interval of a standard deviation under non-normality, with the error's known centre 0 in place of the mean and
    t for z: √(c·MSE)·exp(±t·s/2) with c = n/(n − z) and s = c·√((γ − (n − 3)/n)/(n − 1)), γ the kurtosis Σe⁴·n/(Σe²)².
    None for a perfect fit or too few rows.

    Parameters
    ----------
    variance
        The delta method's, MSE·(γ − 1)/(4·(n − 1)).
    """
    from scipy.special import stdtrit

    z = normal_quantile(level)
    if not value > 0 or n <= z + 1:
        return None
    c = n / (n - z)
    s = c * np.sqrt(4 * variance / value**2 + 3 / n / (n - 1))
    half = -float(stdtrit(n - 1, (1 - level) / 2)) * s / 2
    middle = value * np.sqrt(c)
    return float(middle * np.exp(-half)), float(middle * np.exp(half))


def r2_interval(value: float, variance: float, n: float, level: float = 0.95) -> Limits | None:
    """Return the limits of R²: t on the log scale of 1 − R², a ratio of variances, with Bonett's factor c as in RMSE.

    None for a perfect fit or too few rows.
    """
    from scipy.special import stdtrit

    z, left = normal_quantile(level), 1 - value
    if not left > 0 or not variance > 0 or n <= z + 1:
        return None
    c = n / (n - z)
    half = -float(stdtrit(n - 1, (1 - level) / 2)) * c * np.sqrt(variance) / left
    return float(1 - c * left * np.exp(half)), float(max(1 - c * left * np.exp(-half), value))
