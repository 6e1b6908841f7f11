"""Proportions of counted rows, named as in fairlearn and scikit-learn. 0/0 is undefined: NaN, never 0 and never 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.record import Scalar
from nbdeploy.stats.division import divide
from nbdeploy.stats.tally import ClassTally

Values = NDArray[np.float64]

RATES = (
    "selection_rate",
    "favourable_rate",
    "true_positive_rate",
    "false_positive_rate",
    "true_negative_rate",
    "false_negative_rate",
    "recall",
    "specificity",
    "precision",
    "accuracy",
)


@dataclass(frozen=True)
class Rates:
    """A proportion in every group: numerator, denominator and their quotient, each of shape (groups,)."""

    metric: str
    numerator: Values
    denominator: Values

    @property
    def value(self) -> Values:
        """Numerator ÷ denominator, NaN for 0/0."""
        return divide(self.numerator, self.denominator)


@dataclass(frozen=True)
class Confusion:
    """True and false positives and negatives in every group, one class against the rest; each of shape (groups,)."""

    tp: Values
    fp: Values
    fn: Values
    tn: Values


def confusion(tally: ClassTally, positive: Scalar = 1) -> Confusion:
    """Return the two-by-two counts of one class against the rest. A class that no row has counts zero."""
    counts = tally.counts.astype(np.float64)
    total = counts.sum(axis=(1, 2))
    if positive not in tally.classes:
        zero = np.zeros_like(total)
        return Confusion(zero, zero, zero, total)
    at = tally.classes.index(positive)
    tp = counts[:, at, at]
    fn = counts[:, at].sum(axis=1) - tp
    fp = counts[:, :, at].sum(axis=1) - tp
    return Confusion(tp, fp, fn, total - tp - fp - fn)


def rates(tally: ClassTally, metric: str, *, positive: Scalar = 1, favourable: Scalar | None = None) -> Rates:
    """Return a proportion in every group.

    Parameters
    ----------
    metric
        One of `RATES`. All are of the positive class, as fairlearn's, but ``favourable_rate``, which is the share of
        rows that are given the favourable outcome.
    favourable
        The outcome that is good for the person; the positive class unless given.
    """
    if metric == "favourable_rate":
        given = confusion(tally, positive if favourable is None else favourable)
        return Rates(metric, given.tp + given.fp, _rows(tally))
    if metric == "accuracy":
        return Rates(metric, np.trace(tally.counts, axis1=1, axis2=2).astype(np.float64), _rows(tally))
    c = confusion(tally, positive)
    table = {
        "selection_rate": (c.tp + c.fp, _rows(tally)),
        "true_positive_rate": (c.tp, c.tp + c.fn),
        "recall": (c.tp, c.tp + c.fn),
        "false_negative_rate": (c.fn, c.tp + c.fn),
        "false_positive_rate": (c.fp, c.fp + c.tn),
        "true_negative_rate": (c.tn, c.fp + c.tn),
        "specificity": (c.tn, c.fp + c.tn),
        "precision": (c.tp, c.tp + c.fp),
    }
    if metric not in table:
        raise ValueError(f"{metric!r} is not a rate")
    return Rates(metric, *table[metric])


def _rows(tally: ClassTally) -> Values:
    return tally.sizes.astype(np.float64)
