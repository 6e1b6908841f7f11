"""Intervals that disparities are judged by: a second implementation, and coverage by exact enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from nbdeploy.stats import mover, two_proportions
from nbdeploy.stats.disparity import disparity
from nbdeploy.stats.pair_intervals import (
    Samples,
    difference_interval,
    mover_difference,
    mover_ratio,
    ratio_interval,
)
from nbdeploy.stats.to_overall import overall_disparity


def pair(k1, n1, k2, n2, level=0.95):
    counts = np.array([[k1, k2], [n1, n2]], dtype=float)
    return Samples.of(*counts, np.array([0]), np.array([1]), level)


def exact(k, n, level):
    found = stats.binomtest(k, n).proportion_ci(confidence_level=level, method="exact")
    return found.low, found.high


COUNTS = [(13, 40, 22, 51), (0, 20, 7, 60), (20, 20, 55, 60), (1, 9, 30, 31), (2, 30, 100, 20_000), (3, 4, 4, 5)]


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("level", [0.95, 0.9997])
def test_mover_of_scipys_exact_limits_gives_the_same_differences(counts, level):
    k1, n1, k2, n2 = counts
    theirs = mover.difference_interval(k1 / n1, exact(k1, n1, level), k2 / n2, exact(k2, n2, level))
    low, high = mover_difference(pair(*counts, level))
    assert (low[0], high[0]) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("level", [0.95, 0.9997])
def test_a_ratio_at_its_limit_is_a_difference_at_nought(counts, level):
    """Fieller's argument: θ is the limit where MOVER's interval of p − θ·q just touches 0. Sought by search."""
    k1, n1, k2, n2 = counts
    (p, q), mine, theirs = (k1 / n1, k2 / n2), exact(k1, n1, level), exact(k2, n2, level)

    def touches(theta, side):
        scaled = tuple(theta * end for end in theirs)
        return mover.difference_interval(p, mine, theta * q, scaled)[side]

    low, high = (end[0] for end in mover_ratio(pair(*counts, level)))
    if k1:
        assert low == pytest.approx(brentq(touches, 1e-9, p / q, args=(0,), xtol=1e-14), rel=1e-8)
    else:
        assert low == 0
    assert high == pytest.approx(brentq(touches, p / q, 1e6, args=(1,), xtol=1e-12), rel=1e-6)


def test_nobody_in_both_groups_leaves_a_ratio_open():
    low, high = ratio_interval(pair(0, 10, 0, 20))
    assert (low[0], high[0]) == (0, np.inf)


@pytest.mark.parametrize("sizes", [(20, 60), (12, 400)])
@pytest.mark.parametrize("kind", ["difference", "ratio"])
def test_no_pair_of_rates_is_missed_more_often_than_stated(sizes, kind):
    """Every outcome with its probability, where the score interval alone fails groups on the bound too often."""
    n1, n2 = sizes
    k1, k2 = (part.ravel() for part in np.meshgrid(np.arange(n1 + 1), np.arange(n2 + 1), indexing="ij"))
    k, n = np.concatenate([k1, k2]).astype(float), np.repeat([n1, n2], len(k1)).astype(float)
    samples = Samples.of(k, n, np.arange(len(k1)), np.arange(len(k1)) + len(k1), 0.95)
    ours = (difference_interval if kind == "difference" else ratio_interval)(samples)
    score = getattr(two_proportions, f"{kind}_interval")(k1, n1, k2, n2)
    worst = {"ours": 0.0, "score": 0.0}
    for q in (0.005, 0.02, 0.05, 0.2, 0.6, 0.95):
        for p in {q, min(q / 0.8, 1), min(q + 0.02, 1), max(q - 0.02, 0)}:
            chance = stats.binom.pmf(k1, n1, p) * stats.binom.pmf(k2, n2, q)
            truth = p - q if kind == "difference" else p / q
            for name, (low, high) in (("ours", ours), ("score", score)):
                for missed in (low > truth + 1e-9, high < truth - 1e-9):
                    worst[name] = max(worst[name], float(chance[missed].sum()))
    assert worst["ours"] <= 0.025
    assert worst["score"] > 0.05


def test_what_stands_exactly_on_a_bound_is_not_beyond_it():
    """4/10 − 3/10 is more than 0.1 when both are rounded first, and 3/5 ÷ 9/12 less than 0.8."""
    assert disparity([4, 3], [10, 10]).value == 0.1
    assert disparity([3, 9], [5, 12], "ratio").value == 0.8
    from nbdeploy.stats.adverse_impact import impact_ratios
    from nbdeploy.stats.rates import Rates

    (only,) = impact_ratios([3, 9], [5, 12])
    assert (only.ratio, only.below) == (0.8, False)
    part = Rates("rate", np.array([8.0, 7, 3]), np.array([10.0, 10, 10]))  # of all 0.6
    assert overall_disparity([part], "difference").value == 0.3
