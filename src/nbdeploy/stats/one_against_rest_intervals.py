"""Intervals of what is averaged over classes: the classes' own, joined by how much they move together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.area_intervals import auc_interval, average_precision_interval
from nbdeploy.stats.one_against_rest import AREAS, class_weights
from nbdeploy.stats.ranking import Ranked, average_precision_influence, average_precision_with_variance, delong
from nbdeploy.stats.score_intervals import LOSS_METHOD, calibration_interval, mean_loss_interval
from nbdeploy.stats.tally import ProbabilityTally, ScoreTally
from nbdeploy.stats.tally.entries import on_grid
from nbdeploy.stats.tally.scores import GRID_BITS
from nbdeploy.stats.tally.witnesses import Witnesses

Values = NDArray[np.float64]
Limits = tuple[float, float]


def probability_interval(
    tally: ProbabilityTally, index: int, metric: str, level: float = 0.95
) -> tuple[Limits | None, str]:
    """Return the limits of one of `PROBABILITY_SCORES` in a group where it is defined, and the name of the method."""
    if metric in AREAS:
        return _averaged_area(tally, index, metric, level), "MOVER over the classes’ intervals"
    if metric == "expected_calibration_error":
        return calibration_interval(tally.top[index].sum(axis=0), level), "binned gaps, bias allowed for"
    if metric == "classwise_calibration_error":
        # However the classes' errors go together, the mean of their standard errors is at least that of the mean.
        ends = np.mean([calibration_interval(one.bins[index], level) for one in tally.each], axis=0)
        return (float(ends[0]), float(ends[1])), "mean of the classes’ limits"
    first = {"brier_score": 0, "log_loss": 2}[metric]
    total, squares = tally.losses[index, first : first + 2]
    otherwise = _loss_otherwise(tally.witnesses.of(index))[first // 2]
    return mean_loss_interval(float(tally.sizes[index]), total, squares, otherwise, level), LOSS_METHOD


def _loss_otherwise(rows: Witnesses) -> Limits:
    """Return the mean squared error and log loss of the rows kept if each had another class, the mean over those."""
    count, (size, classes) = rows.counts / rows.counts.sum(), rows.scores.shape
    wrong = np.ones((size, classes), bool)
    wrong[np.arange(size), rows.label] = False
    others = max(classes - 1, 1)
    squared = (rows.scores**2).sum(axis=1, keepdims=True) + 1 - 2 * rows.scores
    logarithmic = -np.log(np.clip(rows.scores, np.finfo(np.float64).eps, 1))
    of_squared, of_logarithmic = (
        float((count * (loss * wrong).sum(axis=1)).sum() / others) for loss in (squared, logarithmic)
    )
    return of_squared, of_logarithmic


def _averaged_area(tally: ProbabilityTally, index: int, metric: str, level: float) -> Limits:
    """Return the limits of an average of areas.

    MOVER for a sum of dependent estimates (Zou and Donner 2008, Statistics in Medicine 27:1693–1702; Zou 2008): with
    the limits l_c, u_c of each class and the correlations r of the classes' estimates, the lower limit is
    Σ w_c·θ_c − √(Σ_cd w_c·w_d·r_cd·(θ_c − l_c)·(θ_d − l_d)), the upper one likewise. The bias of an average precision
    is the same way in all classes, so it is added up by itself.
    """
    weights = class_weights(tally, index, metric)
    some = np.flatnonzero(weights)
    weights = weights[some]
    ranked = [_ranked(metric, tally.each[at], index) for at in some]
    interval = auc_interval if metric.startswith("roc_auc") else average_precision_interval
    low, high = np.array([interval(one, level)[0] for one in ranked]).T
    area = np.array([one.value for one in ranked])
    bias = np.minimum(np.array([one.bias for one in ranked]), area - low)
    together = _correlation(tally, index, metric, some)
    down, up = weights * (area - bias - low), weights * (high - area)
    value = float((weights * area).sum())
    lower = value - float((weights * bias).sum()) - np.sqrt(max(float(down @ together @ down), 0))
    upper = value + np.sqrt(max(float(up @ together @ up), 0))
    return float(max(lower, 0)), float(min(upper, 1))


def _ranked(metric: str, tally: ScoreTally, index: int) -> Ranked:
    counts = tally.entries(index)[1:]
    return (delong if metric.startswith("roc_auc") else average_precision_with_variance)(*counts)


def _correlation(tally: ProbabilityTally, index: int, metric: str, classes: NDArray[np.intp]) -> Values:
    """Return how the areas of some classes move together: the correlation of the influence that rows have on them.

    From the rows that the tally kept: all, while few are distinct. Where an area has no influence that varies, as that
    of perfectly ranked rows, it counts as moving with all others: the widest interval.
    """
    rows = tally.witnesses.of(index)
    moved = np.column_stack(
        [_influence(metric, tally.each[at], index, rows.scores[:, at], rows.label == at) for at in classes]
    )
    products = (moved * rows.counts[:, None]).T @ moved
    spread = np.sqrt(np.diagonal(products))
    both = np.outer(spread, spread)
    return np.asarray(np.divide(products, both, out=np.ones_like(products), where=both > 0))


def _influence(metric: str, tally: ScoreTally, index: int, scores: Values, positive: NDArray[np.bool_]) -> Values:
    """Return how much each row moves the area of one class."""
    levels, negatives, positives = tally.entries(index)
    of_negatives, of_positives = (
        _area_influence(negatives, positives)
        if metric.startswith("roc_auc")
        else average_precision_influence(np.asarray(negatives, float), np.asarray(positives, float))[1:]
    )
    at = np.searchsorted(levels, scores if tally.exact else on_grid(scores, GRID_BITS, unit=True))
    return np.where(positive, of_positives[at], of_negatives[at])


def _area_influence(negatives: NDArray[np.float64], positives: NDArray[np.float64]) -> tuple[Values, Values]:
    """Return how much a negative and a positive with each score move the area under the ROC curve.

    The structural components of DeLong, DeLong and Clarke-Pearson (1988), less the area, over the rows of the class.
    """
    neg, pos = np.asarray(negatives, float), np.asarray(positives, float)
    n, p = float(neg.sum()), float(pos.sum())
    below = (np.cumsum(neg) - neg / 2) / n
    above = (p - np.cumsum(pos) + pos / 2) / p
    area = float((pos * below).sum() / p)
    return (above - area) / n, (below - area) / p
