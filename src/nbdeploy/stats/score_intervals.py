"""Intervals of single numbers that are no proportions: averages of rates, correlation, losses, calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.binomial import clopper_pearson, normal_quantile
from nbdeploy.stats.division import divide
from nbdeploy.stats.metrics import class_score
from nbdeploy.stats.tally.score_sums import losses

Values = NDArray[np.float64]
Limits = tuple[float, float]

RESAMPLES = 2000
LOSS_METHOD = "t on the log scale, rows not seen yet allowed for"
_DRAWN = 1 - 20 / RESAMPLES  # the level of limits that ten draws lie beyond
_BLOCK_CELLS = 1 << 18  # of random numbers held at a time


def mover_mean(hits: Values, totals: Values, level: float = 0.95) -> tuple[Values, Values]:
    """Return the limits of the plain average of independent proportions, along the last axis.

    Recovers the variance of each from its own exact limits (MOVER: Zou and Donner 2008, Statistics in Medicine
    27:1693–1702): L = θ̂ − √Σ(p̂ − l)²/C, U = θ̂ + √Σ(u − p̂)²/C over C proportions. NaN where one is 0/0.
    """
    low, high = clopper_pearson(hits, totals, level)
    each = divide(hits, totals)
    value, size = each.mean(axis=-1), each.shape[-1]
    return (
        np.maximum(value - np.sqrt(((each - low) ** 2).sum(axis=-1)) / size, 0),
        np.minimum(value + np.sqrt(((high - each) ** 2).sum(axis=-1)) / size, 1),
    )


def resampled(counts: NDArray[Any], metric: str, level: float = 0.95, seed: int = 0) -> tuple[Values, Values]:
    """Return the limits of a smooth function of confusion matrices by resampling each of them 2,000 times.

    Shares are drawn from the Dirichlet distribution of the counts with one row more for each true class: for the upper
    limit one that is right, for the lower one that is wrong, in any of the other classes. For one proportion these are
    Clopper and Pearson's limits, Beta(k + 1, n − k) and Beta(k, n − k + 1); as there, a perfect classifier is not
    certain. Every matrix is drawn from the same seed, so that its limits do not depend on which others there are. The
    limits are quantiles, widened to hold the estimate; of levels above `_DRAWN` see `_far`.

    Parameters
    ----------
    counts
        Shape (groups, classes, classes).
    metric
        See `metrics.class_score`.
    """
    value = class_score(counts, metric)
    if counts.shape[1] == 1:  # another class may be there, though no row has it
        counts = np.pad(counts, ((0, 0), (0, 1), (0, 1)))
    groups, size = counts.shape[:2]
    block = max(_BLOCK_CELLS // size**2, 1)
    drawn = np.empty((2, groups, RESAMPLES))
    together = max(block // RESAMPLES, 1)
    right = np.eye(size)
    wrong = (1 - right) / (size - 1)
    for first in range(0, groups, together):
        some = counts[first : first + together]
        random, more = [np.random.default_rng(seed) for _ in some], np.random.default_rng([seed, 1])
        for start in range(0, RESAMPLES, block):
            shape = (min(block, RESAMPLES - start), size, size)
            shares = np.stack([of.standard_gamma(one, shape) for of, one in zip(random, some, strict=True)])
            for side, row in enumerate((wrong, right)):
                found = class_score(shares + more.standard_gamma(row, shape), metric)
                drawn[side, first : first + together, start : start + shape[0]] = found
    low, high = (_far(some, side * level, metric) for some, side in zip(drawn, (-1, 1), strict=True))
    return np.minimum(low, value), np.maximum(high, value)


def _far(drawn: Values, level: float, metric: str) -> Values:
    """Return the limit of draws along the last axis: the upper one of a level, the lower one where that is negative.

    Too few draws lie beyond the limits of levels above `_DRAWN`, which hold together for many groups. Theirs lie as
    much further from the median as a normal distribution's do, on the logit scale, which errs towards too far.
    """
    least = -1.0 if metric == "matthews_corrcoef" else 0.0
    share, side = min(abs(level), _DRAWN), np.sign(level)
    middle, end = np.quantile(drawn, [0.5, (1 + side * share) / 2], axis=-1)
    further = normal_quantile(abs(level)) / normal_quantile(share)
    if further == 1:
        return np.asarray(end)
    middle, end = ((each - least) / (1 - least) for each in (middle, end))
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = [np.log(each / (1 - each)) for each in (middle, end)]
        far = 1 / (1 + np.exp(-(odds[0] + further * (odds[1] - odds[0]))))
    return np.asarray(least + (1 - least) * np.where(np.isnan(far), end, far))


def mean_loss_interval(n: float, total: float, squares: float, otherwise: float, level: float = 0.95) -> Limits:
    """Return the limits of the mean of a non-negative loss: t on the log scale (delta method), for losses are skewed.

    What makes a loss large may not have been seen yet: the only errors of a confident model, the only positives of a
    rare outcome. So the upper limit is at least what the mean would be if as many rows had another label as a sample of
    n rows shows none of with the level's tail, 1 − (α/2)^(1/n); the lower one at most what it would be if those had no
    loss. That alone is told of fewer than two rows, or where the loss does not vary.

    Parameters
    ----------
    otherwise
        Mean loss of the rows if each had another label.
    """
    from scipy.special import stdtrit

    mean = total / n
    unseen = 1 - ((1 - level) / 2) ** (1 / n)
    low, high = mean * (1 - unseen), mean + unseen * max(otherwise, 0.0)
    variance = (squares / n - mean**2) / max(n - 1, 1e-9)
    if n < 2 or mean <= 0 or variance <= 1e-15 * mean**2:
        return low, high
    ratio = np.exp(-float(stdtrit(n - 1, (1 - level) / 2)) * np.sqrt(variance) / mean)
    return float(mean / ratio), float(max(mean * ratio, high))


def loss_otherwise(score: Values, negatives: NDArray[Any], positives: NDArray[Any]) -> Limits:
    """Return the mean squared error and log loss of a group's entries if every row had the other label."""
    squared, logarithmic = (
        (negatives * if_positive + positives * if_negative).sum() / (negatives + positives).sum()
        for if_positive, if_negative in zip(
            losses(score, np.ones(len(score), bool)), losses(score, np.zeros(len(score), bool)), strict=True
        )
    )
    return float(squared), float(logarithmic)


def calibration_interval(bins: Values, level: float = 0.95) -> Limits:
    """Return limits of the expected calibration error that hold although its estimate is biased upwards.

    A binned gap is at least 0, so noise adds to every bin (Kumar, Liang and Ma 2019) and a bootstrap adds it twice.
    Given the scores, the gap of bin b has a standard error s_b = √(p̃(1 − p̃)/n_b), p̃ the share of positives shrunk
    as Agresti and Coull (1998) do. With weights w_b = n_b/n:
    upper = estimate + z·√Σ(w_b s_b)², because Σ w|ĝ| ≥ Σ w·sign(g)·ĝ, whose mean is the true error;
    lower = estimate − q, because Σ w|ĝ| − Σ w|g| ≤ Σ w|ĝ − g|, a sum of half-normals with mean √(2/π)·Σ w_b s_b and
    variance (1 − 2/π)·Σ(w_b s_b)², of which q is the normal approximation's quantile.

    Parameters
    ----------
    bins
        Rows, positives and sum of scores per bin; shape (bins, 3).
    """
    rows, positives, scores = bins[bins[:, 0] > 0].T
    z = normal_quantile(level)
    shrunk = (positives + z**2 / 2) / (rows + z**2)
    weighted = rows / rows.sum() * np.sqrt(shrunk * (1 - shrunk) / rows)
    estimate = float(np.abs(positives - scores).sum() / rows.sum())
    noise = np.sqrt(2 / np.pi) * weighted.sum() + z * np.sqrt((1 - 2 / np.pi) * (weighted**2).sum())
    return float(max(estimate - noise, 0)), float(min(estimate + z * np.sqrt((weighted**2).sum()), 1))
