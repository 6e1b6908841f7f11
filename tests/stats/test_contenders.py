"""Leaving out pairs that cannot decide changes no number and no name, on tables of every shape."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbdeploy.documents import catalog
from nbdeploy.stats.binomial import shared_level
from nbdeploy.stats.contenders import difference_limits, ratio_limits
from nbdeploy.stats.disparity import disparity, group_disparity
from nbdeploy.stats.intervals import by_group
from nbdeploy.stats.pair_intervals import Samples, difference_interval, ratio_interval
from nbdeploy.stats.tally import ClassTally

SIZES = st.one_of(st.integers(1, 6), st.integers(7, 400), st.integers(1000, 100_000))
GROUPS = st.lists(
    SIZES.flatmap(lambda n: st.tuples(st.one_of(st.sampled_from([0, n]), st.integers(0, n)), st.just(n))),
    min_size=2,
    max_size=40,
)


def all_pairs(groups):
    """Return every pair, the lower share first and those furthest apart first, and its counts."""
    k, n = np.array(groups, dtype=float).T
    share = k / n
    pairs = [(i, j) if share[i] <= share[j] else (j, i) for i in range(len(n)) for j in range(i + 1, len(n))]
    apart = {(i, j): (k[j] * n[i] - k[i] * n[j]) / (n[i] * n[j]) for i, j in pairs}
    return k, n, np.array(sorted(pairs, key=lambda pair: -apart[pair]))


def directly(groups, kind):
    """Return value, limits and the pairs that set them, with all limits sought."""
    k, n, pairs = all_pairs(groups)
    low, high = pairs.T
    level = shared_level(0.95, len(pairs))
    if kind == "difference":
        lower, upper = difference_interval(Samples.of(k, n, high, low, level))
        apart = (k[high] * n[low] - k[low] * n[high]) / (n[high] * n[low])
        columns = apart, np.maximum(lower, 0), np.maximum(upper, -lower)
        at = [int(np.argmax(column)) for column in columns]
    else:
        lower, upper = ratio_interval(Samples.of(k, n, low, high, level))
        with np.errstate(invalid="ignore"):
            columns = (k[low] * n[high]) / (k[high] * n[low]), np.minimum(lower, 1 / upper), np.minimum(upper, 1)
        at = [int(np.nanargmin(column)) for column in columns]
    return [(float(column[i]), tuple(pairs[i])) for column, i in zip(columns, at, strict=True)]


@given(groups=GROUPS, kind=st.sampled_from(["difference", "ratio"]))
@settings(max_examples=60, deadline=None)
def test_a_disparity_is_that_of_all_pairs_with_the_same_names(groups, kind):
    if kind == "ratio" and not any(k for k, _ in groups):
        return
    found = disparity(*np.array(groups).T, kind)
    value, lower, upper = directly(groups, kind)
    assert (found.value, found.pair) == value
    assert (found.interval[0], found.pair_of_lower) == lower
    assert (found.interval[1], found.pair_of_upper) == upper


@given(groups=GROUPS, kind=st.sampled_from(["difference", "ratio"]))
@settings(max_examples=60, deadline=None)
def test_of_few_pairs_too_only_what_cannot_be_the_extreme_is_left_out(groups, kind):
    k, n, pairs = all_pairs(groups)
    low, high = pairs.T if kind == "ratio" else pairs.T[::-1]
    samples = Samples.of(k, n, low, high, shared_level(0.95, len(pairs)))
    limits, pick = (difference_limits, np.nanargmax) if kind == "difference" else (ratio_limits, np.nanargmin)
    for pruned, full in zip(limits(samples, few=0), limits(samples, few=len(pairs)), strict=True):
        assert pick(pruned) == pick(full)
        assert pruned[pick(pruned)] == full[pick(full)]


def test_most_limits_are_never_sought():
    random = np.random.default_rng(0)
    k, n, pairs = all_pairs([(random.binomial(n, 0.4), n) for n in random.integers(50, 400, 300)])
    low, high = pairs.T
    lower, _ = difference_limits(Samples.of(k, n, high, low, shared_level(0.95, len(pairs))))
    assert np.isfinite(lower).mean() < 0.02


@pytest.mark.parametrize("metric", catalog.STANDARD_DISPARITIES)
def test_every_pair_of_a_thousand_groups_counts_in_the_correction(metric):
    assert group_disparity(many_groups(1000, 60), metric).comparisons in (499_500, 999_000)


def test_values_of_groups_are_made_at_once_and_equal_those_made_one_by_one():
    tally = many_groups(200, 4)
    for metric in ("precision", "true_positive_rate", "f1"):
        at_once = by_group(tally, metric)
        for start, end in pairwise(range(0, 201, 50)):
            some = ClassTally(tally.features, tally.groups[start:end], tally.classes, tally.counts[start:end])
            assert by_group(some, metric) == at_once[start:end]
        assert any(value.value is None for value in at_once)


def many_groups(groups: int, rows: int) -> ClassTally:
    random = np.random.default_rng(0)
    share = random.beta(20, 30, groups)
    cells = np.column_stack([(1 - share) * 0.85, (1 - share) * 0.15, share * 0.3, share * 0.7])
    counts = random.multinomial(random.poisson(rows, groups), cells).reshape(groups, 2, 2)
    return ClassTally(("town",), tuple((f"town {at:04}",) for at in range(groups)), (0, 1), counts)
