"""Values that fairlearn's user guide prints, and equality with its MetricFrame on random tables."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as sk

from nbdeploy.stats.disparity import group_disparity
from nbdeploy.stats.metrics import values
from nbdeploy.stats.rates import RATES
from nbdeploy.stats.tally import ClassTally, ErrorTally, ScoreTally

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # fairlearn meets newer pandas and scikit-learn
    import fairlearn.metrics as fm

# fairlearn/fairlearn, docs/user_guide/assessment/perform_fairness_assessment.rst and, with a second feature,
# intersecting_groups.rst; the tables below are the outputs printed there.
TRUTH = [0, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1]
SAID = [0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0]
GROUP = list("bbabbcccaacabccbcc")
SECOND = [8, 6, 8, 8, 8, 8, 6, 6, 6, 8, 6, 6, 6, 6, 8, 6, 6, 6]
WEIGHTS = [1, 2, 1, 3, 2, 3, 1, 2, 1, 2, 3, 1, 2, 3, 2, 3, 1, 1]

TPR, FPR, SELECTED = "true_positive_rate", "false_positive_rate", "selection_rate"
OVERALL = {TPR: 0.5, FPR: 0.666667, SELECTED: 0.555556, "count": 18}
BY_GROUP = {TPR: [0.5, 0.6, 0.4], FPR: [1, 0, 0.666667], SELECTED: [0.75, 0.5, 0.5], "count": [4, 6, 8]}
DISPARITIES = {
    "difference": {TPR: 0.2, FPR: 1.0, SELECTED: 0.25},
    "ratio": {TPR: 0.666667, FPR: 0.0, SELECTED: 0.666667},
    "to_overall_difference": {TPR: 0.1, FPR: 0.666667, SELECTED: 0.194444},
    "to_overall_ratio": {TPR: 0.8, FPR: 0.0, SELECTED: 0.740741},
}
PRINTED = 1e-6
"""The guide prints six digits."""


@pytest.fixture(scope="module")
def toy():
    columns = {"y": TRUTH, "p": SAID, "SF 0": GROUP, "SF 1": SECOND, "w": WEIGHTS}
    return pa.table(columns)


def test_metrics_by_group_as_the_user_guide_prints_them(toy):
    tally = ClassTally.from_arrow(toy, label="y", predicted="p", features=["SF 0"])
    for metric, printed in OVERALL.items():
        assert values(tally.select(()), metric)[0] == pytest.approx(printed, abs=PRINTED), metric
        assert values(tally, metric) == pytest.approx(BY_GROUP[metric], abs=PRINTED), metric


@pytest.mark.parametrize("against", DISPARITIES)
def test_differences_and_ratios_as_the_user_guide_prints_them(toy, against):
    tally = ClassTally.from_arrow(toy, label="y", predicted="p", features=["SF 0"])
    for metric, printed in DISPARITIES[against].items():
        assert group_disparity(tally, f"{metric}_{against}").value == pytest.approx(printed, abs=PRINTED), metric


def test_common_fairness_metrics_as_the_user_guide_prints_them(toy):
    """common_fairness_metrics.rst of the same guide."""
    tally = ClassTally.from_arrow(toy, label="y", predicted="p", features=["SF 0"])
    for name, printed in {
        "demographic_parity_difference": 0.25,
        "demographic_parity_ratio": 2 / 3,
        "equalized_odds_difference": 1.0,
        "equalized_odds_ratio": 0.0,
    }.items():
        assert group_disparity(tally, name).value == pytest.approx(printed, abs=1e-5), name


def test_crossed_groups_as_the_user_guide_prints_them(toy):
    tally = ClassTally.from_arrow(toy, label="y", predicted="p", features=["SF 0", "SF 1"])
    assert tally.groups == (("a", 6), ("a", 8), ("b", 6), ("b", 8), ("c", 6), ("c", 8))
    assert values(tally, "recall") == pytest.approx([0, 1, 0.666667, 0.5, 0.5, 0], abs=PRINTED)
    assert values(tally, "precision") == pytest.approx([0, 0.5, 1, 1, 0.666667, 0], abs=PRINTED)
    assert values(tally, "count").tolist() == [2, 2, 3, 3, 6, 2]


def test_weighted_rows_as_the_user_guide_prints_them(toy):
    """advanced_metricframe.rst of the same guide: recall with ``sample_weight``."""
    tally = ClassTally.from_arrow(toy, label="y", predicted="p", features=["SF 0"], weight="w")
    assert values(tally, "recall") == pytest.approx([0.5, 0.583333, 0.25], abs=PRINTED)
    assert values(tally.select(()), "recall")[0] == pytest.approx(0.454545, abs=PRINTED)


def test_accuracy_within_control_features_as_the_user_guide_prints_it():
    """intersecting_groups.rst: the largest difference within H is 0.55, within L 0.2142…"""
    tally = ClassTally.from_arrow(
        {
            "y": [int(c) for c in "000110110101010101010110111110"],
            "p": [int(c) for c in "110110101010101110001110011001"],
            "CF": list("HLHLHLLHHLLHHLLHLLHHLHLLHHLLHL"),
            "SF": list("ABBCCBAABACBCACCBBCABBCABABBAA"),
        },
        label="y",
        predicted="p",
        features=["CF", "SF"],
    )
    assert values(tally.select(["CF"]), "accuracy") == pytest.approx([0.42857, 0.375], abs=1e-5)
    assert values(tally, "accuracy") == pytest.approx([0.2, 0.4, 0.75, 0.4, 0.285714, 0.5], abs=PRINTED)
    found = group_disparity(tally, "conditional_accuracy_difference", control=["CF"])
    assert found.value == pytest.approx(0.55, abs=PRINTED)
    assert [tally.named(at) for at in found.pair] == [{"CF": "H", "SF": "A"}, {"CF": "H", "SF": "C"}]


FUNCTIONS = {
    **{name: getattr(fm, name) for name in (SELECTED, TPR, FPR, "true_negative_rate", "false_negative_rate")},
    "favourable_rate": fm.selection_rate,
    "recall": sk.recall_score,
    "specificity": fm.true_negative_rate,
    "precision": sk.precision_score,
    "accuracy": sk.accuracy_score,
}


def test_every_rate_has_its_function_of_fairlearn_or_sklearn():
    assert set(FUNCTIONS) == set(RATES)


@pytest.mark.parametrize("seed", range(4))
def test_extremes_differences_and_ratios_of_every_rate_equal_metric_frames(seed):
    random = np.random.default_rng(seed)
    counts = random.integers(1, 30, (seed + 2, 2, 2))  # no cell is empty, where the two define 0/0 otherwise
    cells = np.array([cell for cell, k in np.ndenumerate(counts) for _ in range(k)])
    group, truth, said = cells.T
    tally = ClassTally(("g",), tuple((g,) for g in range(len(counts))), (0, 1), counts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fairlearn meets newer pandas and scikit-learn
        frame = fm.MetricFrame(metrics=FUNCTIONS, y_true=truth, y_pred=said, sensitive_features=group)
        theirs = {
            f"{against}_{kind}".lstrip("_"): getattr(frame, kind)(method=method)
            for against, method in (("", "between_groups"), ("to_overall", "to_overall"))
            for kind in ("difference", "ratio")
        }
        least, most = frame.group_min(), frame.group_max()
        named = {
            (name, method): getattr(fm, name)(truth, said, sensitive_features=group, method=method)
            for name in NAMED
            for method in ("between_groups", "to_overall")
        }
    for metric in RATES:
        ours = values(tally, metric)
        assert (ours.min(), ours.max()) == pytest.approx((least[metric], most[metric]), abs=1e-12), metric
        for against, table in theirs.items():
            found = group_disparity(tally, f"{metric}_{against}")
            assert found.value == pytest.approx(table[metric], abs=1e-12), (metric, against)
            assert found.interval[0] - 1e-9 <= found.value <= found.interval[1] + 1e-9, (metric, against)
    for (name, method), value in named.items():
        base, _, kind = name.rpartition("_")
        ours = f"{base}_to_overall_{kind}" if method == "to_overall" else name
        assert group_disparity(tally, ours).value == pytest.approx(value, abs=1e-12), ours


NAMED = [
    f"{base}_{kind}"
    for base in ("demographic_parity", "equalized_odds", "equal_opportunity")
    for kind in ("difference", "ratio")
]


def test_scores_and_errors_by_group_equal_metric_frames():
    random = np.random.default_rng(1)
    n = 400
    columns = {
        "g": random.choice(["a", "b", "c"], n),
        "y": random.integers(0, 2, n),
        "s": random.random(n).round(3),
        "t": random.normal(5, 2, n),
        "q": random.normal(5, 2, n),
    }
    scored = ScoreTally.from_arrow(columns, label="y", score="s", features=["g"])
    erred = ErrorTally.from_arrow(columns, label="t", predicted="q", features=["g"])
    parts = {
        ("y", "s"): {
            "roc_auc": sk.roc_auc_score,
            "average_precision": sk.average_precision_score,
            "brier_score": sk.brier_score_loss,
            "log_loss": sk.log_loss,
        },
        ("t", "q"): {
            "mean_absolute_error": sk.mean_absolute_error,
            "root_mean_squared_error": sk.root_mean_squared_error,
            "r2": sk.r2_score,
        },
    }
    for (truth, said), functions in parts.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # fairlearn meets newer pandas and scikit-learn
            frame = fm.MetricFrame(
                metrics=functions, y_true=columns[truth], y_pred=columns[said], sensitive_features=columns["g"]
            )
            by_group, apart = frame.by_group.sort_index(), frame.difference()
        tally = scored if truth == "y" else erred
        for metric in functions:
            assert values(tally, metric) == pytest.approx(by_group[metric].to_numpy(), abs=1e-9), metric
            if metric in ("mean_absolute_error", "root_mean_squared_error"):
                found = group_disparity(tally, f"{metric}_difference")
                assert found.value == pytest.approx(apart[metric], abs=1e-9), metric


@pytest.mark.parametrize("seed", range(3))
def test_averages_over_classes_by_group_equal_metric_frames(seed):
    random = np.random.default_rng(seed)
    n = 600
    columns = {name: random.integers(0, 4, n) for name in ("y", "p", "g")}
    averages = {
        f"{name}_{average}": lambda y, p, f=function, a=average: f(y, p, average=a)
        for name, function in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score))
        for average in ("macro", "weighted")
    }
    functions = averages | {
        "balanced_accuracy": sk.balanced_accuracy_score,
        "matthews_corrcoef": sk.matthews_corrcoef,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fairlearn meets newer pandas and scikit-learn
        frame = fm.MetricFrame(
            metrics=functions, y_true=columns["y"], y_pred=columns["p"], sensitive_features=columns["g"]
        ).by_group.sort_index()
    tally = ClassTally.from_arrow(columns, label="y", predicted="p", features=["g"])
    for metric in functions:
        assert values(tally, metric) == pytest.approx(frame[metric].to_numpy(), abs=1e-9), metric
