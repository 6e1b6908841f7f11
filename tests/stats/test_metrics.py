"""Every metric equals scikit-learn's and fairlearn's where theirs is defined, and is undefined for 0/0."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as sk

from nbdeploy.stats import curves
from nbdeploy.stats.metrics import ERROR_SCORES, class_score, kinds, values
from nbdeploy.stats.rates import RATES
from nbdeploy.stats.tally import ClassTally, ErrorTally, ProbabilityTally, ScoreTally

EXACT = 1e-9


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(3)
    n = 700
    label = random.integers(0, 2, n)
    score = np.round(np.clip(random.normal(0.4 + 0.2 * label, 0.3), 0, 1), 2)
    return pa.table(
        {
            "sex": random.choice(["f", "m"], n),
            "band": random.integers(1, 4, n),
            "y": label,
            "s": score,
            "p": (score >= 0.5).astype(int),
            "t": random.normal(50, 9, n),
            "q": random.normal(50, 9, n),
            "c": random.integers(0, 4, n),
            "d": random.integers(0, 4, n),
        }
    )


FAIRLEARN = {
    "selection_rate": "selection_rate",
    "true_positive_rate": "true_positive_rate",
    "false_positive_rate": "false_positive_rate",
    "true_negative_rate": "true_negative_rate",
    "false_negative_rate": "false_negative_rate",
    "count": "count",
}


def test_group_metrics_equal_fairlearns(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fairlearn meets newer pandas and scikit-learn
        import fairlearn.metrics as fm

        functions = {name: getattr(fm, name) for name in FAIRLEARN} | {
            "precision": sk.precision_score,
            "accuracy": sk.accuracy_score,
            "recall": sk.recall_score,
            "f1": sk.f1_score,
            "balanced_accuracy": sk.balanced_accuracy_score,
            "matthews_corrcoef": sk.matthews_corrcoef,
        }
        frame = fm.MetricFrame(
            metrics=functions,
            y_true=rows["y"].to_numpy(),
            y_pred=rows["p"].to_numpy(),
            sensitive_features=rows.select(["sex", "band"]).to_pandas(),
        )
    tally = ClassTally.from_arrow(rows, label="y", predicted="p", features=["sex", "band"])
    for name in functions:
        theirs = [frame.by_group[name].loc[group] for group in tally.groups]
        assert values(tally, name) == pytest.approx(theirs, abs=EXACT), name
        assert values(tally.select(()), name)[0] == pytest.approx(frame.overall[name], abs=EXACT), name


def test_disparities_equal_fairlearns(rows):
    from nbdeploy.stats.disparity import group_disparity

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fairlearn meets newer pandas and scikit-learn
        import fairlearn.metrics as fm

        given = (rows["y"].to_numpy(), rows["p"].to_numpy())
        tally = ClassTally.from_arrow(rows, label="y", predicted="p", features=["band"])
        for name in (
            "demographic_parity_difference",
            "demographic_parity_ratio",
            "equalized_odds_difference",
            "equalized_odds_ratio",
            "equal_opportunity_difference",
            "equal_opportunity_ratio",
        ):
            theirs = getattr(fm, name)(*given, sensitive_features=rows["band"].to_numpy())
            assert group_disparity(tally, name).value == pytest.approx(theirs, abs=EXACT), name


def test_rates_of_several_classes_are_of_one_against_the_rest(rows):
    tally = ClassTally.from_arrow(rows, label="c", predicted="d")
    y, p = rows["c"].to_numpy(), rows["d"].to_numpy()
    for metric, theirs in {
        "precision": sk.precision_score(y == 2, p == 2),
        "recall": sk.recall_score(y == 2, p == 2),
        "specificity": sk.recall_score(y != 2, p != 2),
        "f1": sk.f1_score(y == 2, p == 2),
        "accuracy": sk.accuracy_score(y, p),
    }.items():
        assert values(tally, metric, positive=2)[0] == pytest.approx(theirs, abs=EXACT), metric
    assert values(tally, "favourable_rate", positive=2, favourable=3)[0] == pytest.approx((p == 3).mean(), abs=EXACT)


def test_scores_of_several_classes_equal_sklearns(rows):
    tally = ClassTally.from_arrow(rows, label="c", predicted="d")
    y, p = rows["c"].to_numpy(), rows["d"].to_numpy()
    for metric, theirs in {
        "balanced_accuracy": sk.balanced_accuracy_score(y, p),
        "recall_macro": sk.recall_score(y, p, average="macro"),
        "precision_macro": sk.precision_score(y, p, average="macro"),
        "f1_macro": sk.f1_score(y, p, average="macro"),
        "recall_weighted": sk.recall_score(y, p, average="weighted"),
        "precision_weighted": sk.precision_score(y, p, average="weighted"),
        "f1_weighted": sk.f1_score(y, p, average="weighted"),
        "matthews_corrcoef": sk.matthews_corrcoef(y, p),
    }.items():
        assert values(tally, metric)[0] == pytest.approx(theirs, abs=EXACT), metric


def test_a_class_that_is_only_predicted_counts_for_nothing_in_a_weighted_average():
    tally = ClassTally.from_arrow(pa.table({"y": [0, 0, 1, 1], "p": [0, 2, 1, 1]}), label="y", predicted="p")
    # Class 0: precision 1, F1 2/3; class 1: both 1; class 2 has no true row. Worked by hand.
    assert values(tally, "precision_weighted")[0] == pytest.approx(1)
    assert values(tally, "f1_weighted")[0] == pytest.approx((2 / 3 + 1) / 2)
    never_said = ClassTally.from_arrow(pa.table({"y": [0, 1], "p": [0, 0]}), label="y", predicted="p")
    assert np.isnan(values(never_said, "precision_weighted")[0])


def test_scores_of_a_ranking_equal_sklearns(rows):
    tally = ScoreTally.from_arrow(rows, label="y", score="s", features=["sex"])
    whole = rows.to_pandas()
    for part, at in ((whole, None), (whole[whole.sex == "f"], 0), (whole[whole.sex == "m"], 1)):
        for metric, function in {
            "roc_auc": sk.roc_auc_score,
            "average_precision": sk.average_precision_score,
            "brier_score": sk.brier_score_loss,
            "log_loss": sk.log_loss,
        }.items():
            ours = values(tally.select(()), metric)[0] if at is None else values(tally, metric)[at]
            assert ours == pytest.approx(function(part.y, part.s), abs=EXACT), metric


def test_calibration_error_equals_one_made_from_sklearns_curve(rows):
    from sklearn.calibration import calibration_curve

    y, s = rows["y"].to_numpy(), rows["s"].to_numpy()
    share, mean = calibration_curve(y, s, n_bins=10)
    counted = np.bincount(np.searchsorted(np.linspace(0, 1, 11)[1:-1], s), minlength=10)
    theirs = (counted[counted > 0] / len(y) * np.abs(share - mean)).sum()
    tally = ScoreTally.from_arrow(rows, label="y", score="s")
    assert values(tally, "expected_calibration_error")[0] == pytest.approx(theirs, abs=EXACT)
    drawn = curves.reliability(tally)
    assert drawn["share"] == pytest.approx(list(share), abs=EXACT)
    assert drawn["mean_score"] == pytest.approx(list(mean), abs=EXACT)


def test_regression_metrics_equal_sklearns_even_far_from_zero(rows):
    y, p = rows["t"].to_numpy() + 1e7, rows["q"].to_numpy() + 1e7
    tally = ErrorTally.from_arrow(pa.table({"y": y, "p": p}), label="y", predicted="p")
    for metric, theirs in zip(
        ERROR_SCORES,
        (sk.mean_absolute_error(y, p), sk.root_mean_squared_error(y, p), (p - y).mean(), sk.r2_score(y, p)),
        strict=True,
    ):
        assert values(tally, metric)[0] == pytest.approx(theirs, abs=1e-7), metric


def test_correlation_of_a_hundred_million_rows_keeps_its_digits():
    counts = np.array([[40_000_000, 10_000_001], [10_000_003, 40_000_007]])
    assert class_score(counts * 1000, "matthews_corrcoef") == pytest.approx(
        class_score(counts, "matthews_corrcoef"), rel=1e-12
    )


@pytest.mark.parametrize(
    ("label", "predicted", "undefined"),
    [
        ([0, 0], [0, 1], ["true_positive_rate", "false_negative_rate", "recall", "balanced_accuracy", "recall_macro"]),
        ([1, 1], [0, 1], ["false_positive_rate", "true_negative_rate", "specificity", "balanced_accuracy"]),
        ([0, 1], [0, 0], ["precision", "precision_macro", "matthews_corrcoef"]),
        ([0, 0], [0, 0], ["precision", "f1", "f1_macro", "matthews_corrcoef"]),
    ],
)
def test_nought_by_nought_is_undefined(label, predicted, undefined):
    tally = ClassTally.from_arrow({"y": label, "p": predicted}, label="y", predicted="p", classes=(0, 1))
    for metric in undefined:
        assert np.isnan(values(tally, metric)[0]), metric


def test_no_metric_of_an_empty_tally_is_a_number():
    nothing = pa.table({"y": pa.array([], pa.int64()), "p": pa.array([], pa.float64())})
    tallies = {
        ClassTally: ClassTally.from_arrow(nothing, label="y", predicted="p", classes=(0, 1)),
        ScoreTally: ScoreTally.from_arrow(nothing, label="y", score="p"),
        ProbabilityTally: ProbabilityTally.from_arrow(nothing, label="y", scores={0: "p"}),
        ErrorTally: ErrorTally.from_arrow(nothing, label="y", predicted="p"),
    }
    for metric, kind in ((metric, kind) for metric, found in kinds().items() for kind in found):
        value = values(tallies[kind], metric)
        assert value.shape == (1,)
        assert value[0] == 0 if metric == "count" else np.isnan(value[0]), metric


def test_scores_outside_nought_and_one_rank_but_have_no_loss():
    tally = ScoreTally.from_arrow({"y": [0, 1, 1], "s": [-2.0, 0.5, 7.0]}, label="y", score="s")
    assert values(tally, "roc_auc")[0] == 1
    for metric in ("brier_score", "log_loss", "expected_calibration_error"):
        assert np.isnan(values(tally, metric)[0]), metric


def test_a_metric_of_another_tally_is_refused():
    tally = ClassTally.from_arrow({"y": [0], "p": [0]}, label="y", predicted="p")
    with pytest.raises(ValueError, match="does not follow from a ClassTally"):
        values(tally, "roc_auc")


def test_a_class_that_nobody_has_gives_zero_rates_not_an_error():
    tally = ClassTally.from_arrow({"y": [0, 0], "p": [0, 0]}, label="y", predicted="p")
    assert values(tally, "selection_rate", positive=1)[0] == 0
    assert np.isnan(values(tally, "recall", positive=1)[0])
    assert set(RATES) <= set(kinds())


def test_published_area_under_the_curve():
    """Hanley and McNeil (1982), Radiology 143:29–36, table I: 109 CT images rated 1 to 5, area 0.893."""
    from nbdeploy.stats.ranking import roc_auc

    assert roc_auc([33, 6, 6, 11, 2], [3, 2, 2, 11, 33]) == pytest.approx(0.893, abs=5e-4)


def test_curves_pass_through_sklearns_points(rows):
    y, s = rows["y"].to_numpy(), rows["s"].to_numpy()
    tally = ScoreTally.from_arrow(rows, label="y", score="s", features=["sex"])
    fpr, tpr, _ = sk.roc_curve(y, s, drop_intermediate=False)
    ours = curves.roc_curve(tally)
    assert ours["threshold"][0] is None
    assert ours["false_positive_rate"] == pytest.approx(list(fpr), abs=EXACT)
    assert ours["true_positive_rate"] == pytest.approx(list(tpr), abs=EXACT)
    precision, recall, threshold = sk.precision_recall_curve(y, s)
    ours = curves.pr_curve(tally)
    assert ours["threshold"] == pytest.approx(list(threshold[::-1]), abs=EXACT)
    assert ours["precision"] == pytest.approx(list(precision[-2::-1]), abs=EXACT)
    assert ours["recall"] == pytest.approx(list(recall[-2::-1]), abs=EXACT)
    at = curves.threshold_curve(tally)
    half = at["threshold"].index(0.5)
    assert at["accuracy"][half] == pytest.approx(sk.accuracy_score(y, s >= 0.5), abs=EXACT)
    assert at["specificity"][half] == pytest.approx(sk.recall_score(1 - y, s < 0.5), abs=EXACT)
    drawn = curves.histogram(tally)
    assert sum(drawn["negatives"]) + sum(drawn["positives"]) == len(y)


def test_long_curves_are_thinned_and_keep_both_ends():
    random = np.random.default_rng(0)
    tally = ScoreTally.from_arrow({"y": random.integers(0, 2, 5000), "s": random.random(5000)}, label="y", score="s")
    for curve, end in ((curves.roc_curve, "true_positive_rate"), (curves.pr_curve, "recall")):
        points = curve(tally)
        assert len(points[end]) <= curves.POINTS
        assert points[end][-1] == 1


def test_curves_without_both_classes_are_empty():
    tally = ScoreTally.from_arrow({"y": [0, 0], "s": [0.1, 0.2]}, label="y", score="s")
    assert curves.roc_curve(tally)["threshold"] == curves.pr_curve(tally)["threshold"] == []
