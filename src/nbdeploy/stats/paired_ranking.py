"""How much better one model ranks than another on the same rows: areas under ROC and precision–recall curves."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.mean_differences import t_quantile
from nbdeploy.stats.paired import Gain, skewed_mean
from nbdeploy.stats.ranking import average_precision, average_precision_influence

Values = NDArray[np.float64]


def auc_gain(positive: NDArray[np.bool_], score: Values, before: Values, level: float = 0.95) -> Gain:
    """Return the difference of two areas under the ROC curve on the same rows.

    Its variance is that of the differences of the placements, which is DeLong, DeLong and Clarke-Pearson's (1988) with
    its covariance; t for z with Welch's degrees of freedom, since positives may be few. Of a class with one row nothing
    is known: the limits are −1 and 1. Where no row changes its place, so that there is no variance, the limits are
    ±(q₊ + q₋): with probability `level` at most shares q₊ of positives and q₋ of negatives would, and each of those
    moves an area by no more than its share.

    Parameters
    ----------
    positive
        Shape (rows,), at least one row of each class.
    score, before
        Scores of the first and of the second model; shape (rows,).
    """
    of_positives = _placements(score, positive) - _placements(before, positive)
    of_negatives = _placements(before, ~positive) - _placements(score, ~positive)
    p, n = len(of_positives), len(of_negatives)
    value = float(of_positives.mean())
    if not (np.any(of_positives) or np.any(of_negatives)):
        most = sum(_unseen_share(rows, level) for rows in (p, n))
        return Gain(0.0, (-min(most, 1.0), min(most, 1.0)), p + n, "no row is placed otherwise: exact binomial bound")
    if min(p, n) < 2:
        return Gain(value, (-1.0, 1.0), p + n, _ONE_ROW)
    half = _welch_half(of_positives.var(ddof=1) / p, p, of_negatives.var(ddof=1) / n, n, level)
    return Gain(value, (max(value - half, -1.0), min(value + half, 1.0)), p + n, "DeLong, paired, Welch t")


_ONE_ROW = "one row of a class tells no spread"


def _welch_half(first: float, p: float, second: float, n: float, level: float) -> float:
    """Return t·√(first + second) for two variances of means of p and n rows, after Welch (1947)."""
    freedom = (first + second) ** 2 / (first**2 / (p - 1) + second**2 / (n - 1))
    return float(t_quantile(level, np.asarray(freedom))) * sqrt(first + second)


def _placements(score: Values, mine: NDArray[np.bool_]) -> Values:
    """Return, for each of my rows, the share of the others with a lower score, ties counting one half."""
    others = np.sort(score[~mine])
    below, upto = (np.searchsorted(others, score[mine], side=side) for side in ("left", "right"))
    return np.asarray((below + upto) / (2 * len(others)), dtype=np.float64)


def average_precision_gain(positive: NDArray[np.bool_], score: Values, before: Values, level: float = 0.95) -> Gain:
    """Return the difference of two average precisions on the same rows.

    Its variance is the infinitesimal jackknife's: of the differences of what each row adds to either value. The limits
    are widened to hold those with Welch's t, for positives may be few; of a class with one row nothing is known. Where
    no row changes its place, the limits are ± the most that the value could move if as many rows of each class as one
    would hardly miss (see `auc_gain`) went to the other end of the ranking.

    Parameters
    ----------
    positive
        Shape (rows,), at least one positive row.
    score, before
        Scores of the first and of the second model; shape (rows,).
    """
    now, then = (_precision_added(given, positive) for given in (score, before))
    n, value = len(positive), now[0] - then[0]
    added = now[1] - then[1]
    if not np.any(np.abs(added) > 1e-12 / n):
        most = _most_moved(score, positive, level)
        return Gain(0.0, (-most, most), n, "no row is placed otherwise: exact binomial bound")
    p = int(positive.sum())
    if min(p, n - p) < 2:
        return Gain(value, (-1.0, 1.0), n, _ONE_ROW)
    interval, _, method = skewed_mean(value + n * added, level)
    spread = (float((added[side] ** 2).sum()) * of / (of - 1) for side, of in ((positive, p), (~positive, n - p)))
    half = _welch_half(next(spread), p, next(spread), n - p, level)
    low, high = (value, value) if interval is None else interval
    held = max(min(low, value - half), -1.0), min(max(high, value + half), 1.0)
    return Gain(value, held, n, f"infinitesimal jackknife, paired, {method or 't'}, Welch t")


def _precision_added(score: Values, positive: NDArray[np.bool_]) -> tuple[float, Values]:
    """Return the average precision, and how much each row moves it."""
    at, neg, pos = _counted(score, positive)
    value, of_negatives, of_positives = average_precision_influence(neg, pos)
    return value, np.where(positive, of_positives[at], of_negatives[at])


def _counted(score: Values, positive: NDArray[np.bool_]) -> tuple[NDArray[np.intp], Values, Values]:
    """Return the place of each row among the distinct scores, and the negatives and positives at each."""
    distinct, at = np.unique(score, return_inverse=True)
    neg, pos = (np.bincount(at[rows], minlength=len(distinct)).astype(np.float64) for rows in (~positive, positive))
    return at, neg, pos


def _most_moved(score: Values, positive: NDArray[np.bool_], level: float) -> float:
    """Return how far an average precision moves when rows that could have been missed change ends."""
    _, neg, pos = _counted(score, positive)
    missed = [rows.sum() * _unseen_share(float(rows.sum()), level) if rows.any() else 0.0 for rows in (neg, pos)]
    value = average_precision(neg, pos)
    # The worst: negatives from the bottom to the top, positives from the top to the bottom; the best is the reverse.
    worst = average_precision(_moved_up(neg, missed[0]), _moved_up(pos[::-1], missed[1])[::-1])
    best = average_precision(_moved_up(neg[::-1], missed[0])[::-1], _moved_up(pos, missed[1]))
    return float(min(max(value - worst, best - value), 1.0))


def _moved_up(rows: Values, amount: float) -> Values:
    """Return counts, and places for nobody at both ends, with so many rows taken from the low end to the high one."""
    taken = np.diff(np.minimum(np.concatenate(([0.0], np.cumsum(rows))), amount))
    return np.concatenate(([0.0], rows - taken, [amount]))


def _unseen_share(rows: float, level: float) -> float:
    """Return the largest share of a class that would leave so many of its rows untouched with the level's tail."""
    return float(1 - ((1 - level) / 2) ** (1 / rows))
