"""What decisions cost on average, from counts: with intervals, at every threshold, and at the cheapest one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.binomial import normal_quantile
from nbdeploy.stats.curves import POINTS
from nbdeploy.stats.tally import ScoreTally

Values = NDArray[np.float64]
Limits = tuple[float, float]

RESAMPLES = 4000
_SIMULATED = 1000
PER = 1000
"""Costs are told per 1,000 decisions."""


@dataclass(frozen=True)
class CostCurve:
    """What 1,000 decisions cost at thresholds, rising; each of shape (thresholds,).

    Attributes
    ----------
    plausible
        Thresholds that the data cannot tell from the cheapest.
    """

    threshold: Values
    cost: Values
    lower: Values
    upper: Values
    plausible: NDArray[np.bool_]

    @property
    def cheapest(self) -> int:
        """Index of the cheapest threshold; of equals the one in the middle."""
        lowest = np.flatnonzero(self.cost <= self.cost.min() + 1e-9 * max(abs(float(self.cost.min())), 1e-300))
        return int(lowest[len(lowest) // 2])


def cost_of_counts(
    counts: Values, costs: Values, rng: np.random.Generator, level: float = 0.95
) -> tuple[float, Limits]:
    """Return what 1,000 decisions cost, and its limits.

    The counts are multinomial. Shares are drawn 4,000 times from their Dirichlet distribution with one row more, so
    that an outcome that was not seen yet may still come: for the upper limit one of the dearest outcome, for the lower
    one of the cheapest, which for two outcomes are Clopper and Pearson's limits. (Half a row in each cell, Jeffreys'
    prior, makes an outcome that is dear and rare dearer than it is: even the lower limit is too high.) The limits are
    quantiles, widened to hold the estimate.

    Parameters
    ----------
    counts, costs
        Rows of each outcome, at least one in all, and what one of them costs; shape (outcomes,).
    """
    value = PER * float(counts @ costs) / float(counts.sum())
    rows, more = rng.standard_gamma(counts, (RESAMPLES, len(counts))), rng.standard_gamma(1, RESAMPLES)
    paid, shares = rows @ costs, rows.sum(axis=1) + more
    low, high = (
        float(np.quantile(PER * (paid + more * cost) / shares, share))
        for cost, share in ((costs.min(), (1 - level) / 2), (costs.max(), (1 + level) / 2))
    )
    return value, (min(low, value), max(high, value))


def cost_curve(
    tally: ScoreTally, costs: tuple[float, float, float, float], rng: np.random.Generator, level: float = 0.95
) -> CostCurve:
    """Return what decisions cost when scores at or above a threshold are positive, at up to 200 thresholds.

    The last one is above all scores: nobody is called positive. The limits are each threshold's own (normal, half a row
    added to each outcome); which thresholds are plausible holds for all of them together.

    Parameters
    ----------
    costs
        Of a true negative, false positive, false negative and true positive.
    """
    score, negatives, positives = (np.asarray(part, dtype=np.float64) for part in tally.select(()).entries(0))
    cuts = _cuts(negatives + positives)
    negative, positive = (np.add.reduceat(side, cuts) for side in (negatives, positives))  # from each threshold on
    left = [np.concatenate(([0.0], np.cumsum(side))) for side in (negative, positive)]
    cells = np.stack([left[0], negative.sum() - left[0], left[1], positive.sum() - left[1]])  # as `costs`
    each = np.asarray(costs)
    cost = each @ cells / cells.sum(axis=0)
    shares = (cells + 0.5) / (cells + 0.5).sum(axis=0)
    variance = each**2 @ shares - (each @ shares) ** 2
    half = normal_quantile(level) * np.sqrt(np.maximum(variance, 0) / cells.sum(axis=0))
    threshold = np.append(score[cuts], np.nextafter(score[-1], np.inf))
    plausible = _plausible(negative, positive, costs, rng, level)
    return CostCurve(threshold, PER * cost, PER * (cost - half), PER * (cost + half), plausible)


def _plausible(
    negative: Values, positive: Values, costs: tuple[float, float, float, float], rng: np.random.Generator, level: float
) -> NDArray[np.bool_]:
    """Return which thresholds may be the cheapest: those that no other one beats beyond doubt.

    Between two thresholds lie k rows, of which a are negative and b positive; to call them positive costs u = FP − TN
    for each negative and saves v = FN − TP for each positive, u·a − v·b in all. That has mean 0 where the share of
    positives is u/(u + v), and then the variance k·u·v (a score test: no positive in few rows proves little). The
    largest such distance from a threshold to any other one is held to its quantile in 1,000 simulations where all rows
    have that share, in which case all thresholds are alike; so looking for the cheapest is allowed for.
    """
    tn, fp, fn, tp = costs
    wrongly, rightly = fp - tn, fn - tp
    saved = np.concatenate(([0.0], np.cumsum(wrongly * negative - rightly * positive)))  # by a higher threshold
    if wrongly * rightly <= 0:  # one of the answers is never the cheaper one, whatever is true
        return np.asarray(saved >= saved.max())
    rows = negative + positive
    at = np.concatenate(([0.0], np.cumsum(rows)))
    hits = rng.binomial(np.rint(rows).astype(np.int64), wrongly / (wrongly + rightly), (_SIMULATED, len(rows)))
    walks = np.cumsum(wrongly * (rows - hits) - rightly * hits, axis=1)
    walks = np.concatenate([np.zeros((_SIMULATED, 1)), walks], axis=1).astype(np.float32)  # half the time
    found = np.zeros(len(at), dtype=bool)
    for t in range(len(at)):
        spread = np.sqrt(np.abs(at - at[t]) * wrongly * rightly)
        spread[t] = np.inf
        beaten = float(((saved - saved[t]) / spread).max())
        scale = (1 / spread).astype(np.float32)
        found[t] = beaten <= float(np.quantile(((walks - walks[:, [t]]) * scale).max(axis=1), level))
    return found


def _cuts(rows: Values) -> NDArray[np.int64]:
    """Return the first entry of at most 199 runs that hold about equally many rows."""
    if len(rows) < POINTS:
        return np.arange(len(rows))
    before = np.cumsum(rows) - rows
    wanted = np.linspace(0, float(before[-1]), POINTS - 1)
    return np.unique(np.searchsorted(before, wanted))
