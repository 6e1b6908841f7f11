"""The rows at hand as two versions answered them, and the gains of one over the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.paired import Gain, mean_gain, rate_gain, rmse_gain
from nbdeploy.stats.paired_ranking import auc_gain, average_precision_gain
from nbdeploy.stats.ranking import average_precision, roc_auc
from nbdeploy.stats.tally.levels import plain
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

Values = NDArray[np.float64]
OF_DECISIONS = ("accuracy", "recall", "specificity")
OF_SCORES = ("roc_auc", "average_precision", "brier_score", "log_loss")
OF_ERRORS = ("mean_absolute_error", "root_mean_squared_error")


@dataclass(frozen=True)
class PairedRows:
    """What is true of each row, and what this model and the one before say of it; arrays of shape (rows,).

    Attributes
    ----------
    truth, now, before
        Codes of classes, alike in all three; numbers in a regression.
    positive
        Code of the positive class; None where there is none.
    score, score_before
        Of a binary task where both versions give them.
    """

    truth: NDArray[Any]
    now: NDArray[Any]
    before: NDArray[Any]
    positive: int | None = None
    score: Values | None = None
    score_before: Values | None = None

    @staticmethod
    def of(context: Context, previous: pd.DataFrame) -> PairedRows:
        """Return the rows at hand of a context, with the answers of the version before."""
        said = context.predictions
        if context.objective.task == "regression":
            truth, now = (said[name].to_numpy(dtype=float) for name in ("label", "predicted"))
            return PairedRows(truth, now, previous["predicted"].to_numpy(dtype=float))
        levels: dict[Any, int] = {}
        columns = (said["label"], said["predicted"], previous["predicted"])
        truth, now, before = (_coded(column, levels) for column in columns)
        binary = context.objective.task == "binary"
        rows = PairedRows(truth, now, before, levels.get(context.objective.positive_class) if binary else None)
        if binary and "score" in said and "score" in previous:
            scores = (frame["score"].to_numpy(dtype=float) for frame in (said, previous))
            rows = replace(rows, score=next(scores), score_before=next(scores))
        return rows

    def take(self, chosen: NDArray[Any]) -> PairedRows:
        """Return some of the rows."""
        scores = [None if score is None else score[chosen] for score in (self.score, self.score_before)]
        return PairedRows(self.truth[chosen], self.now[chosen], self.before[chosen], self.positive, *scores)

    @property
    def discordant(self) -> tuple[int, int]:
        """Rows that only this model has right, and that only the version before has."""
        right, before = self.now == self.truth, self.before == self.truth
        return int((right & ~before).sum()), int((~right & before).sum())


@dataclass(frozen=True)
class Compared:
    """One metric of both versions with the gain; values are None where it is undefined, and `undefined` says why."""

    metric: str
    now: float | None
    before: float | None
    gain: Gain | None
    undefined: str | None = None

    @property
    def words(self) -> str:
        """Whether this version is better, worse, or not clearly either."""
        if self.gain is None:
            return "undefined"
        if self.gain.interval is None:
            return "the same" if self.gain.value == 0 else "no clear difference"
        low, high = self.gain.interval
        return "better" if low > 0 else "worse" if high < 0 else "no clear difference"


def compare(rows: PairedRows, metric: str, level: float) -> Compared:
    """Compare two versions by one metric of `OF_DECISIONS`, `OF_SCORES` or `OF_ERRORS`."""
    if metric in OF_ERRORS:
        return _of_errors(rows, metric, level)
    if metric in OF_SCORES:
        return _of_scores(rows, metric, level)
    positive = rows.truth == rows.positive
    part = rows if metric == "accuracy" else rows.take(positive if metric == "recall" else ~positive)
    n = len(part.truth)
    if not n:
        return Compared(metric, None, None, None, f"no row that {metric} divides by: 0/0 is undefined")
    right = [float((said == part.truth).mean()) for said in (part.now, part.before)]
    return Compared(metric, right[0], right[1], rate_gain(*part.discordant, n, level))


def _of_scores(rows: PairedRows, metric: str, level: float) -> Compared:
    if rows.score is None or rows.score_before is None:
        raise ValueError(f"{metric} needs scores of both versions")
    positive, both = rows.truth == rows.positive, (rows.score, rows.score_before)
    if metric in ("roc_auc", "average_precision"):
        return _of_ranking(metric, positive, *both, level)
    if any(score.min() < 0 or score.max() > 1 for score in both):
        return Compared(metric, None, None, None, f"{metric} needs scores between 0 and 1")
    losses = [_loss(score, positive, metric) for score in both]
    return Compared(metric, float(losses[0].mean()), float(losses[1].mean()), mean_gain(losses[1], losses[0], level))


def _of_ranking(metric: str, positive: NDArray[np.bool_], score: Values, before: Values, level: float) -> Compared:
    if metric == "roc_auc" and (positive.all() or not positive.any()):
        return Compared(metric, None, None, None, "roc_auc needs rows of both classes")
    if not positive.any():
        return Compared(metric, None, None, None, "average_precision needs a positive row")
    area, gain = (roc_auc, auc_gain) if metric == "roc_auc" else (average_precision, average_precision_gain)
    areas = [area(*_counted(given, positive)) for given in (score, before)]
    return Compared(metric, areas[0], areas[1], gain(positive, score, before, level))


def _counted(score: Values, positive: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the negatives and the positives at each distinct score."""
    at = np.unique(score, return_inverse=True)[1]
    negatives, positives = (np.bincount(at[rows], minlength=int(at.max()) + 1) for rows in (~positive, positive))
    return negatives, positives


def _loss(score: Values, positive: NDArray[np.bool_], metric: str) -> Values:
    """Return the loss of each row, kept off infinity as ``sklearn.metrics.log_loss`` does."""
    given = np.where(positive, score, 1 - score)
    if metric == "brier_score":
        return np.asarray((1 - given) ** 2)
    epsilon = np.finfo(np.float64).eps
    return np.asarray(-np.log(np.clip(given, epsilon, 1 - epsilon)))


def _of_errors(rows: PairedRows, metric: str, level: float) -> Compared:
    now, before = rows.now - rows.truth, rows.before - rows.truth
    if metric == "mean_absolute_error":
        sizes = np.abs(now), np.abs(before)
        return Compared(metric, float(sizes[0].mean()), float(sizes[1].mean()), mean_gain(sizes[1], sizes[0], level))
    roots = [float(np.sqrt((errors**2).mean())) for errors in (now, before)]
    return Compared(metric, roots[0], roots[1], rmse_gain(before, now, level))


def _coded(column: pd.Series, levels: dict[Any, int]) -> NDArray[np.int64]:
    """Return a column as codes of plain values, 1 and 1.0 alike; new values are added to `levels`."""
    import pandas as pd

    codes, found = pd.factorize(column)
    return np.array([levels.setdefault(plain(value), len(levels)) for value in found], dtype=np.int64)[codes]
