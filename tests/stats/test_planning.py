"""How many rows would decide: never fewer than it takes, and no number where none would do."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from scipy import stats

from nbdeploy.stats.binomial import clopper_pearson
from nbdeploy.stats.disparity import group_disparity
from nbdeploy.stats.intervals import estimate
from nbdeploy.stats.planning import (
    LARGEST_FACTOR,
    POWER,
    PRECISION,
    decided,
    deciding_factor,
    planning_level,
    rate_half_width,
)
from nbdeploy.stats.tally import ClassTally, ErrorTally, ScoreTally


def test_a_normal_interval_needs_its_textbook_number():
    factor = deciding_factor(lambda s: (0.78 - 0.1 / s**0.5, 0.78 + 0.1 / s**0.5), (0.75, inf))
    assert 1 <= factor / (0.1 / 0.03) ** 2 <= PRECISION


@pytest.mark.parametrize("comparisons", [1, 10])
def test_the_level_of_a_plan_adds_the_power(comparisons):
    level = planning_level(0.95, comparisons)
    each = stats.norm.isf((1 - level) / comparisons / 2)
    assert each == pytest.approx(stats.norm.isf(0.025 / comparisons) + stats.norm.ppf(POWER), rel=1e-9)


def test_the_rows_told_decide_four_of_five_samples():
    """Drawn anew: those at which today's interval would just decide do so in every second one."""
    given, random = tally([[[40, 12], [9, 39]]]), np.random.default_rng(0)
    factor = deciding_factor(
        lambda s: estimate(given.scaled(s), "accuracy", planning_level(0.95)).interval, (0.75, inf)
    )
    rows = round(factor * 100)
    right = random.binomial(rows, 0.79, 4000)
    assert (clopper_pearson(right, rows)[0] >= 0.75).mean() == pytest.approx(POWER, abs=0.03)
    coin = round(100 * deciding_factor(lambda s: estimate(given.scaled(s), "accuracy").interval, (0.75, inf)))
    assert (clopper_pearson(random.binomial(coin, 0.79, 4000), coin)[0] >= 0.75).mean() < 0.6


def test_what_is_decided_needs_no_more_and_what_stands_on_the_bound_never_will():
    assert deciding_factor(lambda _: (0.8, 0.9), (0.75, inf)) == 1
    assert deciding_factor(lambda s: (0.75 - 1 / s, 0.75 + 1 / s), (0.75, inf)) is None
    assert deciding_factor(lambda _: None, (0.75, inf)) is None


def test_beyond_ten_thousand_times_no_number_is_given():
    just = LARGEST_FACTOR * 1.2
    assert deciding_factor(lambda s: (1 - just / s, 3) if s < just else (1, 3), (0.5, inf)) is None


@pytest.mark.parametrize(
    ("interval", "region", "verdict"),
    [
        ((0.8, 0.9), (0.75, inf), True),
        ((0.7, 0.9), (0.75, inf), False),
        ((0.6, 0.7), (0.75, inf), True),
        ((0, 0.2), (0.1, 0.3), False),
    ],
)
def test_decided_means_wholly_in_or_wholly_out(interval, region, verdict):
    assert decided(interval, region) is verdict


def tally(counts):
    return ClassTally(("g",), tuple((index,) for index in range(len(counts))), (0, 1), np.array(counts))


def test_the_rows_found_decide_a_rate_and_one_tenth_fewer_do_not():
    given = tally([[[40, 12], [9, 39]]])
    factor = deciding_factor(lambda s: estimate(given.scaled(s), "accuracy").interval, (0.75, inf))
    rows = factor * 100
    assert clopper_pearson(0.79 * rows, rows)[0] >= 0.75 > clopper_pearson(0.79 * rows * 0.9, rows * 0.9)[0]


def test_the_rows_found_decide_a_disparity_with_the_same_groups():
    given = tally([[[60, 40], [30, 70]], [[60, 40], [35, 65]], [[8, 2], [3, 7]]])

    def found(factor):
        return group_disparity(given.scaled(factor), "demographic_parity_ratio", min_size=30 * factor)

    factor = deciding_factor(lambda s: found(s).interval, (0.8, inf))
    assert factor > 1
    assert found(factor).excluded == (2,)
    assert found(factor).interval[0] >= 0.8 > found(factor * 0.9).interval[0]


def test_every_kind_of_tally_can_be_planned():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 120)
    columns = {"y": y, "s": np.clip(random.normal(0.4 + 0.2 * y, 0.2), 0, 1), "t": random.normal(0, 1, 120)}
    scored = ScoreTally.from_arrow(columns, label="y", score="s")
    for metric in ("roc_auc", "average_precision", "brier_score", "log_loss", "expected_calibration_error"):
        value = estimate(scored, metric).value
        assert deciding_factor(lambda s, m=metric: estimate(scored.scaled(s), m).interval, (value - 0.02, inf)) > 1
    erring = ErrorTally.from_arrow(columns, label="t", predicted="s")
    for metric in ("mean_error", "mean_absolute_error", "root_mean_squared_error", "r2"):
        value = estimate(erring, metric).value
        assert deciding_factor(lambda s, m=metric: estimate(erring.scaled(s), m).interval, (-inf, value + 0.02)) > 1


def test_widths_before_a_run():
    assert rate_half_width(100) == pytest.approx(0.1017, abs=5e-5)  # R: binom.test(50, 100) gives 0.3983 to 0.6017
    assert rate_half_width(1000, 0.1) < rate_half_width(1000, 0.5)
