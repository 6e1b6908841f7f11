"""Score intervals of two proportions: published examples and a second implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar

from nbdeploy.stats.two_proportions import difference_interval, ratio_interval

NEWCOMBE = {
    (56, 70, 48, 80): (0.0528, 0.3382),
    (9, 10, 3, 10): (0.1700, 0.8406),
    (6, 7, 2, 7): (0.0342, 0.8534),
    (5, 56, 0, 29): (-0.0326, 0.1933),
    (0, 10, 0, 20): (-0.1658, 0.2844),
    (0, 10, 0, 10): (-0.2879, 0.2879),
    (10, 10, 0, 20): (0.7156, 1.0),
    (10, 10, 0, 10): (0.6636, 1.0),
}
"""Newcombe (1998), Statistics in Medicine 17:873–890, table II, Miettinen–Nurminen, as mergeron (Python) tests them;
those of R's ratesci give the fourth row and those of diff-binom-confint the first two and the seventh alike."""

RATIOS = {
    (56, 70, 48, 80): (1.0790471195344, 1.6721453590898),
    (9, 10, 3, 10): (1.3279565734835, 8.6919149490173),
    (6, 7, 2, 7): (1.0636865203144, 11.1477708941617),
    (5, 56, 0, 29): (0.7174950782771, np.inf),
    (10, 10, 0, 20): (6.0328102514554, np.inf),
}
"""statsmodels 0.15, confint_proportions_2indep(compare="ratio", method="score"); its difference is wrong (#10269)."""


@pytest.mark.parametrize(("counts", "limits"), NEWCOMBE.items())
def test_published_differences(counts, limits):
    low, high = difference_interval(*counts)
    assert (low[0], high[0]) == pytest.approx(limits, abs=6e-5)


def test_boundary_differences_equal_another_implementation():
    """diff-binom-confint 0.0.x (DeepPSP/DBCI), method miettinen-nurminen, which steps by 1e-5."""
    low, high = difference_interval([7, 0, 10], [34, 10, 10], [1, 0, 0], [34, 20, 20])
    assert low == pytest.approx([0.02705, -0.16576, 0.71562], abs=2e-5)
    assert high == pytest.approx([0.34529, 0.28438, 1.0], abs=2e-5)


@pytest.mark.parametrize(("counts", "limits"), RATIOS.items())
def test_ratios_equal_another_implementation(counts, limits):
    low, high = ratio_interval(*counts)
    assert low[0] == pytest.approx(limits[0], rel=1e-8)
    assert high[0] == pytest.approx(limits[1], rel=1e-8)


def log_likelihood(k, n, p):
    return (k * np.log(p) if k else 0) + ((n - k) * np.log1p(-p) if n > k else 0)


def score_by_search(counts, supposed, kind):
    """The statistic with the constrained maximum found numerically instead of by formula."""
    k1, n1, k2, n2 = counts

    def first(second):
        return second + supposed if kind == "difference" else second * supposed

    tiny = 1e-12
    low = max(tiny, -supposed + tiny) if kind == "difference" else tiny
    high = min(1 - tiny, 1 - supposed - tiny) if kind == "difference" else min(1 - tiny, (1 - tiny) / supposed)
    found = minimize_scalar(
        lambda p: -log_likelihood(k1, n1, min(max(first(p), tiny), 1 - tiny)) - log_likelihood(k2, n2, p),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-12},
    )
    p2, p1 = found.x, first(found.x)
    slope = 1 if kind == "difference" else supposed
    variance = (p1 * (1 - p1) / n1 + slope**2 * p2 * (1 - p2) / n2) * (n1 + n2) / (n1 + n2 - 1)
    apart = k1 / n1 - k2 / n2 - supposed if kind == "difference" else k1 / n1 - supposed * k2 / n2
    return apart / np.sqrt(variance)


@pytest.mark.parametrize(
    "counts", [(13, 40, 22, 51), (1, 30, 9, 30), (2, 9, 8, 9), (120, 400, 90, 350), (29, 30, 28, 31)]
)
@pytest.mark.parametrize("level", [0.9, 0.95, 0.9997])
def test_limits_solve_the_score_equation_by_numerical_search(counts, level):
    from scipy.stats import norm

    z = norm.ppf((1 + level) / 2)
    observed = counts[0] / counts[1] - counts[2] / counts[3]
    for side, end in ((z, -1 + 1e-9), (-z, 1 - 1e-9)):
        limit = brentq(lambda d, side=side: score_by_search(counts, d, "difference") - side, end, observed, xtol=1e-10)
        ours = difference_interval(*counts, level)[0 if side > 0 else 1][0]
        assert ours == pytest.approx(limit, abs=1e-6)
    ratio = counts[0] / counts[1] / (counts[2] / counts[3])
    for side, end in ((z, ratio / 1000), (-z, ratio * 1000)):
        limit = brentq(lambda r, side=side: score_by_search(counts, r, "ratio") - side, end, ratio, xtol=1e-10)
        ours = ratio_interval(*counts, level)[0 if side > 0 else 1][0]
        assert ours == pytest.approx(limit, rel=1e-5)


COUNTS = st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
    lambda sizes: st.tuples(st.integers(0, sizes[0]), st.just(sizes[0]), st.integers(0, sizes[1]), st.just(sizes[1]))
)


@given(counts=COUNTS, level=st.sampled_from([0.8, 0.95, 0.9999]))
@settings(max_examples=100, deadline=None)
def test_limits_hold_the_estimate_mirror_and_never_touch(counts, level):
    k1, n1, k2, n2 = counts
    low, high = (side[0] for side in difference_interval(*counts, level))
    assert -1 <= low <= k1 / n1 - k2 / n2 <= high <= 1
    assert high > low
    turned = difference_interval(k2, n2, k1, n1, level)
    assert (-turned[1][0], -turned[0][0]) == pytest.approx((low, high), abs=1e-9)
    low, high = (side[0] for side in ratio_interval(*counts, level))
    assert 0 <= low < high
    if k2:
        assert low <= k1 / n1 / (k2 / n2) * (1 + 1e-12)
        assert high >= k1 / n1 / (k2 / n2) * (1 - 1e-12)
    other = ratio_interval(k2, n2, k1, n1, level)
    assert low == pytest.approx(1 / other[1][0], rel=1e-6, abs=1e-12)


def test_wider_level_and_fewer_rows_give_wider_intervals():
    def width(scale, level):
        low, high = difference_interval(20 * scale, 50 * scale, 10 * scale, 40 * scale, level)
        return (high - low)[0]

    assert width(1, 0.99) > width(1, 0.95) > width(4, 0.95) > width(7.5, 0.95)
