"""Sizes of errors and R²: how often their intervals hold the truth, where the tails are heavy and rows are few."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nbdeploy.stats.error_intervals import Sizes, error_intervals, mean_square_intervals
from nbdeploy.stats.intervals import estimate, estimates
from nbdeploy.stats.paired import skewed_mean
from nbdeploy.stats.tally import ErrorTally

REPEATS = 1_000
MAE, RMSE = "mean_absolute_error", "root_mean_squared_error"
DRAWS = {
    "normal": (lambda random, shape: random.normal(size=shape), (2 / np.pi) ** 0.5, 1.0),
    "laplace": (lambda random, shape: random.laplace(size=shape), 1.0, 2.0),
    "t3": (lambda random, shape: random.standard_t(3, shape), 2 * 3**0.5 / np.pi, 3.0),
    "lognormal": (
        lambda random, shape: random.lognormal(size=shape) - np.exp(0.5),
        # E|X − m| = 2·E(X − m)⁺ = 2m·(Φ(½) − Φ(−½)), with the mean m = √e.
        2 * np.exp(0.5) * (2 * stats.norm.cdf(0.5) - 1),
        (np.e - 1) * np.e,
    ),
}
"""How errors are drawn, the mean of their sizes and of their squares."""


def tally_of(error, truth=None, group=None) -> ErrorTally:
    truth = np.zeros(len(error)) if truth is None else truth
    rows = {"y": truth, "p": truth + error} | ({} if group is None else {"g": group})
    return ErrorTally.from_arrow(rows, label="y", predicted="p", features=() if group is None else ("g",))


def simulated(kind: str, rows: int, metric: str) -> tuple[float, float]:
    """Return the share of samples whose interval holds the truth, and the share of those that come with a caution."""
    random = np.random.default_rng([rows, *metric.encode(), *kind.encode()])
    draw, size, square = DRAWS[kind]
    error = draw(random, (REPEATS, rows))
    truth = random.normal(size=(REPEATS, rows)) * (2 * square) ** 0.5
    tally = tally_of(error.ravel(), truth.ravel(), np.repeat(np.arange(REPEATS), rows))
    sought = {MAE: size, RMSE: square**0.5, "r2": 0.5}[metric]
    low, high, methods = error_intervals(tally, metric)
    held = (low <= sought) & (sought <= high)
    return float(np.mean(held)), float(np.mean(["less than stated" in method for method in methods]))


@pytest.mark.parametrize("metric", [MAE, RMSE, "r2"])
@pytest.mark.parametrize("rows", [20, 50])
@pytest.mark.parametrize("kind", ["normal", "laplace"])
def test_few_rows_are_covered_under_light_and_under_exponential_tails(kind, rows, metric):
    # Two standard errors of 1,000 samples are 1.4 points; without Hall's limits RMSE of 20 Laplace errors has 92 %.
    assert simulated(kind, rows, metric)[0] >= 0.93


@pytest.mark.parametrize(("kind", "rows", "least"), [("t3", 20, 0.91), ("t3", 200, 0.93), ("lognormal", 200, 0.93)])
def test_mean_sizes_of_heavy_tails_are_covered(kind, rows, least):
    assert simulated(kind, rows, MAE)[0] >= least


def test_a_method_says_where_it_may_cover_less_and_seldom_where_it_does_not():
    covered, cautioned = simulated("lognormal", 200, RMSE)
    assert covered < 0.95
    assert cautioned > 0.8
    assert simulated("normal", 200, RMSE)[1] < 0.05


def test_limits_of_a_skewed_mean_are_those_of_another_implementation():
    size = np.random.default_rng(5).lognormal(size=60)
    sizes = Sizes.of(tally_of(size), 1)
    limits, _, _ = skewed_mean(size)
    assert limits is not None
    assert sizes.hall(0.95)[1][0] == pytest.approx(limits[1], rel=1e-9)


def test_squares_hold_bonetts_interval():
    half = np.random.default_rng(6).normal(size=20)
    error = np.concatenate([half, -half])  # its mean is the known centre, 0
    sizes = Sizes.of(tally_of(error), 2)
    n, z = 40, stats.norm.ppf(0.975)
    c = n / (n - z)
    s = c * ((stats.kurtosis(error, fisher=False) - (n - 3) / n) / (n - 1)) ** 0.5
    low, high = (float(end[0]) for end in mean_square_intervals(sizes, 0.95))
    assert low < c * error.var() * np.exp(-z * s)
    assert high > c * error.var() * np.exp(z * s)
    assert high == pytest.approx(c * error.var() * np.exp(stats.t.ppf(0.975, sizes.freedom[0]) * s), rel=1e-9)


def test_errors_beyond_a_floats_eighth_power_have_limits():
    error = np.random.default_rng(7).normal(size=50) * 1e60
    for metric in (MAE, RMSE):
        found = estimate(tally_of(error), metric)
        assert found.interval[0] < found.value < found.interval[1]


def test_two_rows_and_errors_all_alike_have_what_they_can_have():
    assert estimate(tally_of(np.array([1.0, 2.0])), RMSE).interval == (0, np.inf)
    alike = tally_of(np.array([2.0, -2.0] * 10))
    assert estimate(alike, MAE).interval is None
    assert estimate(alike, RMSE).interval[0] < 2 < estimate(alike, RMSE).interval[1]


def test_groups_have_the_limits_that_they_have_alone_whatever_the_others_are():
    random = np.random.default_rng(8)
    group = random.integers(0, 6, 400)
    error, truth = random.standard_t(3, 400), random.normal(size=400)
    error[group == 1] = 0
    error[group == 2] = -1.5
    truth[group == 3] = 7
    group[0] = 9
    error[group == 4] *= 1e60
    for metric in (MAE, RMSE, "r2", "mean_error"):
        together = estimates(tally_of(error, truth, group), metric)
        for one, name in zip(together, [0, 1, 2, 3, 4, 5, 9], strict=True):
            alone = estimate(tally_of(error[group == name], truth[group == name]), metric)
            assert (one.interval is None) == (alone.interval is None), (metric, name)
            assert one.method == alone.method
            if one.interval:
                assert one.interval == pytest.approx(alone.interval, rel=1e-9)
