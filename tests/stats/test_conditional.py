"""Disparities within strata and from all rows, held to published tables and to fairlearn."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest

from nbdeploy.stats.conditional import strata_of
from nbdeploy.stats.disparity import group_disparity
from nbdeploy.stats.disparity_names import disparity_name
from nbdeploy.stats.mantel_haenszel import mantel_haenszel
from nbdeploy.stats.tally import ClassTally
from nbdeploy.stats.to_overall import ALL

# Admissions to Berkeley in 1973 (Bickel, Hammel and O'Connell 1975, Science 187:398; R's UCBAdmissions): admitted and
# all applicants of the six largest departments.
MEN = {"A": (512, 825), "B": (353, 560), "C": (120, 325), "D": (138, 417), "E": (53, 191), "F": (22, 373)}
WOMEN = {"A": (89, 108), "B": (17, 25), "C": (202, 593), "D": (131, 375), "E": (94, 393), "F": (24, 341)}


@pytest.fixture(scope="module")
def berkeley():
    """Decisions by department and gender; who would have deserved admission is not known, so the truth is the same."""
    groups = tuple((gender, dept) for gender in ("female", "male") for dept in MEN)
    counts = np.zeros((len(groups), 2, 2), np.int64)
    for at, (gender, dept) in enumerate(groups):
        admitted, n = (WOMEN if gender == "female" else MEN)[dept]
        counts[at, 1, 1], counts[at, 0, 0] = admitted, n - admitted
    return ClassTally(("gender", "dept"), groups, (0, 1), counts)


def test_berkeley_as_a_whole_favours_men(berkeley):
    found = group_disparity(berkeley.select(["gender"]), "demographic_parity_ratio")
    assert found.value == pytest.approx(0.3035 / 0.4452, abs=1e-3)
    assert found.interval[1] < 0.8


def test_berkeley_turns_round_within_departments(berkeley):
    """In department A women are admitted more often, and the pooled difference all but vanishes."""
    found = group_disparity(berkeley, "conditional_demographic_parity_difference", control=["dept"])
    assert [berkeley.named(index) for index in found.pair] == [
        {"gender": "male", "dept": "A"},
        {"gender": "female", "dept": "A"},
    ]
    assert found.value == pytest.approx(89 / 108 - 512 / 825)
    assert found.comparisons == 6
    assert found.interval[0] > 0
    men, women = (np.array([part[dept] for dept in MEN]).T for part in (MEN, WOMEN))
    pooled = mantel_haenszel(*women, *men)
    crude = women[0].sum() / women[1].sum() - men[0].sum() / men[1].sum()
    assert crude == pytest.approx(-0.1416, abs=1e-4)
    assert pooled.difference > 0
    assert pooled.difference_interval[0] < 0.02 < pooled.difference_interval[1] + 0.02


def test_pooling_is_the_weighted_mean_of_the_strata():
    """Deaths in two age groups of the UGDP trial of tolbutamide, by the weights n1·n2/(n1 + n2) in exact fractions."""
    table = [(8, 106, 5, 120), (22, 98, 16, 85)]
    weights = [Fraction(n * m, n + m) for _, n, _, m in table]
    gaps = [Fraction(a, n) - Fraction(b, m) for a, n, b, m in table]
    difference = sum(w * gap for w, gap in zip(weights, gaps, strict=True)) / sum(weights)
    ratio = sum(Fraction(a * m, n + m) for a, n, _, m in table) / sum(Fraction(b * n, n + m) for _, n, b, m in table)
    found = mantel_haenszel([8, 22], [106, 98], [5, 16], [120, 85])
    assert found.difference == pytest.approx(float(difference))
    assert found.ratio == pytest.approx(float(ratio))
    assert found.difference_interval[0] < 0 < found.difference_interval[1]


def test_one_stratum_is_the_plain_comparison():
    found = mantel_haenszel([30], [100], [20], [80])
    assert found.difference == pytest.approx(0.05)
    assert found.ratio == pytest.approx(1.2)
    # Sato's variance of one stratum is that of two independent proportions, to within small terms.
    half = 1.96 * np.sqrt(0.3 * 0.7 / 100 + 0.25 * 0.75 / 80)
    assert found.difference_interval == pytest.approx((0.05 - half, 0.05 + half), abs=3e-3)


def test_pooled_limits_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(5)
    n1, n2 = rng.integers(5, 60, 12), rng.integers(5, 60, 12)
    base = rng.uniform(0.2, 0.6, 12)
    held = 0
    for _ in range(600):
        found = mantel_haenszel(rng.binomial(n1, base + 0.1), n1, rng.binomial(n2, base), n2)
        held += found.difference_interval[0] <= 0.1 <= found.difference_interval[1]
    assert 0.93 <= held / 600 <= 0.975


def test_nothing_in_common_pools_to_nothing():
    found = mantel_haenszel([3, 0], [10, 0], [0, 2], [0, 8])
    assert (found.difference, found.ratio, found.strata) == (None, None, 0)
    assert mantel_haenszel([0], [10], [3], [10]).ratio_interval is None


def test_strata_without_two_large_groups_say_nothing(berkeley):
    found = group_disparity(berkeley, "conditional_demographic_parity_difference", control=["dept"], min_size=30)
    assert found.comparisons == 5
    assert {"gender": "female", "dept": "B"} in [berkeley.named(index) for index in found.excluded]
    none = group_disparity(berkeley, "conditional_demographic_parity_ratio", control=["dept"], min_size=5_000)
    assert none.value is None
    assert "no stratum has two groups with 5000 rows" in none.undefined


def test_control_features_must_part_the_tally(berkeley):
    for control in ([], ["gender", "dept"]):
        with pytest.raises(ValueError, match="do not part"):
            strata_of(berkeley, control)


def random_tally(rng, groups):
    return ClassTally(("g",), tuple((f"g{i}",) for i in range(groups)), (0, 1), rng.integers(1, 60, (groups, 2, 2)))


@pytest.mark.parametrize("metric", ["selection_rate", "true_positive_rate", "precision", "accuracy"])
@pytest.mark.parametrize("kind", ["difference", "ratio"])
def test_distance_from_all_rows_is_fairlearns(metric, kind):
    from fairlearn import metrics as fair
    from sklearn.metrics import accuracy_score, precision_score

    functions = {
        "selection_rate": fair.selection_rate,
        "true_positive_rate": fair.true_positive_rate,
        "precision": precision_score,
        "accuracy": accuracy_score,
    }
    rng = np.random.default_rng(2)
    for groups in (2, 3, 7):
        tally = random_tally(rng, groups)
        cells = [(g, y, p) for g in range(groups) for y in (0, 1) for p in (0, 1) for _ in range(tally.counts[g, y, p])]
        group, truth, said = np.array(cells).T
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # fairlearn meets a newer pandas
            frame = fair.MetricFrame(metrics=functions[metric], y_true=truth, y_pred=said, sensitive_features=group)
            theirs = getattr(frame, kind)(method="to_overall")
            between = getattr(frame, kind)(method="between_groups")
        found = group_disparity(tally, f"{metric}_to_overall_{kind}")
        assert found.value == pytest.approx(theirs, abs=1e-12)
        assert group_disparity(tally, f"{metric}_{kind}").value == pytest.approx(between, abs=1e-12)
        assert found.pair[1] == ALL
        assert found.interval[0] <= found.value <= found.interval[1]


def test_limits_of_the_distance_from_all_rows_hold_together():
    """Groups of which one differs: the interval of the largest distance holds the true one 95 times in 100 or more."""
    rng = np.random.default_rng(9)
    n, p = np.array([60, 150, 300]), np.array([0.6, 0.4, 0.4])
    truth = np.abs(p - (n * p).sum() / n.sum()).max()
    held = 0
    for _ in range(400):
        k = rng.binomial(n, p)
        counts = np.zeros((3, 2, 2), np.int64)
        counts[:, 1, 1], counts[:, 0, 0] = k, n - k
        tally = ClassTally(("g",), (("a",), ("b",), ("c",)), (0, 1), counts)
        low, high = group_disparity(tally, "selection_rate_to_overall_difference").interval
        held += low <= truth <= high
    assert held / 400 >= 0.94


def test_names_are_taken_apart():
    assert disparity_name("equalized_odds_ratio").compared == ("true_positive_rate", "false_positive_rate")
    assert disparity_name("conditional_demographic_parity_difference").conditional
    assert disparity_name("selection_rate_to_overall_difference").to_overall
    assert disparity_name("mean_absolute_error_difference").of_errors
    for none in ("accuracy", "nonsense_difference", "conditional_accuracy_to_overall_ratio", "r2_ratio"):
        assert disparity_name(none) is None
