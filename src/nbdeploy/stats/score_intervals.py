"""Intervals of single numbers that are no proportions: averages of rates, correlation, losses, calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.binomial import normal_quantile, wilson
from nbdeploy.stats.division import divide
from nbdeploy.stats.metrics import class_score

Values = NDArray[np.float64]
Limits = tuple[float, float]

RESAMPLES = 2000
_BLOCK_CELLS = 1 << 18  # of random numbers held at a time


def mover_mean(hits: Values, totals: Values, level: float = 0.95) -> tuple[Values, Values]:
    """Return the limits of the plain average of independent proportions, along the last axis.

    Recovers the variance of each from its own Wilson limits (MOVER: Zou and Donner 2008, Statistics in Medicine
    27:1693–1702): L = θ̂ − √Σ(p̂ − l)²/C, U = θ̂ + √Σ(u − p̂)²/C over C proportions. NaN where one is 0/0.
    """
    low, high = wilson(hits, totals, level)
    each = divide(hits, totals)
    value, size = each.mean(axis=-1), each.shape[-1]
    return (
        np.maximum(value - np.sqrt(((each - low) ** 2).sum(axis=-1)) / size, 0),
        np.minimum(value + np.sqrt(((high - each) ** 2).sum(axis=-1)) / size, 1),
    )


def resampled(counts: NDArray[Any], metric: str, level: float = 0.95, seed: int = 0) -> tuple[Values, Values]:
    """Return the limits of a smooth function of confusion matrices by resampling each of them 2,000 times.

    Shares are drawn from the Dirichlet distribution of the counts with one pseudo-row per true class, half of it on the
    diagonal: for two classes Jeffreys' prior of ½ per cell. Unlike a multinomial bootstrap it has positive width for a
    perfect classifier. The limits are the quantiles, widened to hold the estimate. Every matrix is drawn from the same
    seed, so that its limits do not depend on which others there are.

    Parameters
    ----------
    counts
        Shape (groups, classes, classes).
    metric
        See `metrics.class_score`.
    """
    groups, size = counts.shape[:2]
    prior = np.full((size, size), 0.5 / max(size - 1, 1))
    np.fill_diagonal(prior, 0.5)
    block = max(_BLOCK_CELLS // size**2, 1)
    drawn = np.empty((groups, RESAMPLES))
    together = max(block // RESAMPLES, 1)
    for first in range(0, groups, together):
        some = counts[first : first + together] + prior
        random = [np.random.default_rng(seed) for _ in some]
        for start in range(0, RESAMPLES, block):
            shape = (min(block, RESAMPLES - start), size, size)
            shares = np.stack([of.standard_gamma(one, shape) for of, one in zip(random, some, strict=True)])
            drawn[first : first + together, start : start + shape[0]] = class_score(shares, metric)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=1)
    value = class_score(counts, metric)
    return np.minimum(low, value), np.maximum(high, value)


def mean_loss_interval(n: float, total: float, squares: float, level: float = 0.95) -> Limits | None:
    """Return the limits of the mean of a non-negative loss: t on the log scale (delta method), for losses are skewed.

    None where the loss does not vary or there are fewer than two rows.
    """
    from scipy.special import stdtrit

    mean = total / n
    variance = (squares / n - mean**2) / max(n - 1, 1e-9)
    if n < 2 or mean <= 0 or variance <= 1e-15 * mean**2:
        return None
    half = -float(stdtrit(n - 1, (1 - level) / 2)) * np.sqrt(variance) / mean
    return float(mean * np.exp(-half)), float(mean * np.exp(half))


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
