"""Numbers are held to fairlearn and scikit-learn, whose definitions they are."""

from __future__ import annotations

import fairlearn.metrics as fair
import pytest
from sklearn import metrics as sk

from nbdeploy.documents import catalog
from nbdeploy.documents.measurement import Measurement
from nbdeploy.errors import DataError
from nbdeploy.validate.verdict.findings import find
from nbdeploy.validate.verdict.recomputable import standard_fairness
from nbdeploy.validate.verdict.recompute import recompute

PARTS = [("sex",), ("region",), ("sex", "region")]
TASKS = {"sensitive": ["sex", "region"], "min_group_size": 1}


@pytest.fixture
def rows(people):
    """Without missing groups: fairlearn drops those, we keep them."""
    return people.dropna().reset_index(drop=True)


@pytest.mark.parametrize("features", PARTS, ids=",".join)
@pytest.mark.parametrize("metric", catalog.STANDARD_GROUP_METRICS)
def test_group_metrics_are_fairlearns(declare, tally, rows, metric, features):
    found = recompute(tally(declare(**TASKS), rows), "fairness", metric, features)
    other = {"precision": sk.precision_score, "accuracy": sk.accuracy_score}
    theirs = fair.MetricFrame(
        metrics=other.get(metric) or getattr(fair, metric),
        y_true=rows["hired"],
        y_pred=(rows["score"] >= 0.5).astype(int),
        sensitive_features=rows[list(features)],
    )
    assert found.value == pytest.approx(theirs.overall, abs=1e-12)
    assert len(found.by_group) == len(theirs.by_group)
    for group in found.by_group:
        key = tuple(group.group.values()) if len(features) > 1 else group.group[features[0]]
        assert group.value == pytest.approx(theirs.by_group[key], abs=1e-12)
    assert sum(group.n for group in found.by_group) == len(rows)


@pytest.mark.parametrize("features", PARTS, ids=",".join)
@pytest.mark.parametrize("metric", catalog.STANDARD_DISPARITIES)
def test_disparities_are_fairlearns(declare, tally, rows, metric, features):
    found = recompute(tally(declare(**TASKS), rows), "fairness", metric, features)
    theirs = getattr(fair, metric)(
        rows["hired"], (rows["score"] >= 0.5).astype(int), sensitive_features=rows[list(features)]
    )
    assert found.value == pytest.approx(theirs, abs=1e-12)
    assert found.interval[0] <= found.value <= found.interval[1]
    assert found.pair is not None


def test_demographic_parity_is_of_the_favourable_outcome(declare, tally, people):
    """Berkeley-like: of what is good for the person, not of the positive class."""
    kept = recompute(tally(declare(favourable=0)), "fairness", "demographic_parity_ratio", ("sex",))
    called = recompute(tally(declare()), "fairness", "demographic_parity_ratio", ("sex",))
    decided = people["score"] >= 0.5
    rates = (~decided).groupby(people["sex"]).mean()
    assert kept.value == pytest.approx(rates.min() / rates.max(), abs=1e-12)
    assert kept.value != pytest.approx(called.value, abs=1e-3)


def test_a_missing_group_value_is_its_own_group(declare, tally, people):
    found = recompute(tally(declare(**TASKS)), "fairness", "selection_rate", ("region",))
    sizes = {group.group["region"]: group.n for group in found.by_group}
    assert sizes["(missing)"] == people["region"].isna().sum()
    assert sum(sizes.values()) == len(people)


def test_groups_under_the_minimum_are_excluded_by_name_and_still_shown(declare, tally):
    found = recompute(tally(declare(sensitive=["region"])), "fairness", "equal_opportunity_difference", ("region",))
    assert found.data["excluded"] == ["region=(missing)"]
    assert [group.group["region"] for group in found.by_group if group.excluded] == ["(missing)"]


def test_fewer_than_two_eligible_groups_leave_a_disparity_undefined(declare, tally, people):
    rows = people[people["sex"] == "male"].reset_index(drop=True)
    found = recompute(tally(declare(), rows), "fairness", "demographic_parity_ratio", ("sex",))
    assert found.value is None
    assert found.interval is None
    assert "fewer than two groups" in found.undefined


def test_nothing_over_nothing_is_undefined(declare, tally, people):
    rows = people.assign(score=0.0)
    found = recompute(tally(declare(), rows), "performance", "precision")
    assert found.value is None
    assert "0/0" in found.undefined


def test_a_slice_is_the_metric_of_its_rows(declare, tally, people):
    objective = declare(gates={"performance": {"recall": {"min": 0.5, "slice": "region == south"}}})
    found = recompute(tally(objective), "performance", "recall", slice="region == south")
    rows = people[people["region"] == "south"]
    assert found.value == pytest.approx(sk.recall_score(rows["hired"], rows["score"] >= 0.5))
    assert found.id == "performance.recall@region == south"
    assert found.n == len(rows)


def test_one_group_by_itself(declare, tally, people):
    found = recompute(tally(declare()), "fairness", "true_positive_rate", group={"sex": "female"})
    rows = people[people["sex"] == "female"]
    assert found.value == pytest.approx(sk.recall_score(rows["hired"], rows["score"] >= 0.5))
    assert found.id == "fairness.true_positive_rate@sex=female"
    with pytest.raises(DataError, match="sex=female; sex=male"):
        recompute(tally(declare()), "fairness", "true_positive_rate", group={"sex": "other"})


def test_scores_that_were_not_given_are_said_to_be_missing(declare, tally, people):
    rows = people.assign(predicted=(people["score"] >= 0.5).astype(int)).drop(columns="score")
    found = recompute(tally(declare(threshold=None), rows), "performance", "roc_auc")
    assert found.value is None
    assert "only decisions were given" in found.undefined


@pytest.mark.parametrize(
    ("task", "metric", "says"),
    [
        ("regression", "accuracy", "the task is regression"),
        ("binary", "mean_absolute_error", "the task is binary"),
        ("multiclass", "demographic_parity_ratio", "declare `favourable:`"),
        ("multiclass", "precision", "declare `positive:`"),
    ],
)
def test_a_metric_of_another_task_is_not_computed(declare, tally, people, task, metric, says):  # noqa: PLR0917 - fixtures
    objective = declare(task=task, threshold=None)
    rows = people.assign(predicted=people["hired"])
    assert says in recompute(tally(objective, rows), "fairness", metric, ("sex",)).undefined


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_standard_set_is_defined_for_every_task(declare, tally, people, task):
    objective = declare(task=task, threshold=None)
    tallies = tally(objective, people.assign(predicted=people["hired"]).assign(predicted=lambda d: d["predicted"]))
    for metric, features in standard_fairness(objective):
        found = recompute(tallies, "fairness", metric, features)
        assert found.undefined is None or "0/0" in found.undefined, found.id


def test_regression_groups_are_scikit_learns(declare, tally, people):
    objective = declare(task="regression", threshold=None)
    rows = people.assign(predicted=people["score"])
    found = recompute(tally(objective, rows), "fairness", "mean_absolute_error", ("sex",))
    for group in found.by_group:
        mine = rows[rows["sex"] == group.group["sex"]]
        assert group.value == pytest.approx(sk.mean_absolute_error(mine["hired"], mine["score"]))


def test_a_slice_without_a_row_is_one_sentence(declare, tally):
    with pytest.raises(DataError, match="no row lies in the slice 'score > 2'"):
        recompute(
            tally(declare(gates={"performance": {"recall": {"min": 0, "slice": "score > 2"}}})),
            "performance",
            "recall",
            slice="score > 2",
        )


def test_costs_are_computed_again_and_not_believed(declare, tally, people):
    objective = declare(
        costs={"false_positive": 5, "false_negative": 60},
        gates={"performance": {"expected_cost_per_1000": "<= 1"}},
    )
    told = Measurement(section="performance", metric="expected_cost_per_1000", value=0.0, interval=(0.0, 0.0))
    (finding,) = (f for f in find(objective, {"performance": [told]}, tally(objective)) if f.gate)
    said = (people["score"] >= 0.5).astype(int)
    wrong = 5 * ((said == 1) & (people["hired"] == 0)).sum() + 60 * ((said == 0) & (people["hired"] == 1)).sum()
    assert finding.recomputed
    assert finding.value == pytest.approx(1000 * wrong / len(people))
    assert finding.verdict == "fail"
