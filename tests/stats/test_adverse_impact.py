"""The four-fifths rule and its test, on the published cases."""

from __future__ import annotations

import pytest
from scipy import stats

from nbdeploy.stats.adverse_impact import equality_test, impact_ratios


def test_captain_examination_of_ricci():
    """Ricci v. DeStefano, 557 U.S. 557 (2009): 16 of 25 white, 3 of 8 Black and 3 of 8 Hispanic candidates passed."""
    ratios = impact_ratios([3, 3, 16], [8, 8, 25])
    found = ratios[0]
    assert (found.group, found.reference) == (0, 2)
    assert found.ratio == pytest.approx(0.586, abs=5e-4)
    assert found.below
    assert found.p_value == pytest.approx(0.238, abs=5e-4)
    assert (found.test, found.n) == ("Fisher exact", 33)


def test_berkeley_admissions():
    """Bickel, Hammel and O'Connell (1975): 1198 of 2691 men and 557 of 1835 women in the six departments."""
    (found,) = impact_ratios([1198, 557], [2691, 1835])
    assert found.ratio == pytest.approx(0.682, abs=5e-4)
    assert found.test == "two-proportion z"
    theirs = stats.chi2_contingency([[1198, 1493], [557, 1278]], correction=False).pvalue
    assert found.p_value == pytest.approx(theirs, rel=1e-9)


def test_small_expected_counts_take_fishers_test():
    assert equality_test(1, 100, 5, 100)[1] == "Fisher exact"
    assert equality_test(10, 14, 7, 14)[1] == "Fisher exact"
    assert equality_test(10, 100, 5, 100)[1] == "two-proportion z"


def test_nobody_selected_has_neither_ratio_nor_test():
    (found,) = impact_ratios([0, 0], [40, 50])
    assert (found.ratio, found.below, found.p_value) == (None, None, None)


def test_small_groups_are_left_out():
    assert impact_ratios([3, 20], [5, 40], min_size=30) == ()
    assert [each.group for each in impact_ratios([3, 20, 10], [5, 40, 30], min_size=30)] == [2]
