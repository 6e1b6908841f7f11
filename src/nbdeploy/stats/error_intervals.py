"""Intervals of the sizes of errors that are no plain means, and of quantiles of the error."""

from __future__ import annotations

from math import inf

import numpy as np

from nbdeploy.stats.binomial import normal_quantile
from nbdeploy.stats.tally import ErrorTally
from nbdeploy.stats.tally.errors import GRID_BITS

Limits = tuple[float, float]


def rmse_interval(value: float, variance: float, n: float, level: float = 0.95) -> Limits | None:
    """Return the limits of a root mean squared error, after Bonett (2006), Comput. Stat. Data Anal. 50:775–782.

    His interval of a standard deviation under non-normality, with the error's known centre 0 in place of the mean and
    t for z: √(c·MSE)·exp(±t·s/2) with c = n/(n − z) and s = c·√((γ − (n − 3)/n)/(n − 1)), γ the kurtosis Σe⁴·n/(Σe²)².
    Few rows of heavy-tailed errors hardly show how far the squares reach: of Student's with 6 degrees of freedom, 7 to
    8 % of the 95 % limits from 50 to 200 rows miss, nearly all too low (tests/benchmarks/metric_coverage.py).
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


def quantile_interval(tally: ErrorTally, index: int, share: float, level: float = 0.95) -> tuple[Limits | None, str]:
    """Return distribution-free limits of a group's quantile and their method: order statistics with binomial ranks.

    They hold for any distribution (Conover 1999, Practical Nonparametric Statistics, section 3.2). A limit that no row
    can give is infinite. Where the tally has rounded its errors, the limits are its outer bounds.
    """
    n = round(float(tally.sizes[index]))
    if n == 0:
        return None, ""
    first, last = order_ranks(n, share, level)
    # A share of half a rank less than r/n is still the r-th row, and no rounding makes it the next.
    _, low, high = tally.quantiles(index, [(max(first, 1) - 0.5) / n, (min(last, n) - 0.5) / n])
    limits = (float(low[0]) if first >= 1 else -inf, float(high[1]) if last <= n else inf)
    rounded = "" if tally.exact else f"; errors rounded by at most {2.0**-GRID_BITS:.1%} of themselves"
    return limits, f"order statistics, binomial ranks{rounded}"


def order_ranks(n: int, share: float, level: float) -> tuple[int, int]:
    """Return the ranks, from 1, of the order statistics that hold a quantile; 0 or n + 1 where none does."""
    from scipy.special import bdtr, bdtrik

    def rank(tail: float) -> int:
        """Return the smallest k with P(K ≤ k) ≥ tail for the number K of rows under the quantile."""
        at = max(int(np.ceil(np.nan_to_num(bdtrik(tail, n, share)))), 0)
        return at - 1 if at and bdtr(at - 1, n, share) >= tail else at

    return rank((1 - level) / 2), rank((1 + level) / 2) + 1
