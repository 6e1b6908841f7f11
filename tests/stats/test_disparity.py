"""Disparities: limits that hold for all pairs, groups left out by name, and no verdict from nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.benchmarks.coverage import equal_groups, one_bad_group, one_group_just_out

from nbdeploy.stats.binomial import shared_level
from nbdeploy.stats.disparity import disparity, group_disparity, joint_disparity
from nbdeploy.stats.pair_intervals import METHOD, Samples, difference_interval, ratio_interval
from nbdeploy.stats.rates import Rates
from nbdeploy.stats.tally import ClassTally, ErrorTally


def pair(k1, n1, k2, n2, level=0.95):
    counts = np.array([[k1, k2], [n1, n2]], dtype=float)
    return Samples.of(*counts, np.array([0]), np.array([1]), level)


def test_two_groups_are_one_plain_interval():
    found = disparity([56, 48], [70, 80])
    low, high = difference_interval(pair(56, 70, 48, 80))
    assert found.value == pytest.approx(0.2)
    assert found.interval == pytest.approx((low[0], high[0]))
    assert (found.pair, found.comparisons) == ((1, 0), 1)
    assert found.method == f"{METHOD}, Bonferroni over 1 pair"
    found = disparity([56, 48], [70, 80], "ratio")
    low, high = ratio_interval(pair(48, 80, 56, 70))
    assert found.interval == pytest.approx((low[0], high[0]))
    assert found.value == pytest.approx(0.75)


GROUPS = st.lists(
    st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=2, max_size=7
)


@given(groups=GROUPS, kind=st.sampled_from(["difference", "ratio"]))
@settings(max_examples=60, deadline=None)
def test_the_interval_is_the_extreme_of_the_pairs_and_holds_the_value(groups, kind):
    k, n = np.array(groups, dtype=float).T
    found = disparity(k, n, kind)
    if found.undefined:
        assert kind == "ratio"
        assert not k.any()
        return
    each = shared_level(0.95, found.comparisons)
    shares = k / n
    i, j = np.array([(i, j) for i in range(len(n)) for j in range(len(n)) if i != j]).T
    of_pairs = difference_interval if kind == "difference" else ratio_interval
    lows, highs = of_pairs(Samples.of(k, n, i, j, each))
    low, high = found.interval
    if kind == "difference":
        assert (low, high) == pytest.approx((max(0, *lows), max(highs)), abs=1e-9)
        assert found.value == pytest.approx(shares.max() - shares.min())
    else:
        assert (low, high) == pytest.approx((min(lows), min(1, *highs)), rel=1e-6, abs=1e-12)
        assert found.value == pytest.approx(shares.min() / shares.max())
    assert low <= found.value + 1e-12
    assert found.value <= high + 1e-12
    assert high > low
    for pair in (found.pair, found.pair_of_lower, found.pair_of_upper):
        assert shares[pair[0]] <= shares[pair[1]]


def test_the_pair_that_proves_a_fail_need_not_be_the_one_that_is_furthest_apart():
    found = disparity([1, 300, 600], [4, 1000, 1000])
    assert found.pair == (0, 2)
    assert found.pair_of_lower == (1, 2)
    assert found.pair_of_upper == (0, 2)


def test_a_rate_of_nought_is_named_against_the_highest_rate():
    found = disparity([0, 10, 40, 20], [100, 100, 100, 100], "ratio")
    assert (found.value, found.pair) == (0.0, (0, 2))


def test_groups_are_left_out_by_the_metrics_own_denominator():
    tally = ClassTally(
        ("g",),
        (("a",), ("b",), ("c",)),
        (0, 1),
        np.array([[[50, 50], [20, 30]], [[90, 9], [1, 4]], [[40, 20], [10, 30]]]),
    )
    assert group_disparity(tally, "selection_rate_difference", min_size=30).excluded == ()
    found = group_disparity(tally, "equal_opportunity_difference", min_size=30)
    assert (found.excluded, found.comparisons, found.n) == ((1,), 1, 90)
    found = group_disparity(tally, "equalized_odds_difference", min_size=30)
    assert (found.excluded, found.comparisons) == ((1,), 1 + 3)


def test_equalized_odds_shares_the_level_over_both_rates_and_names_the_deciding_one():
    counts = np.array([[[80, 20], [30, 70]], [[50, 50], [35, 65]]])
    tally = ClassTally(("g",), (("a",), ("b",)), (0, 1), counts)
    found = group_disparity(tally, "equalized_odds_difference")
    assert (found.comparisons, found.metric) == (2, "false_positive_rate")
    assert found.value == pytest.approx(0.3)
    low, high = difference_interval(pair(50, 100, 20, 100, 0.975))
    assert found.interval == pytest.approx((low[0], high[0]))
    ratio = group_disparity(tally, "equalized_odds_ratio")
    assert (ratio.metric, ratio.value) == ("false_positive_rate", pytest.approx(0.4))


def test_demographic_parity_is_of_the_favourable_outcome():
    """Boston HMDA: denials 28.3 % and 9.3 %, so of approvals the ratio is .790 and of denials .327."""
    tally = ClassTally(
        ("afam",),
        (("no",), ("yes",)),
        ("no", "yes"),
        np.array([[[1852, 189], [0, 0]], [[243, 96], [0, 0]]]),
    )
    approved = group_disparity(tally, "demographic_parity_ratio", positive="yes", favourable="no")
    assert approved.value == pytest.approx(0.790, abs=5e-4)
    denied = group_disparity(tally, "selection_rate_ratio", positive="yes", favourable="no")
    assert denied.value == pytest.approx(0.327, abs=5e-4)


def test_too_few_groups_and_nought_by_nought_are_undefined_and_say_why():
    found = disparity([5, 1], [50, 3], min_size=30)
    assert (found.value, found.interval, found.excluded) == (None, None, (1,))
    assert "fewer than two groups have 30 rows" in found.undefined
    assert "0 in every group" in disparity([0, 0], [50, 40], "ratio").undefined
    assert disparity([0, 0], [50, 40]).value == 0
    assert disparity([0, 9], [50, 40], "ratio").value == 0
    assert disparity([], []).undefined


def test_one_undefined_rate_leaves_equalized_odds_undefined():
    parts = [
        Rates("true_positive_rate", np.array([5.0, 6]), np.array([9.0, 9])),
        Rates("fpr", np.zeros(2), np.zeros(2)),
    ]
    assert joint_disparity(parts).undefined


def test_a_name_that_is_no_disparity_is_refused():
    tally = ClassTally((), ((),), (0, 1), np.ones((1, 2, 2)))
    for name in ("roc_auc_difference", "accuracy", "accuracy_gap"):
        with pytest.raises(ValueError, match=name):
            group_disparity(tally, name)


def test_means_of_errors_compare_by_welchs_t():
    random = np.random.default_rng(0)
    group = np.repeat(["a", "b", "c"], [40, 60, 3])
    y = random.normal(0, 1, 103)
    p = y + random.normal(np.where(group == "a", 0.5, 1.2), np.where(group == "a", 1, 2))
    tally = ErrorTally.from_arrow({"g": group, "y": y, "p": p}, label="y", predicted="p", features=["g"])
    found = group_disparity(tally, "mean_error_difference", min_size=30)
    e = p - y
    theirs = stats.ttest_ind(e[group == "b"], e[group == "a"], equal_var=False).confidence_interval()
    assert found.excluded == (2,)
    assert found.value == pytest.approx(e[group == "b"].mean() - e[group == "a"].mean())
    assert found.interval == pytest.approx((max(theirs.low, 0), max(theirs.high, -theirs.low)))
    sizes = np.abs(e)
    theirs = stats.ttest_ind(sizes[group == "b"], sizes[group == "a"], equal_var=False).confidence_interval(0.95)
    assert group_disparity(tally, "mean_absolute_error_difference", min_size=30).interval == pytest.approx(
        (max(theirs.low, 0), max(theirs.high, -theirs.low))
    )
    assert "fewer than two" in group_disparity(tally, "root_mean_squared_error_difference", min_size=100).undefined


@pytest.mark.parametrize(("groups", "rows"), [(2, 20), (8, 50), (20, 100)])
@pytest.mark.parametrize("rate", [0.15, 0.5])
def test_at_most_five_in_a_hundred_equal_groups_are_failed(groups, rows, rate):
    found = equal_groups(groups, rows, rate, repeats=200)
    assert found.fail <= 0.05
    assert found.uncovered <= found.limit


@pytest.mark.parametrize(("groups", "rows"), [(2, 1000), (5, 300)])
def test_at_most_five_in_a_hundred_groups_just_out_are_passed(groups, rows):
    found = one_group_just_out(groups, rows, 0.5, equal=False, repeats=400)
    assert found.passed <= found.limit
    assert found.uncovered <= found.limit


def test_a_group_with_half_of_the_others_rate_is_failed():
    assert one_bad_group(5, 1000, 0.5, repeats=100).fail > 0.95
