"""Metrics of the scores that several classes are given: each class against the rest, averaged over classes.

A macro average gives each class the same weight and is undefined where a class has no row; a weighted one gives each
class the share of its rows. Names are scikit-learn's where it has one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.division import divide
from nbdeploy.stats.ranking import average_precision, roc_auc
from nbdeploy.stats.tally import ProbabilityTally

Values = NDArray[np.float64]

AREAS = {
    "roc_auc_ovr": "macro",
    "roc_auc_ovr_weighted": "weighted",
    "average_precision_macro": "macro",
    "average_precision_weighted": "weighted",
}
"""Averages of areas under curves of each class against the rest, and how they are averaged."""

PROBABILITY_SCORES = (
    *AREAS,
    "brier_score",
    "log_loss",
    "expected_calibration_error",
    "classwise_calibration_error",
)
"""Numbers from a `ProbabilityTally`."""


def probability_score(tally: ProbabilityTally, metric: str) -> Values:
    """Return one of `PROBABILITY_SCORES` in every group, NaN where it is undefined.

    Notes
    -----
    The Brier score is the sum over classes (Brier 1950), from 0 to 2, as in scikit-learn for three classes and more.
    The calibration error compares the greatest probability with how often its class is right (Guo et al. 2017); the
    classwise one is the mean over classes of the error of each class's probability (Nixon et al. 2019). Both have ten
    equal-width bins.
    """
    if metric in AREAS:
        return np.array([_average(tally, index, metric) for index in range(len(tally.groups))])
    if metric in ("brier_score", "log_loss"):
        total = tally.losses[:, {"brier_score": 0, "log_loss": 2}[metric]]
        return divide(np.where(np.isinf(total), np.nan, total), tally.sizes)
    known = ~np.isinf(tally.losses[:, 0])
    if metric == "expected_calibration_error":
        gaps = _gaps(tally.top.sum(axis=1))
    else:
        gaps = np.mean([_gaps(one.bins) for one in tally.each], axis=0)
    return divide(np.where(known, gaps, np.nan), tally.sizes)


def area_of(metric: str, negatives: NDArray[Any], positives: NDArray[Any]) -> float:
    """Return the area of one class against the rest that a metric of `AREAS` averages."""
    return (roc_auc if metric.startswith("roc_auc") else average_precision)(negatives, positives)


def class_weights(tally: ProbabilityTally, index: int, metric: str) -> Values:
    """Return what each class counts in a metric of `AREAS`; they sum to 1, but are NaN for a group without rows."""
    labelled = tally.labelled[index]
    if AREAS[metric] == "weighted":
        return divide(labelled, labelled.sum())
    return np.full(len(labelled), 1 / len(labelled))


def lacking(tally: ProbabilityTally, metric: str) -> str:
    """Say why a metric is undefined for all rows of the tally, which has some."""
    if metric not in AREAS:
        return f"{metric} needs scores between 0 and 1 that sum to 1 over the classes"
    counts = tally.labelled.sum(axis=0)
    if (counts == tally.rows).any():
        return f"{metric} needs rows of more than one class"
    absent = [repr(name) for name, count in zip(tally.classes, counts, strict=True) if not count]
    more = f" and {len(absent) - 5} more classes" if len(absent) > 5 else ""
    return f"{metric} needs rows of every class, and no row is of {', '.join(absent[:5])}{more}"


def _average(tally: ProbabilityTally, index: int, metric: str) -> float:
    weights = class_weights(tally, index, metric)
    areas = np.array([area_of(metric, *one.entries(index)[1:]) for one in tally.each])
    return float((areas * weights)[weights != 0].sum())


def _gaps(bins: Values) -> Values:
    """Return Σ |positives − sum of scores| over the bins of each group; `bins` has shape (groups, bins, 3)."""
    return np.asarray(np.abs(bins[:, :, 1] - bins[:, :, 2]).sum(axis=1))
