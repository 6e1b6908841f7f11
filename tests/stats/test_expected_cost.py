"""What decisions cost: held to sums over rows, and its intervals to simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from nbdeploy.stats.expected_cost import cost_curve, cost_of_counts
from nbdeploy.stats.tally import ScoreTally

COSTS = (0.0, 5.0, 60.0, -10.0)


def tally(label: np.ndarray, score: np.ndarray) -> ScoreTally:
    return ScoreTally.from_arrow({"label": label, "score": score}, label="label", score="score")


def rows(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Honest scores: a row with score s is positive with probability s."""
    score = rng.random(n)
    return (rng.random(n) < score).astype(int), score


def test_the_cost_is_that_of_a_thousand_rows():
    counts = np.array([700.0, 100.0, 40.0, 160.0])
    value, (low, high) = cost_of_counts(counts, np.array(COSTS), np.random.default_rng(0))
    assert value == pytest.approx(100 * 5 + 40 * 60 - 160 * 10)
    assert low < value < high


def test_an_outcome_that_was_not_seen_may_still_come():
    counts = np.array([90.0, 10.0, 0.0, 0.0])
    value, (_, high) = cost_of_counts(counts, np.array([0.0, 0.0, 1000.0, 0.0]), np.random.default_rng(0))
    assert value == 0
    share = binomtest(0, 100).proportion_ci(method="exact").high  # of a thousand times the cost
    assert high == pytest.approx(1e6 * share, rel=0.05)


def test_two_outcomes_have_clopper_and_pearsons_limits():
    low, high = cost_of_counts(np.array([93.0, 7.0]), np.array([0.0, 1.0]), np.random.default_rng(0))[1]
    theirs = binomtest(7, 100).proportion_ci(method="exact")
    assert (low, high) == pytest.approx((1000 * theirs.low, 1000 * theirs.high), rel=0.04)


def test_a_dear_and_rare_outcome_is_not_told_too_dear():
    """Half a row in every cell put the lower limit above what decisions truly cost in 12 of 100 samples of 50 rows."""
    random, costs, shares = np.random.default_rng(2), np.array([0.0, 5, 60, 0]), np.array([0.98, 0.018, 0.001, 0.001])
    counts = random.multinomial(50, shares, 400).astype(float)
    limits = np.array([cost_of_counts(one, costs, random)[1] for one in counts])
    truth = 1000 * shares @ costs
    assert ((limits[:, 0] > truth) | (limits[:, 1] < truth)).mean() <= 0.05 + 0.033


@pytest.mark.parametrize("shares", [(0.7, 0.1, 0.05, 0.15), (0.9, 0.05, 0.01, 0.04)])
@pytest.mark.parametrize("n", [100, 1000])
def test_the_interval_of_the_cost_covers(shares, n):
    rng, costs = np.random.default_rng(3), np.array(COSTS)
    true, hits, times = 1000 * float(np.array(shares) @ costs), 0, 600
    for _ in range(times):
        low, high = cost_of_counts(rng.multinomial(n, shares).astype(float), costs, rng)[1]
        hits += low <= true <= high
    assert hits / times >= 0.92


def test_the_curve_is_the_cost_of_each_threshold():
    rng = np.random.default_rng(1)
    label, score = rows(rng, 60)
    found = cost_curve(tally(label, score), COSTS, rng)
    assert len(found.threshold) == 61
    for threshold, cost in zip(found.threshold, found.cost, strict=True):
        called = score >= threshold
        cells = [np.mean(a & b) for a, b in ((label == 0, ~called), (label == 0, called), (label == 1, ~called))]
        cells.append(np.mean((label == 1) & called))
        assert cost == pytest.approx(1000 * float(np.dot(cells, COSTS)))
    assert found.cost[found.cheapest] == found.cost.min()
    assert found.plausible[found.cheapest]


def test_many_scores_make_two_hundred_points():
    rng = np.random.default_rng(1)
    found = cost_curve(tally(*rows(rng, 5000)), COSTS, rng)
    assert 150 < len(found.threshold) <= 200
    assert np.all(np.diff(found.threshold) > 0)


def test_the_cheapest_threshold_may_be_to_call_nobody_positive():
    rng = np.random.default_rng(1)
    label, score = (np.append(part, last) for part, last in zip(rows(rng, 500), (0, 1.0), strict=True))
    found = cost_curve(tally(label, score), (0.0, 100.0, 0.0, 0.0), rng)
    assert found.cheapest == len(found.cost) - 1
    assert found.cost[-1] == 0
    assert found.plausible.sum() == 1


@pytest.mark.parametrize(("n", "widest"), [(150, 0.35), (1000, 0.2)])
def test_the_truly_cheapest_threshold_is_among_the_plausible(n: int, widest: float):
    """With honest scores one should act from s on where 5·(1 − s) = 60·s + 10·s: s = 5/75."""
    rng, true, hits, times = np.random.default_rng(8), 5 / 75, 0, 30
    widths = []
    for _ in range(times):
        found = cost_curve(tally(*rows(rng, n)), COSTS, rng)
        kept = found.threshold[found.plausible]
        after = found.threshold[found.threshold >= true][0]  # the same decisions as at the true one
        hits += after in kept
        widths.append(kept[-1] - kept[0])
    assert hits / times >= 0.9
    assert np.mean(widths) < widest
