"""Two models' rankings of the same rows, held to second implementations and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, t
from sklearn.metrics import average_precision_score

from nbdeploy.stats.paired_ranking import auc_gain, average_precision_gain


def test_the_gain_in_auc_has_delongs_covariance():
    """DeLong, DeLong and Clarke-Pearson (1988) written out over all pairs, equations 3 to 6."""
    rng = np.random.default_rng(3)
    positive = rng.random(80) < 0.4
    scores = [np.round(rng.normal(positive * shift, 1), 1) for shift in (1.2, 0.8)]
    kernel = [(s[positive][:, None] > s[~positive]) + 0.5 * (s[positive][:, None] == s[~positive]) for s in scores]
    areas = [k.mean() for k in kernel]
    s10 = np.cov([k.mean(axis=1) for k in kernel])
    s01 = np.cov([k.mean(axis=0) for k in kernel])
    contrast = np.array([1, -1])
    of_each = [contrast @ s @ contrast / side.sum() for s, side in ((s10, positive), (s01, ~positive))]
    freedom = sum(of_each) ** 2 / sum(
        v**2 / (side.sum() - 1) for v, side in zip(of_each, (positive, ~positive), strict=True)
    )
    half = t.ppf(0.975, freedom) * np.sqrt(sum(of_each))
    found = auc_gain(positive, *scores)
    assert found.value == pytest.approx(areas[0] - areas[1], abs=1e-12)
    assert found.interval == pytest.approx((found.value - half, found.value + half), abs=1e-12)


def test_the_same_ranking_is_no_proof_that_no_row_would_be_ranked_otherwise():
    positive = np.arange(60) % 3 == 0
    score = np.linspace(0, 1, 60)
    found = auc_gain(positive, score, score**2)
    assert found.value == 0
    # P(no row of 20 changes its place) = (1 − q)²⁰ = 0.025 at the bound q, and of 40 likewise.
    assert found.interval[1] == pytest.approx((1 - 0.025 ** (1 / 20)) + (1 - 0.025 ** (1 / 40)))
    assert found.interval[0] == -found.interval[1]


def rankings(random, n, share=0.25):
    """Labels and the scores of two models that err alike in part, the first the better one."""
    positive = random.random(n) < share
    common = 0.7 * random.normal(size=n)
    return positive, *(gap * positive + common + 0.7 * random.normal(size=n) for gap in (1.2, 1.0))


def test_the_gain_in_average_precision_is_scikit_learns_with_the_jackknifes_error():
    """Rows left out one by one, by scikit-learn: their spread is what the derivatives stand for."""
    positive, score, before = rankings(np.random.default_rng(2), 300)
    found = average_precision_gain(positive, score, before)

    def gain(kept):
        return average_precision_score(positive[kept], score[kept]) - average_precision_score(
            positive[kept], before[kept]
        )

    every = np.arange(300)
    assert found.value == pytest.approx(gain(every), abs=1e-12)
    left = np.array([gain(np.delete(every, row)) for row in every])
    spread = np.sqrt(299 / 300 * ((left - left.mean()) ** 2).sum())
    assert found.interval[1] - found.interval[0] == pytest.approx(2 * norm.ppf(0.975) * spread, rel=0.06)
    assert found.interval[0] < found.value < found.interval[1]


def test_the_gain_in_average_precision_is_covered():
    random = np.random.default_rng(3)
    whole = rankings(random, 200_000)
    truth = average_precision_score(whole[0], whole[1]) - average_precision_score(whole[0], whole[2])
    limits = [average_precision_gain(*rankings(random, 250)).interval for _ in range(400)]
    assert np.mean([low <= truth <= high for low, high in limits]) >= 0.92


def test_the_same_precision_is_no_proof_that_no_row_would_be_ranked_otherwise():
    positive = np.arange(60) % 3 == 0
    score = np.linspace(0, 1, 60)
    found = average_precision_gain(positive, score, score**2)
    assert found.value == 0
    assert 0.1 < found.interval[1] < 1
    assert found.interval[0] == -found.interval[1]
    more = average_precision_gain(np.tile(positive, 50), np.tile(score, 50), np.tile(score, 50))
    assert more.interval[1] < found.interval[1] / 5
    alone = average_precision_gain(np.ones(8, bool), score[:8], score[8:16])
    assert alone.interval == (0.0, 0.0)  # without a negative every ranking has precision 1


@pytest.mark.parametrize("gain", [auc_gain, average_precision_gain])
def test_one_positive_tells_nothing_of_the_others(gain):
    """Without an interval a gate would be judged by the value."""
    positive = np.arange(30) == 29
    found = gain(positive, np.arange(30.0), np.random.default_rng(0).normal(size=30))
    assert found.interval == (-1, 1)


@pytest.mark.parametrize("gain", [auc_gain, average_precision_gain])
def test_gains_with_few_positives_are_covered(gain):
    """5 % of 60 rows: 13 % of samples were missed."""
    random = np.random.default_rng(8)
    whole = rankings(random, 200_000, 0.05)
    truth, limits = gain(*whole).value, []
    while len(limits) < 500:
        sample = rankings(random, 60, 0.05)
        if 0 < sample[0].sum() < 60:
            limits.append(gain(*sample).interval)
    assert np.mean([low <= truth <= high for low, high in limits]) >= 0.95 - 3 * (0.95 * 0.05 / 500) ** 0.5
