"""A confidence sequence holds however often one looks."""

from __future__ import annotations

import numpy as np
import pytest

from nbdeploy.stats.binomial import clopper_pearson
from nbdeploy.stats.sequential import bernoulli_confidence_sequence

VILLE = {
    (3, 1000, 0.5): (0.0001238737540980932, 0.014312154132124555),
    (50, 100, 0.5): (0.3382575526457916, 0.6617424473542086),
    (7, 20, 0.5): (0.0965873561209161, 0.6855117311759875),
    (0, 100, 1.0): (0.0, 0.0732843734028999),
}
"""Limits of the package ville, BernoulliCS(alpha=0.05, prior=(a, a), intersect=False), by successes, trials and a."""


@pytest.mark.parametrize(("given", "limits"), VILLE.items())
def test_limits_equal_another_implementation(given, limits):
    k, n, a = given
    assert bernoulli_confidence_sequence(k, n, 0.95, a, a) == pytest.approx(limits, rel=1e-8, abs=1e-12)


def test_the_truth_is_covered_at_every_one_of_two_thousand_looks():
    random = np.random.default_rng(0)
    for rate in (0.01, 0.3):
        lost = 0
        for _ in range(150):
            total = np.cumsum(random.random(2000) < rate)
            looks = np.unique(np.geomspace(1, 2000, 120).astype(int))
            limits = [bernoulli_confidence_sequence(int(total[n - 1]), int(n)) for n in looks]
            lost += any(not low <= rate <= high for low, high in limits)
        assert lost / 150 <= 0.05


def test_peeking_at_a_fixed_interval_would_not_cover():
    """Why the sequence is needed: an interval for one look, taken as often, loses the truth far more often than 5 %."""
    random = np.random.default_rng(0)
    n = np.arange(10, 2001)
    lost = 0
    for _ in range(100):
        low, high = clopper_pearson(np.cumsum(random.random(2000) < 0.3)[9:], n)
        lost += bool(((low > 0.3) | (high < 0.3)).any())
    assert lost / 100 > 0.15


def test_it_is_wider_than_an_interval_for_one_look_and_shrinks():
    low, high = bernoulli_confidence_sequence(30, 100)
    fixed = clopper_pearson(30, 100)
    assert low < fixed[0] < fixed[1] < high
    assert bernoulli_confidence_sequence(3000, 10_000)[1] < high


def test_edges():
    assert bernoulli_confidence_sequence(0, 0) == (0.0, 1.0)
    assert bernoulli_confidence_sequence(0, 50)[0] == 0.0
    assert bernoulli_confidence_sequence(50, 50)[1] == 1.0
    with pytest.raises(ValueError, match="7 successes of 5"):
        bernoulli_confidence_sequence(7, 5)
