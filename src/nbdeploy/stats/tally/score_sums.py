"""What losses and calibration need of scores, added up group by group."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 10
"""Equal-width bins of the reliability curve, cut as scikit-learn's ``calibration_curve`` does: (a, b]."""


def score_sums(
    group: NDArray[np.int64], score: NDArray[np.float64], sides: NDArray[np.float64], groups: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sums of some rows.

    Parameters
    ----------
    sides
        How many negatives and positives each row stands for, one of them 0; shape (rows, 2).

    Returns
    -------
    losses, bins
        As in `ScoreTally`.
    """
    count, positive = sides.sum(axis=1), sides[:, 1] > 0

    def total(values: NDArray[np.float64], at: NDArray[np.int64], length: int) -> NDArray[np.float64]:
        return np.bincount(at, weights=values * count, minlength=length).astype(np.float64)

    squared, logarithmic = losses(score, positive)
    columns = (squared, squared**2, logarithmic, logarithmic**2)
    at_bin = group * BINS + np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], score)
    in_bins = (np.ones(len(score)), positive.astype(float), score)
    return (
        np.stack([total(values, group, groups) for values in columns], axis=-1),
        np.stack([total(values, at_bin, groups * BINS).reshape(groups, BINS) for values in in_bins], axis=-1),
    )


def losses(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return squared error and log loss of each row, infinite where a score is no probability.

    Scores are kept off 0 and 1 by the machine epsilon, as ``sklearn.metrics.log_loss`` does.
    """
    probability = (score >= 0) & (score <= 1)
    given = np.where(positive, score, 1 - score)
    epsilon = np.finfo(np.float64).eps
    logarithmic = -np.log(np.clip(given, epsilon, 1 - epsilon))
    return np.where(probability, (1 - given) ** 2, np.inf), np.where(probability, logarithmic, np.inf)
