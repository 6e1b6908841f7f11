"""What losses and calibration need of the probabilities of several classes, added up group by group."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nbdeploy.documents.record import Scalar
from nbdeploy.errors import DataError
from nbdeploy.stats.tally.coding import Coder
from nbdeploy.stats.tally.levels import plain
from nbdeploy.stats.tally.score_sums import BINS

_SUM_TO_ONE = 1e-3
"""How far a row's probabilities may be from 1 in sum: those that were computed in 32 bits are off by rounding."""


def class_codes(column: pa.Array, label: str, classes: tuple[Scalar, ...]) -> NDArray[np.int64]:
    """Return the place of each row's class.

    Raises
    ------
    DataError
        A row is of a class that has no score.
    """
    coder = Coder(label, None)
    for known in classes:
        coder.code(known)
    numbered = coder.numbered(column)
    codes = numbered.codes(numbered.numbers)
    strange = [level for level in coder.levels if plain(level) not in classes]
    if strange:
        raise DataError(f"column {label!r} holds {strange[0]!r}, a class that has no score")
    return codes


def probability_sums(
    group: NDArray[np.int64], truth: NDArray[np.int64], scores: NDArray[np.float64], groups: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return `losses` and `top` of some rows, as in `ProbabilityTally`.

    The probability of the true class is kept off 0 and 1 by the machine epsilon, as ``sklearn.metrics.log_loss`` does.
    """
    rows, classes = scores.shape
    inside = ((scores >= 0) & (scores <= 1)).all(axis=1) & (np.abs(scores.sum(axis=1) - 1) <= _SUM_TO_ONE)
    given = scores[np.arange(rows), truth]
    squared = (scores**2).sum(axis=1) - given**2 + (1 - given) ** 2
    epsilon = np.finfo(np.float64).eps
    logarithmic = -np.log(np.clip(given, epsilon, 1 - epsilon))
    losses = [np.where(inside, part, np.inf) for part in (squared, squared**2, logarithmic, logarithmic**2)]
    said = scores.argmax(axis=1)
    greatest = scores[np.arange(rows), said]
    place = (group * classes + said) * BINS + np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], greatest)
    in_bins = [
        np.bincount(place, weights, groups * classes * BINS) for weights in (None, (said == truth) * 1.0, greatest)
    ]
    return (
        np.stack([np.bincount(group, part, groups) for part in losses], axis=-1),
        np.stack(in_bins, axis=-1).reshape(groups, classes, BINS, 3).astype(np.float64),
    )
