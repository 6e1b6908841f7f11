"""One difference or ratio of two groups over all strata, each stratum with its weight (Mantel and Haenszel 1959)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nbdeploy.stats.binomial import normal_quantile
from nbdeploy.stats.division import divide

Limits = tuple[float, float]


@dataclass(frozen=True)
class Pooled:
    """A pooled comparison of the first with the second group; None where undefined.

    Parameters
    ----------
    difference, difference_interval
        First rate minus second, with the variance of Sato, Greenland and Robins (1989), which holds for many thin
        strata and for few thick ones.
    ratio, ratio_interval
        First rate ÷ second, with the variance of Greenland and Robins (1985); no interval where a group has none.
    strata
        Strata in which both groups have rows.
    """

    difference: float | None
    difference_interval: Limits | None
    ratio: float | None
    ratio_interval: Limits | None
    strata: int


def mantel_haenszel(k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike, level: float = 0.95) -> Pooled:
    """Return the pooled comparison of k1/n1 with k2/n2; one entry a stratum.

    Notes
    -----
    With m = n1 + n2 in each stratum, the difference is Σ(k1·n2 − k2·n1)/m ÷ Σ n1·n2/m and the ratio
    Σ k1·n2/m ÷ Σ k2·n1/m. The limits are those of large samples: simulated at 95 % with 3 and 20 strata
    they miss 3 to 6 % with 200 rows a group and more, and up to 10 % with 50 rows and rates under 5 or over 95 %. No
    verdict rests on them.
    """
    a, n, b, m = (np.atleast_1d(np.asarray(part, dtype=np.float64)) for part in (k1, n1, k2, n2))
    both = (n > 0) & (m > 0)
    a, n, b, m = a[both], n[both], b[both], m[both]
    if not len(n):
        return Pooled(None, None, None, None, 0)
    total, z = n + m, normal_quantile(level)
    weight = float((n * m / total).sum())
    difference = float(((a * m - b * n) / total).sum()) / weight
    p = (n**2 * b - m**2 * a + n * m * (m - n) / 2) / total**2
    q = (a * (m - b) + b * (n - a)) / (2 * total)
    half = z * float(np.sqrt(max(difference * float(p.sum()) + float(q.sum()), 0))) / weight
    first, second = float((a * m / total).sum()), float((b * n / total).sum())
    ratio = float(divide(first, second)) if second else None
    interval = None
    if first and second:
        spread = float(((n * m * (a + b) - a * b * total) / total**2).sum()) / (first * second)
        factor = float(np.exp(z * np.sqrt(max(spread, 0))))
        interval = (first / second / factor, first / second * factor)
    limits = (max(difference - half, -1.0), min(difference + half, 1.0))
    return Pooled(difference, limits if half else None, ratio, interval, len(n))
