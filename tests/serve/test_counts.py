"""Latency quantiles from buckets against the exact ones."""

from __future__ import annotations

import numpy as np
import pytest

from nbdeploy.serve.counts import LatencyTally


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_quantiles_are_at_most_two_percent_too_high(share):
    values = np.random.default_rng(3).lognormal(2, 1, 5000)
    tally = LatencyTally()
    for value in values:
        tally.add(value)
    exact = np.quantile(values, share, method="inverted_cdf")
    assert exact <= tally.quantile(share) <= exact * 1.02 * (1 + 1e-9)


def test_no_answers_have_no_latency():
    assert LatencyTally().quantile(0.5) is None


def test_extremes_are_counted():
    tally = LatencyTally()
    tally.add(0.0)
    tally.add(1e9)
    assert tally.n == 2
    assert tally.quantile(0.5) == pytest.approx(0.01)
