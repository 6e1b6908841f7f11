"""Quantiles of the error and their limits, held to numpy's and to scipy's binomial."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

import nbdeploy.stats.tally.errors as errors_module
from nbdeploy.stats.error_intervals import order_ranks
from nbdeploy.stats.intervals import by_group, estimate
from nbdeploy.stats.metrics import ERROR_QUANTILES, values
from nbdeploy.stats.tally import ErrorTally


def tally_of(error, **columns) -> ErrorTally:
    rows = {"y": np.zeros(len(error)), "p": error, **columns}
    return ErrorTally.from_arrow(rows, label="y", predicted="p", features=tuple(columns))


def test_the_sign_is_of_prediction_minus_truth():
    tally = ErrorTally.from_arrow({"y": [10.0, 10.0, 10.0], "p": [13.0, 13.0, 13.0]}, label="y", predicted="p")
    assert {float(values(tally, metric)[0]) for metric in ERROR_QUANTILES} == {3.0}


def test_quantiles_are_numpys_in_every_group():
    random = np.random.default_rng(0)
    error, group = random.standard_t(3, 1_001), random.integers(0, 4, 1_001)
    tally = tally_of(error, g=group)
    for metric, share in ERROR_QUANTILES.items():
        theirs = [np.quantile(error[group == one], share, method="inverted_cdf") for one in range(4)]
        assert values(tally, metric).tolist() == theirs


@pytest.mark.parametrize("level", [0.8, 0.95, 1 - 1e-6])
def test_ranks_are_scipys_binomial_quantiles(level):
    for n in (1, 2, 5, 20, 59, 60, 1_000, 12_345, 100_000_000):
        for share in ERROR_QUANTILES.values():
            theirs = (int(binom.ppf((1 - level) / 2, n, share)), int(binom.ppf((1 + level) / 2, n, share)) + 1)
            assert order_ranks(n, share, level) == theirs, (n, share)


def test_limits_are_the_order_statistics_of_those_ranks():
    error = np.arange(1.0, 101.0)
    # 40 and 61: the sign test's limits of a median of 100 (Conover 1999, section 3.2; binomial(100, ½) at 2.5 %).
    assert estimate(tally_of(error), "residual_quantile_50").interval == (40.0, 61.0)


def test_a_limit_that_no_row_can_give_is_infinite():
    found = estimate(tally_of(np.arange(20.0)), "residual_quantile_95")
    assert found.interval is not None
    assert found.interval[1] == np.inf
    assert np.isfinite(found.interval[0])


@pytest.mark.parametrize("draw", ["normal", "standard_cauchy", "exponential"])
def test_limits_cover_whatever_the_distribution(draw):
    random = np.random.default_rng(3)
    truth = {"normal": -0.6744897501960817, "standard_cauchy": -1.0, "exponential": np.log(4 / 3)}[draw]
    inside = 0
    for _ in range(400):
        low, high = estimate(tally_of(getattr(random, draw)(size=80)), "residual_quantile_25").interval
        inside += low <= truth <= high
    assert inside / 400 >= 0.93


def test_a_rounded_tally_says_so_and_its_limits_hold_the_exact_ones(monkeypatch):
    random = np.random.default_rng(4)
    error = random.lognormal(size=20_000)
    exact = estimate(tally_of(error), "residual_quantile_75")
    monkeypatch.setattr(errors_module, "EXACT_ERRORS", 100)
    rounded = estimate(tally_of(error), "residual_quantile_75")
    assert exact.method == "order statistics, binomial ranks"
    assert "rounded by at most 0.1%" in rounded.method
    assert rounded.value == pytest.approx(exact.value, rel=2.0**-10)
    assert rounded.interval[0] <= exact.interval[0]
    assert rounded.interval[1] >= exact.interval[1]


def test_without_rows_there_is_no_quantile_and_a_reason():
    found = estimate(tally_of(np.array([])), "residual_quantile_05")
    assert (found.value, found.interval) == (None, None)
    assert found.undefined == "no row that residual_quantile_05 could be of"


def test_small_groups_are_marked_and_the_errors_of_very_few_people_are_not_told():
    tally = tally_of(np.arange(17.0), g=["a"] * 10 + ["b"] * 5 + ["c"] * 2)
    first, second, third = by_group(tally, "residual_quantile_50", min_size=6)
    assert (first.value, first.excluded) == (4.0, False)
    assert (second.value, second.excluded) == (12.0, True)
    assert (third.value, third.interval, third.excluded, third.n) == (None, None, True, 2)
    assert by_group(tally, "residual_quantile_50")[2].value == 15.0, "the objective wants groups of two judged"
