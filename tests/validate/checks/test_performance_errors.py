"""Errors of a regression: quantiles of all rows, pictures of the rows at hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.objective import Objective
from nbdeploy.stats.metrics import ERROR_QUANTILES
from nbdeploy.validate.checks import performance as check
from nbdeploy.validate.checks.fairness import group_metrics
from nbdeploy.validate.holding import hold, hold_beside
from nbdeploy.validate.verdict.findings import find


def declared(**more) -> Objective:
    content = {"name": "cost", "task": "regression", "target": "y", "predicted": "said"}
    return Objective.model_validate(content | {"gates": {"performance": {"r2": ">= 0"}}} | more)


@pytest.fixture
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    truth = rng.normal(0, 1, 800)
    return pd.DataFrame({"y": truth, "said": truth + rng.normal(0.3, 1, 800), "sex": rng.choice(["f", "m"], 800)})


def test_quantiles_of_the_errors_stand_with_their_limits(from_predictions, rows, recorded):
    context = from_predictions(rows, declared()).context("performance")
    check.prediction_errors(context)
    shown = check.residuals(context)
    found = recorded(context)
    for metric, share in ERROR_QUANTILES.items():
        one = found[f"performance.{metric}"]
        assert one.value == pytest.approx(np.quantile(rows["said"] - rows["y"], share, method="inverted_cdf"))
        assert one.interval[0] < one.value < one.interval[1]
        assert one.method == "order statistics, binomial ranks"
    assert next(row[0] for row in shown.table.rows) == "Residual, 5 % quantile"
    along = found["performance.mean_error"].data["residuals"]
    assert [part["n"] for part in along] == [80] * 10
    assert all(part["q05"] < part["q25"] < part["q50"] < part["q75"] < part["q95"] for part in along)


def test_quantiles_are_of_all_rows_though_a_sample_is_at_hand(from_predictions, rows, recorded):
    run = from_predictions(rows, declared())
    hold(run.workspace, "data", 200)
    hold_beside(run.workspace, "predictions")
    context = run.context("performance")
    shown = check.residuals(context)
    one = recorded(context)["performance.residual_quantile_95"]
    assert context.held < context.rows
    assert one.n == 800
    assert one.value == np.quantile(rows["said"] - rows["y"], 0.95, method="inverted_cdf")
    assert "sampled rows, the table of all" in shown.text


def test_a_gate_on_a_quantile_is_judged_on_our_own_number(from_predictions, rows):
    gates = {
        "performance": {"residual_quantile_95": "<= 5"},
        "fairness": {"residual_quantile_05": {"min": -5, "group": ["sex"]}},
    }
    run = from_predictions(rows, declared(sensitive=["sex"], gates=gates))
    told = Measurement(section="performance", metric="residual_quantile_95", value=99.0, interval=(98.0, 99.5))
    context = run.context("performance")
    found = {one.id: one for one in find(context.objective, {"performance": [told], "fairness": []}, context.tallies)}
    high = found["performance.residual_quantile_95"]
    assert (high.verdict, high.recomputed) == ("pass", True)
    assert high.value < 5
    low = next(one for one in found.values() if one.section == "fairness" and one.gate)
    assert low.verdict == "pass"
    assert {group.group["sex"] for group in low.by_group} == {"f", "m"}


def test_the_spread_of_errors_of_every_group_stands_in_the_table_and_the_picture(from_predictions, rows, recorded):
    context = from_predictions(rows, declared(sensitive=["sex"])).context("fairness")
    shown = group_metrics(context)
    assert shown.table.heads[-3:] == ("Middle error", "Half of errors", "Nine of ten errors")
    assert len(shown.figure.axes) == 2
    found = recorded(context)
    error = rows["said"] - rows["y"]
    for group in found["fairness.residual_quantile_05:sex"].by_group:
        mine = error[rows["sex"] == group.group["sex"]]
        assert group.value == np.quantile(mine, 0.05, method="inverted_cdf")
        assert group.n == len(mine)


def test_groups_too_small_and_too_many_for_a_picture_are_still_told(from_predictions, rows, recorded):
    many = rows.assign(office=[f"office {n % 80:02}" for n in range(len(rows))])
    context = from_predictions(many, declared(sensitive=["office"])).context("fairness")
    shown = group_metrics(context)
    assert shown.figure is None
    assert len(shown.table.rows) == 80
    assert all("*" in row[-3] for row in shown.table.rows)
    (first, *_) = recorded(context)["fairness.residual_quantile_95:office"].by_group
    assert (first.n, first.excluded, first.interval[1]) == (10, True, np.inf)
