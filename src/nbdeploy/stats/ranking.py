"""How well scores rank: the ROC and precision–recall areas, with the influence of each row on them.

All functions take one group's entries: negatives and positives at each distinct score, scores rising.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """An area with the variance of its estimate; NaN where undefined. `bias` is how much too high it is on average."""

    value: float
    variance: float
    negatives: float
    positives: float
    bias: float = 0.0


def roc_auc(negatives: NDArray[Any], positives: NDArray[Any]) -> float:
    """Return the area under the ROC curve, ties counting one half; NaN without both classes."""
    return delong(negatives, positives).value


def delong(negatives: NDArray[Any], positives: NDArray[Any]) -> Ranked:
    """Return the area under the ROC curve with the variance of DeLong, DeLong and Clarke-Pearson (1988).

    From the compressed table the placements of all rows take one cumulated sum instead of all pairs. The variance is
    NaN where a class has fewer than two rows.
    """
    neg, pos = np.asarray(negatives, dtype=np.float64), np.asarray(positives, dtype=np.float64)
    n, p = float(neg.sum()), float(pos.sum())
    if not n or not p:
        return Ranked(np.nan, np.nan, n, p)
    below = (np.cumsum(neg) - neg / 2) / n  # share of negatives under a positive with this score
    above = (p - np.cumsum(pos) + pos / 2) / p
    auc = float((pos * below).sum() / p)
    if n < 2 or p < 2:
        return Ranked(auc, np.nan, n, p)
    of_positives = float((pos * (below - auc) ** 2).sum() / (p - 1))
    of_negatives = float((neg * (above - auc) ** 2).sum() / (n - 1))
    return Ranked(auc, of_positives / p + of_negatives / n, n, p)


def average_precision(negatives: NDArray[Any], positives: NDArray[Any]) -> float:
    """Return Σ (recall gained)·precision over the distinct scores, as ``sklearn.metrics.average_precision_score``."""
    return average_precision_with_variance(negatives, positives).value


def average_precision_with_variance(negatives: NDArray[Any], positives: NDArray[Any]) -> Ranked:
    """Return the average precision with its infinitesimal-jackknife variance (Efron 1982, chapter 6): the sum of the
    squares of `average_precision_influence` over rows.

    Its bias is what every positive adds by being counted among the positives at its own threshold, T ↦ T/(T + F) by
    one row: Σ_j (p_j/P)·F_j/(T_j + F_j)². In simulations (tests/benchmarks/metric_coverage.py) that is what there is.
    """
    neg, pos = np.asarray(negatives, dtype=np.float64), np.asarray(positives, dtype=np.float64)
    value, of_negatives, of_positives = average_precision_influence(neg, pos)
    variance = float((neg * of_negatives**2).sum() + (pos * of_positives**2).sum())
    hits, called = np.cumsum(pos[::-1]), np.cumsum((pos + neg)[::-1])
    own = np.divide(called - hits, called**2, out=np.zeros_like(called), where=called > 0)
    p = float(pos.sum())
    return Ranked(value, variance, float(neg.sum()), p, float((pos[::-1] * own).sum() / p) if p else np.nan)


def average_precision_influence(negatives: Values, positives: Values) -> tuple[float, Values, Values]:
    """Return the average precision, and how much a negative and a positive with each score move it.

    With AP = Σ_j (p_j/P)·T_j/(T_j + F_j), scores falling and T, F cumulated, the derivative by the weight of a row at
    score k is (precision_k + Σ_{j≥k} p_j·F_j/(T_j + F_j)² − AP)/P for a positive and −Σ_{j≥k} p_j·T_j/(T_j + F_j)²/P
    for a negative. All are NaN without a positive.
    """
    neg, pos = negatives[::-1], positives[::-1]
    p = float(pos.sum())
    if not p:
        nothing = np.full(len(neg), np.nan)
        return np.nan, nothing, nothing
    hits, called = np.cumsum(pos), np.cumsum(pos + neg)
    called = np.where(called > 0, called, 1)
    precision = hits / called
    value = float((pos * precision).sum() / p)
    gained = np.cumsum((pos * (called - hits) / called**2)[::-1])[::-1]
    lost = np.cumsum((pos * hits / called**2)[::-1])[::-1]
    return value, (-lost / p)[::-1], ((precision + gained - value) / p)[::-1]
