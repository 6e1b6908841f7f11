"""What a card tells of a change of version and of money: in the checks' own data, and in data that anybody wrote."""

from __future__ import annotations

from typing import Any

import pytest
from tests.report.card_examples import passing

from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Finding
from nbdeploy.report.charts import charts_for
from nbdeploy.report.charts.money import cost_curve, gains
from nbdeploy.report.sections.details import details
from nbdeploy.report.sections.succession import worse_than_before

GAINS = [
    {"metric": "accuracy", "model": 0.81, "before": 0.84, "gain": -0.03, "interval": [-0.05, -0.01], "words": "worse"},
    {"metric": "roc_auc", "model": None, "before": None, "gain": None, "interval": None, "words": "undefined"},
    {"metric": "log_loss", "model": 0.4, "before": 0.4, "gain": 0.0, "interval": None, "words": "the same"},
]
CURVE = {
    "threshold": [0.1, 0.5, 0.9],
    "cost": [40.0, 20.0, 60.0],
    "lower": [35.0, 15.0, 50.0],
    "upper": [45.0, 25.0, 70.0],
}


def found(metric: str, value: float | None = -0.03, **more: Any) -> Finding:
    features = more.get("features", ())
    id_ = f"performance.{metric}" + (f":{','.join(features)}" if features else "")
    return Finding(id=id_, section="performance", metric=metric, value=value, level=0.95, **more)


def with_findings(*findings: Finding) -> Evidence:
    evidence = passing()
    return evidence.model_copy(update={"findings": (*evidence.findings, *findings)})


def test_each_gain_stands_on_the_chart_with_its_sign_and_word():
    one = found("accuracy_gain_over_previous", data={"previous": "risk/3", "gains": GAINS})
    drawn = str(gains(one))
    assert "−0.030" in drawn
    assert "worse" in drawn
    assert "ROC AUC" not in drawn  # undefined: there is nothing to draw
    assert [chart.name for chart in charts_for(one)] == ["gains"]


def test_the_table_names_the_version_and_both_values():
    counted = {"gained": 12, "lost": 30, "p_value": 0.008}
    data = {"previous": "risk/3", "gains": GAINS, "discordant": counted}
    (block,) = details(found("accuracy_gain_over_previous", data=data))
    told = dict(block.rows)
    assert told["Compared with"] == "risk/3"
    assert told["Accuracy"] == "84.0\u00a0% before, 81.0\u00a0% now: worse"
    assert told["ROC AUC"] == "undefined"
    assert "30 rows" in told["Wrong now, right before"]


def test_what_is_worse_than_before_is_told_on_the_first_page():
    one = found("accuracy_gain_over_previous", interval=(-0.05, -0.01), data={"previous": "risk/3", "gains": GAINS})
    (point,) = worse_than_before(with_findings(one))
    assert point.title == "Worse than risk/3"
    assert "accuracy (−0.030" in point.text


def test_a_group_that_loses_is_named_though_all_gain():
    one = found("accuracy_gain_over_previous", 0.02, interval=(0.01, 0.03), data={"previous": "risk/3", "gains": GAINS})
    groups = found("accuracy_gain_over_previous", 0.02, features=("sex",), data={"worse": ["sex=f"]})
    (point,) = worse_than_before(with_findings(one, groups))
    assert "sex=f" in point.text
    assert point.findings == (groups.id,)


def test_what_may_be_chance_is_no_warning():
    one = found("accuracy_gain_over_previous", interval=(-0.05, 0.01), data={"previous": "risk/3", "gains": GAINS})
    assert not list(worse_than_before(with_findings(one)))


def test_the_costs_of_thresholds_are_drawn_with_the_cheapest_and_the_one_in_force():
    data = {"curve": CURVE, "at": 0.6, "cost": 20.0, "unit": "EUR", "per": "loan"}
    drawn = str(cost_curve(found("cheapest_threshold", 0.5, interval=(0.4, 0.6), data=data)))
    assert "in force" in drawn
    assert "cheapest: threshold 0.5" in drawn
    assert "EUR" in drawn


def test_amounts_carry_their_unit_and_no_more_digits_than_they_need():
    outcomes = [{"outcome": "false_positive", "cost": 5.0, "n": 100, "total": 512.3456}]
    kpis = [{"name": "late payers", "now": 60.0, "target": "<= 45", "by": "2027-12-31"}]
    data = {"outcomes": outcomes, "unit": "EUR", "per": "loan", "kpis": kpis}
    (block,) = details(found("expected_cost_per_1000", 512.3456, data=data))
    told = dict(block.rows)
    assert told["False positives"] == "100 rows at 5\u00a0EUR: 512.3\u00a0EUR of every 1,000 decisions"
    assert told["Business figure: late payers"] == "now 60, to be at most 45, by 2027-12-31"


@pytest.mark.parametrize(
    "data", [{}, {"gains": "none"}, {"gains": [{}]}, {"curve": {"threshold": [1]}}, {"classes": 3}]
)
@pytest.mark.parametrize(
    "metric", ["accuracy_gain_over_previous", "cheapest_threshold", "expected_cost_per_1000", "f1_macro", "mean_error"]
)
def test_data_that_an_edited_notebook_wrote_draws_nothing_and_breaks_nothing(metric: str, data: dict[str, Any]):
    one = found(metric, data=data)
    assert details(one) == ()
    assert charts_for(one) == ()
