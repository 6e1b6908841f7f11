from __future__ import annotations

import numpy as np
import pytest

from nbdeploy.validate.checks.uncertainty import (
    bounded_mean_interval,
    mean_interval,
    quantile_interval,
)


def test_values_that_do_not_vary_still_have_an_interval_of_some_width():
    low, high = bounded_mean_interval([1.0] * 12, 0.95)[0]
    assert low == pytest.approx(0.025 ** (1 / 12))  # Clopper and Pearson, 12 of 12
    assert high == pytest.approx(1.0)


def test_student_limits_agree_with_scipy():
    from scipy import stats

    values = np.array([3.1, 2.4, 5.6, 4.4, 3.9])
    want = stats.t.interval(0.9, 4, values.mean(), stats.sem(values))
    assert mean_interval(values, 0.9)[0] == pytest.approx(want)


def test_one_value_has_no_interval():
    assert mean_interval([1.0], 0.95)[0] is None


def test_quantile_limits_cover_the_median_as_often_as_they_say():
    rng = np.random.default_rng(0)
    drawn = np.sort(rng.exponential(size=(2000, 60)), axis=1)
    inside = [low <= np.log(2) <= high for low, high in (quantile_interval(row, 0.5, 0.9) for row in drawn)]
    assert np.mean(inside) >= 0.89


def test_a_quantile_too_far_out_has_no_upper_limit():
    assert quantile_interval(np.arange(100.0), 0.99, 0.95)[1] == np.inf
