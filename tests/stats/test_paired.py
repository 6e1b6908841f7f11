"""Two models on the same rows, held to published tables, second implementations and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm

from nbdeploy.stats.paired import mcnemar, mean_gain, rate_gain, rmse_gain, skewed_mean, tango_interval


def test_tangos_limits_are_those_of_another_implementation():
    """Complete response before and after consolidation therapy (59, 6; 16, 80), −0.1240 to −0.0054 in the tests of R's
    contingencytables 3, tests/testthat/test-chap8.R, Tango_asymptotic_score_CI_paired_2x2; p = 0.052479 of McNemar's
    exact conditional test there."""
    assert tango_interval(6, 16, 161) == pytest.approx((-0.1240, -0.0054), abs=5e-5)
    assert mcnemar(6, 16) == pytest.approx(0.052479, abs=5e-7)


@pytest.mark.parametrize(("gained", "lost", "n"), [(40, 20, 160), (3, 0, 25), (0, 1, 44), (200, 260, 5000)])
def test_tangos_limits_solve_the_score_equation_with_a_likelihood_maximised_by_search(gained, lost, n):
    def distance(d: float) -> float:
        def minus(lost_share: float) -> float:
            gained_share = lost_share + d
            parts = [(gained, gained_share), (lost, lost_share), (n - gained - lost, 1 - gained_share - lost_share)]
            return -sum(k * np.log(max(p, 1e-300)) for k, p in parts if k)

        low, high = max(0.0, -d), (1 - d) / 2
        share = minimize_scalar(minus, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
        return (gained - lost - n * d) / np.sqrt(n * (2 * share + d - d * d))

    observed, z = (gained - lost) / n, norm.ppf(0.975)
    low = brentq(lambda d: distance(d) - z, -0.99, observed)
    high = brentq(lambda d: distance(d) + z, observed, 0.99)
    assert tango_interval(gained, lost, n) == pytest.approx((low, high), abs=1e-6)


def test_a_difference_of_nothing_keeps_its_width():
    low, high = tango_interval(0, 0, 50)
    assert low == pytest.approx(-high)
    assert 0.05 < high < 0.1
    assert rate_gain(50, 0, 50).interval[1] == 1.0


@pytest.mark.parametrize(("shares", "n"), [((0.2, 0.05), 40), ((0.02, 0.02), 100), ((0.01, 0.0), 300)])
def test_tangos_limits_cover_the_true_gain_as_often_as_they_say(shares, n):
    drawn = np.random.default_rng(0).multinomial(n, [*shares, 1 - sum(shares)], size=3000)
    limits = {tuple(one): tango_interval(*one[:2], n) for one in drawn.tolist()}
    inside = [low <= shares[0] - shares[1] <= high for low, high in (limits[tuple(one)] for one in drawn.tolist())]
    assert np.mean(inside) >= 0.93


def test_mcnemars_exact_test_is_the_binomial_one():
    # 2·P(X ≤ 1), X binomial with 8 rows and one half: 2·(1 + 8)/256.
    assert mcnemar(1, 7) == pytest.approx(18 / 256)
    assert mcnemar(0, 0) == 1.0


def test_gains_are_above_zero_when_losses_fall():
    before, now = np.array([3.0, 1.0, 2.0, 5.0]), np.array([1.0, 1.0, 1.0, 2.0])
    assert mean_gain(before, now).value == pytest.approx(1.5)
    assert rmse_gain(before, -now).value == pytest.approx(np.sqrt(39 / 4) - np.sqrt(7 / 4))
    assert mean_gain(now, now).interval is None


@pytest.mark.parametrize("n", [30, 120])
@pytest.mark.parametrize("shape", ["normal", "one heavy tail", "two heavy tails"])
def test_a_paired_mean_is_covered_at_least_nearly_as_often_as_it_says(n: int, shape: str):
    rng = np.random.default_rng(11)
    draw = {
        "normal": lambda: rng.normal(size=n),
        "one heavy tail": lambda: rng.lognormal(size=n) - np.exp(0.5),
        "two heavy tails": lambda: rng.lognormal(size=n) - rng.lognormal(size=n),
    }[shape]
    limits = [skewed_mean(draw())[0] for _ in range(2000)]
    assert np.mean([low <= 0 <= high for low, high in limits]) >= 0.925


def test_the_gain_in_rmse_is_covered():
    rng = np.random.default_rng(5)
    true = np.sqrt(1.5**2 + 1) - np.sqrt(2)
    hits = 0
    for _ in range(1000):
        shared = rng.normal(size=100)
        low, high = rmse_gain(shared + rng.normal(scale=1.5, size=100), shared + rng.normal(size=100)).interval
        hits += low <= true <= high
    assert hits / 1000 >= 0.93
