"""Points of the curves that a card draws, from a score tally: at most 200 a curve, as lists that JSON can hold.

A curve is of all rows of the tally; select a group's rows by building the tally from them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.binomial import clopper_pearson
from nbdeploy.stats.division import divide
from nbdeploy.stats.tally import ScoreTally

Values = NDArray[np.float64]
Points = dict[str, list[float | None]]

POINTS = 200


def roc_curve(tally: ScoreTally) -> Points:
    """Return ``false_positive_rate``, ``true_positive_rate`` and ``threshold``, thresholds falling; empty without both
    classes. The first point calls nobody positive and has no threshold.
    """
    score, called_wrongly, called_rightly = _cumulated(tally)
    if not called_wrongly[-1] or not called_rightly[-1]:
        return {"false_positive_rate": [], "true_positive_rate": [], "threshold": []}
    fpr, tpr = called_wrongly / called_wrongly[-1], called_rightly / called_rightly[-1]
    kept = _spread(fpr + tpr)
    return _points(false_positive_rate=fpr[kept], true_positive_rate=tpr[kept], threshold=score[kept])


def pr_curve(tally: ScoreTally) -> Points:
    """Return ``recall``, ``precision`` and ``threshold``, thresholds falling; empty without a positive row."""
    score, called_wrongly, called_rightly = _cumulated(tally)
    if not called_rightly[-1]:
        return {"recall": [], "precision": [], "threshold": []}
    recall = called_rightly / called_rightly[-1]
    precision = divide(called_rightly, called_rightly + called_wrongly)
    kept = _spread(recall + (called_rightly + called_wrongly) / (called_rightly[-1] + called_wrongly[-1]))
    kept = kept[kept > 0]  # nobody is called positive at the first point, so its precision is 0/0
    return _points(recall=recall[kept], precision=precision[kept], threshold=score[kept])


def threshold_curve(tally: ScoreTally) -> Points:
    """Return what follows when scores at or above each ``threshold`` are positive decisions: ``precision``, ``recall``,
    ``specificity``, ``selection_rate`` and ``accuracy``.
    """
    score, wrong, right = _cumulated(tally)
    negatives, positives = wrong[-1], right[-1]
    kept = _spread((wrong + right) / max(negatives + positives, 1))
    kept = kept[kept > 0]
    wrong, right = wrong[kept], right[kept]
    return _points(
        threshold=score[kept],
        precision=divide(right, right + wrong),
        recall=divide(right, positives),
        specificity=divide(negatives - wrong, negatives),
        selection_rate=divide(right + wrong, negatives + positives),
        accuracy=divide(right + negatives - wrong, negatives + positives),
    )


def reliability(tally: ScoreTally, level: float = 0.95) -> Points:
    """Return, for each bin that has rows, ``n``, ``mean_score``, ``share`` of positives and its exact limits."""
    return reliability_of_bins(tally.bins.sum(axis=0), level)


def reliability_of_bins(bins: Values, level: float = 0.95) -> Points:
    """Return what `reliability` does of rows, positives and sum of scores per bin; shape (bins, 3)."""
    rows, positives, scores = np.moveaxis(bins, -1, 0)
    some = rows > 0
    rows, positives, scores = rows[some], positives[some], scores[some]
    low, high = clopper_pearson(positives, rows, level)
    return _points(n=rows, mean_score=scores / rows, share=positives / rows, lower=low, upper=high)


def histogram(tally: ScoreTally, bins: int = 20) -> Points:
    """Return ``lower`` and ``upper`` ends of equal bins with the ``negatives`` and ``positives`` in each.

    From 0 to 1 where all scores lie there, else from the smallest to the largest score.
    """
    if not len(tally.score):
        return {"lower": [], "upper": [], "negatives": [], "positives": []}
    low, high = float(tally.score.min()), float(tally.score.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    counted = [np.histogram(tally.score, bins, (low, high), weights=tally.counts[:, side])[0] for side in (0, 1)]
    edges = np.linspace(low, high, bins + 1)
    return _points(lower=edges[:-1], upper=edges[1:], negatives=counted[0], positives=counted[1])


def _cumulated(tally: ScoreTally) -> tuple[Values, Values, Values]:
    """Return falling thresholds with the negatives and positives at or above each; first a threshold above all."""
    whole = tally.select(())
    score, negatives, positives = (np.asarray(part, dtype=np.float64)[::-1] for part in whole.entries(0))
    start = np.zeros(1)
    return (
        np.concatenate(([np.nan], score)),
        np.concatenate((start, np.cumsum(negatives))),
        np.concatenate((start, np.cumsum(positives))),
    )


def _spread(along: Values) -> NDArray[np.int64]:
    """Return indices of at most `POINTS` points, evenly spaced along a rising length, both ends among them."""
    if len(along) <= POINTS:
        return np.arange(len(along))
    wanted = np.searchsorted(along, np.linspace(along[0], along[-1], POINTS))
    return np.unique(np.concatenate((wanted[:-1], [len(along) - 1])))


def _points(**columns: NDArray[Any]) -> Points:
    return {name: [None if np.isnan(x) else x for x in column.tolist()] for name, column in columns.items()}
