"""Metrics from tallies, by the names of fairlearn and scikit-learn. 0/0 is undefined: NaN, never 0 and never 1."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.record import Scalar
from nbdeploy.stats.division import divide
from nbdeploy.stats.one_against_rest import PROBABILITY_SCORES, probability_score
from nbdeploy.stats.ranking import average_precision, roc_auc
from nbdeploy.stats.rates import RATES, Values, confusion, rates
from nbdeploy.stats.tally import ClassTally, ErrorTally, ProbabilityTally, ScoreTally

Tally = ClassTally | ScoreTally | ProbabilityTally | ErrorTally

CLASS_SCORES = (
    "f1",
    "balanced_accuracy",
    "matthews_corrcoef",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "precision_weighted",
    "recall_weighted",
    "f1_weighted",
)
"""Other numbers from a `ClassTally`."""

RANKED_SCORES = ("roc_auc", "average_precision", "brier_score", "log_loss", "expected_calibration_error")
"""Numbers from a `ScoreTally`."""

ERROR_SCORES = ("mean_absolute_error", "root_mean_squared_error", "mean_error", "r2")
"""Numbers from an `ErrorTally`."""

ERROR_QUANTILES: Mapping[str, float] = MappingProxyType(
    {f"residual_quantile_{percent:02d}": percent / 100 for percent in (5, 25, 50, 75, 95)}
)
"""Quantiles from an `ErrorTally`, with their shares; of the error as everywhere here, prediction − truth.

A value is the smallest error that at least this share of the rows does not exceed (numpy's ``inverted_cdf``), to within
the rounding of the tally's grid where that has one.
"""


def class_score(counts: NDArray[Any], metric: str) -> Values:
    """Return a number of confusion matrices.

    Parameters
    ----------
    counts
        Shape (…, classes, classes), true × predicted.
    metric
        One of `CLASS_SCORES` but ``f1``, which has a positive class: see `f1`.

    Notes
    -----
    A macro average is over all classes of the tally, a weighted one gives each class the share of its rows. Both are
    undefined where a term that counts is 0/0; scikit-learn puts a 0 there or leaves the class out. Matthews'
    correlation for several classes is Gorodkin's R_K (2004), as in scikit-learn, undefined where all rows have one
    label or one prediction.
    """
    counts = np.asarray(counts, dtype=np.float64)
    hit = np.diagonal(counts, axis1=-2, axis2=-1)
    labelled, called = counts.sum(axis=-1), counts.sum(axis=-2)
    family, _, average = "recall_macro".rpartition("_") if metric == "balanced_accuracy" else metric.rpartition("_")
    if average in ("macro", "weighted"):
        top, bottom = {"precision": (hit, called), "recall": (hit, labelled), "f1": (2 * hit, labelled + called)}[
            family
        ]
        terms = divide(top, bottom)
        if average == "macro":
            return np.asarray(terms.mean(axis=-1))
        return _weighted(terms, labelled)
    if metric != "matthews_corrcoef":
        raise ValueError(f"{metric!r} is not a score of classes")
    n = counts.sum(axis=(-2, -1))
    agree = hit.sum(axis=-1) * n - (labelled * called).sum(axis=-1)
    # Each root by itself: the product of four counts of a hundred million rows would lose digits.
    spread = np.sqrt(n**2 - (called**2).sum(axis=-1)) * np.sqrt(n**2 - (labelled**2).sum(axis=-1))
    return divide(agree, spread)


def _weighted(terms: Values, rows: Values) -> Values:
    """Return the average over the classes that have rows, each counted by its rows."""
    return divide(np.where(rows > 0, terms * rows, 0).sum(axis=-1), rows.sum(axis=-1))


def f1(tally: ClassTally, positive: Scalar = 1) -> Values:
    """Return 2TP ÷ (2TP + FP + FN) in every group."""
    c = confusion(tally, positive)
    return divide(2 * c.tp, 2 * c.tp + c.fp + c.fn)


def expected_calibration_error(tally: ScoreTally) -> Values:
    """Return Σ (n_b/n)·|share of positives − mean score| over ten equal-width bins (Naeini et al. 2015)."""
    rows, positives, scores = np.moveaxis(tally.bins, -1, 0)
    gaps = np.where(np.isinf(tally.losses[:, 0]), np.nan, np.abs(positives - scores).sum(axis=1))
    return divide(gaps, rows.sum(axis=1))


def mean_loss(tally: ScoreTally, metric: str) -> Values:
    """Return ``brier_score`` or ``log_loss`` in every group, NaN where a score is no probability."""
    total = tally.losses[:, {"brier_score": 0, "log_loss": 2}[metric]]
    return divide(np.where(np.isinf(total), np.nan, total), tally.sizes)


def error_score(tally: ErrorTally, metric: str) -> Values:
    """Return one of `ERROR_SCORES`, `ERROR_QUANTILES` in every group; R² is undefined where the truth does not vary."""
    if metric in ERROR_QUANTILES:
        share = ERROR_QUANTILES[metric]
        return np.array([tally.quantiles(index, share)[0][0] for index in range(len(tally.groups))])
    n, error, size, squared = (tally.errors[:, column] for column in range(4))
    if metric == "r2":
        return np.asarray(1 - divide(squared, tally.spread[:, 2, 0]))
    if metric == "root_mean_squared_error":
        return np.asarray(np.sqrt(divide(squared, n)))
    return divide({"mean_absolute_error": size, "mean_error": error}[metric], n)


def values(tally: Tally, metric: str, *, positive: Scalar = 1, favourable: Scalar | None = None) -> Values:
    """Return any metric of the tally in every group, NaN where it is undefined.

    Raises
    ------
    ValueError
        The metric does not follow from this kind of tally.
    """
    if type(tally) not in kinds().get(metric, ()):
        raise ValueError(f"{metric!r} does not follow from a {type(tally).__name__}")
    if isinstance(tally, ClassTally):
        return _of_classes(tally, metric, positive, favourable)
    if isinstance(tally, ErrorTally):
        return error_score(tally, metric)
    if isinstance(tally, ProbabilityTally):
        return probability_score(tally, metric)
    if metric in ("brier_score", "log_loss"):
        return mean_loss(tally, metric)
    if metric == "expected_calibration_error":
        return expected_calibration_error(tally)
    ranked = {"roc_auc": roc_auc, "average_precision": average_precision}[metric]
    return np.array([ranked(*tally.entries(index)[1:]) for index in range(len(tally.groups))])


def _of_classes(tally: ClassTally, metric: str, positive: Scalar, favourable: Scalar | None) -> Values:
    if metric == "count":
        return tally.sizes.astype(np.float64)
    if metric in RATES:
        return rates(tally, metric, positive=positive, favourable=favourable).value
    return f1(tally, positive) if metric == "f1" else class_score(tally.counts, metric)


def kinds() -> Mapping[str, tuple[type[Tally], ...]]:
    """Return every metric with the kinds of tally that it follows from."""
    of: dict[type[Tally], tuple[str, ...]] = {
        ClassTally: ("count", *RATES, *CLASS_SCORES),
        ScoreTally: RANKED_SCORES,
        ProbabilityTally: PROBABILITY_SCORES,
        ErrorTally: (*ERROR_SCORES, *ERROR_QUANTILES),
    }
    known = dict.fromkeys(metric for metrics in of.values() for metric in metrics)
    return {metric: tuple(kind for kind, metrics in of.items() if metric in metrics) for metric in known}
