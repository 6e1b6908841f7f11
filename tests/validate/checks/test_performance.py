"""The performance section: numbers that follow from the rows, and what is said where they cannot be had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn import metrics

from nbdeploy.documents.objective import Objective
from nbdeploy.validate.checks import performance as check
from nbdeploy.validate.context import Context
from nbdeploy.validate.data.columns import LABEL, PREDICTED, SCORE
from nbdeploy.validate.verdict.findings import find
from nbdeploy.validate.verdict.tallies import Tallies
from nbdeploy.validate.workspace import Workspace

NAMES = {"label": LABEL, "predicted": PREDICTED, "score": SCORE}


def declared(**more) -> Objective:
    content = {"name": "loan", "task": "binary", "target": "label", "sensitive": ["sex"]}
    return Objective.model_validate(content | {"gates": {"performance": {"accuracy": ">= 0.5"}}} | more)


def opened(folder: Path, objective: Objective, rows: pd.DataFrame, before: pd.DataFrame | None = None) -> Context:
    """Return the context of a run on these rows: columns label, predicted, perhaps score, and those of groups."""
    answers = pa.Table.from_pandas(rows.rename(columns=NAMES), preserve_index=False)
    workspace = Workspace.create(
        folder,
        objective,
        data=pa.Table.from_pandas(rows.drop(columns=["predicted", "score"], errors="ignore"), preserve_index=False),
        predictions=answers,
        previous="loan/3" if before is not None else None,
    )
    if before is not None:
        table = before.assign(label=rows["label"]).rename(columns=NAMES)
        workspace.write("previous", pa.Table.from_pandas(table, preserve_index=False).to_batches())
    return Context("performance", workspace.slot("performance"), governed=True)


def people(n: int = 1500) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows that the second model answers better, but not those of women."""
    rng = np.random.default_rng(4)
    sex = rng.choice(["f", "m", None], n, p=[0.28, 0.7, 0.02])
    label = (rng.random(n) < 0.4).astype(int)
    old = np.clip(0.5 + 0.18 * (2 * label - 1) + rng.normal(0, 0.25, n), 0, 1)
    new = np.where(sex == "f", np.clip(0.5 + rng.normal(0, 0.25, n), 0, 1), 0.5 + 0.4 * (2 * label - 1))
    rows = pd.DataFrame({"label": label, "predicted": (new >= 0.5).astype(int), "score": new, "sex": sex})
    return rows, pd.DataFrame({"predicted": (old >= 0.5).astype(int), "score": old})


class TestAgainstTheVersionBefore:
    def test_every_gain_is_the_difference_of_scikit_learns_two_numbers(self, tmp_path, recorded):
        rows, before = people()
        context = opened(tmp_path / "w", declared(), rows, before)
        check.gains_over_previous(context)
        found = {key.removeprefix("performance."): one for key, one in recorded(context).items()}
        truth = rows["label"]
        of_decisions = {
            "accuracy": metrics.accuracy_score,
            "recall": metrics.recall_score,
            "specificity": lambda y, p: metrics.recall_score(y, p, pos_label=0),
        }
        of_scores = {"roc_auc": metrics.roc_auc_score, "average_precision": metrics.average_precision_score}
        losses = {"brier_score": metrics.brier_score_loss, "log_loss": metrics.log_loss}
        expected = (
            {name: f(truth, rows["predicted"]) - f(truth, before["predicted"]) for name, f in of_decisions.items()}
            | {name: f(truth, rows["score"]) - f(truth, before["score"]) for name, f in of_scores.items()}
            | {name: f(truth, before["score"]) - f(truth, rows["score"]) for name, f in losses.items()}
        )
        for name, value in expected.items():
            one = found[f"{name}_gain_over_previous"]
            assert one.value == pytest.approx(value, abs=1e-9), name
            assert one.interval[0] < value < one.interval[1], name
        assert found["accuracy_gain_over_previous"].data["previous"] == "loan/3"
        assert [one["metric"] for one in found["accuracy_gain_over_previous"].data["gains"]] == list(expected)

    def test_an_average_gain_does_not_hide_the_group_that_loses(self, tmp_path, recorded):
        rows, before = people()
        context = opened(tmp_path / "w", declared(), rows, before)
        said = check.gains_by_group(context)
        one = recorded(context)["performance.accuracy_gain_over_previous:sex"]
        assert one.interval[0] > 0
        assert one.data["worse"] == ["sex=f"]
        assert "sex=f" in said.text
        assert sum(group.n for group in one.by_group) == len(rows)
        assert [group.group["sex"] for group in one.by_group] == ["f", "m", "(missing)"]

    def test_a_gate_on_groups_fails_for_the_group_that_loses(self, tmp_path, recorded):
        rows, before = people()
        gates = {"performance": {"recall_gain_over_previous": {"min": -0.02, "group": "sex"}}}
        objective = declared(gates=gates)
        context = opened(tmp_path / "w", objective, rows, before)
        check.gains_over_previous(context)
        check.gains_by_group(context)
        tallies = Tallies(context._workspace.rows("predictions"), objective)
        findings = find(objective, {"performance": list(recorded(context).values())}, tallies)
        (gated,) = [finding for finding in findings if finding.gate]
        assert gated.id == "performance.recall_gain_over_previous:sex"
        assert gated.verdict == "fail"
        assert "sex=f" in gated.reason

    @pytest.mark.parametrize(
        ("part", "where", "verdict"),
        [
            ({"slice": "sex == f"}, "sex == f", "fail"),
            ({"slice": "sex == m and age >= 40"}, "sex == m and age >= 40", "pass"),
            ({"group": {"sex": "f"}}, "sex=f", "fail"),
            ({"group": {"sex": "m"}, "slice": "age >= 40"}, "sex=m and age >= 40", "pass"),
            ({"group": {"sex": "m"}, "slice": "age >= 69"}, "sex=m and age >= 69", "not_evaluated"),
        ],
        ids=str,
    )
    def test_a_gate_on_a_part_of_the_rows_is_judged_by_those_alone(self, tmp_path, recorded, part, where, verdict):
        rows, before = people()
        rows["age"] = np.random.default_rng(0).integers(20, 70, len(rows))
        objective = declared(gates={"performance": {"accuracy_gain_over_previous": {"min": -0.01} | part}})
        context = opened(tmp_path / "w", objective, rows, before)
        check.gains_over_previous(context)
        findings = find(objective, {"performance": list(recorded(context).values())}, context.tallies)
        (gated,) = [finding for finding in findings if finding.gate]
        assert gated.id == f"performance.accuracy_gain_over_previous@{where}"
        assert gated.verdict == verdict
        mine = rows["sex"] == ("f" if "f" in where else "m")
        mine &= rows["age"] >= (int(where.split(">= ")[1]) if ">=" in where else 0)
        if verdict == "not_evaluated":
            assert f"has {mine.sum()} rows that count, under the minimum of 30" in gated.reason
            return
        right = [(said["predicted"] == rows["label"])[mine].mean() for said in (rows, before)]
        assert gated.value == pytest.approx(right[0] - right[1], abs=1e-12)
        assert gated.n == mine.sum()

    def test_the_groups_of_a_slice_are_judged_together(self, tmp_path, recorded):
        rows, before = people()
        rows["age"] = np.random.default_rng(0).integers(20, 70, len(rows))
        gates = {"performance": {"accuracy_gain_over_previous": {"min": -0.01, "group": "sex", "slice": "age < 45"}}}
        context = opened(tmp_path / "w", declared(gates=gates), rows, before)
        check.gains_over_previous(context)
        check.gains_by_group(context)
        one = recorded(context)["performance.accuracy_gain_over_previous:sex@age < 45"]
        young = rows["age"] < 45
        assert {group.group["sex"]: group.n for group in one.by_group} == {
            "f": (young & (rows["sex"] == "f")).sum(),
            "m": (young & (rows["sex"] == "m")).sum(),
            "(missing)": (young & rows["sex"].isna()).sum(),
        }
        assert one.n == young.sum()
        (gated,) = [f for f in find(context.objective, {"performance": [one]}, context.tallies) if f.gate]
        assert gated.verdict == "fail"
        assert "sex=f" in gated.reason

    def test_a_gate_on_a_part_says_why_a_first_version_has_no_gain(self, tmp_path, recorded):
        rows, _ = people(200)
        gates = {"performance": {"accuracy_gain_over_previous": {"min": 0, "slice": "sex == f"}}}
        context = opened(tmp_path / "w", declared(gates=gates), rows)
        check.gains_over_previous(context)
        (one,) = recorded(context).values()
        assert one.id == "performance.accuracy_gain_over_previous@sex == f"
        assert "no other registered version" in one.undefined

    def test_a_first_version_records_nothing_that_no_gate_asks_for(self, tmp_path, recorded):
        rows, _ = people(200)
        context = opened(tmp_path / "w", declared(), rows)
        assert "no other registered version" in check.gains_over_previous(context).text
        check.gains_by_group(context)
        assert not recorded(context)

    def test_a_gate_on_a_gain_over_nothing_says_why_it_is_not_evaluated(self, tmp_path, recorded):
        rows, _ = people(200)
        gates = {"performance": {"roc_auc_gain_over_previous": ">= -0.01"}}
        context = opened(tmp_path / "w", declared(gates=gates), rows)
        check.gains_over_previous(context)
        (one,) = recorded(context).values()
        assert one.value is None
        assert "no other registered version" in one.undefined

    def test_a_version_that_gave_no_scores_is_compared_by_decisions(self, tmp_path, recorded):
        rows, before = people(200)
        gates = {"performance": {"roc_auc_gain_over_previous": ">= -0.01"}}
        context = opened(tmp_path / "w", declared(gates=gates), rows, before[["predicted"]])
        check.gains_over_previous(context)
        found = recorded(context)
        assert found["performance.accuracy_gain_over_previous"].value is not None
        assert "no scores" in found["performance.roc_auc_gain_over_previous"].undefined

    def test_classes_are_the_same_whatever_type_writes_them(self, tmp_path, recorded):
        rows, before = people(300)
        before = before.assign(predicted=before["predicted"].astype(float))
        context = opened(tmp_path / "w", declared(), rows, before)
        check.gains_over_previous(context)
        expected = (rows["predicted"] == rows["label"]).mean() - (before["predicted"] == rows["label"]).mean()
        assert recorded(context)["performance.accuracy_gain_over_previous"].value == pytest.approx(expected)

    def test_a_regression_is_compared_by_its_errors(self, tmp_path, recorded):
        rng = np.random.default_rng(1)
        truth = rng.normal(100, 20, 400)
        rows = pd.DataFrame({"label": truth, "predicted": truth + rng.normal(0, 5, 400), "sex": "f"})
        before = pd.DataFrame({"predicted": truth + rng.normal(0, 9, 400)})
        context = opened(
            tmp_path / "w", declared(task="regression", gates={"performance": {"r2": ">= 0"}}), rows, before
        )
        shown = check.gains_over_previous(context)
        found = recorded(context)
        errors = [metrics.root_mean_squared_error(truth, said["predicted"]) for said in (before, rows)]
        one = found["performance.root_mean_squared_error_gain_over_previous"]
        assert one.value == pytest.approx(errors[0] - errors[1])
        assert one.interval[0] > 0
        assert "better" in shown.table.rows[1]


COSTS = {"false_positive": 5, "false_negative": 60, "unit": "EUR", "per": "loan"}


class TestCosts:
    def test_costs_and_savings_are_sums_over_rows(self, tmp_path, recorded):
        rows, before = people()
        context = opened(tmp_path / "w", declared(costs=COSTS), rows, before)
        check.expected_costs(context)
        found = recorded(context)

        def paid(predicted: pd.Series) -> float:
            wrong = predicted != rows["label"]
            return 1000 * float(np.where(wrong, np.where(rows["label"] == 1, 60, 5), 0).mean())

        now, old = paid(rows["predicted"]), paid(before["predicted"])
        expected = {
            "expected_cost_per_1000": now,
            "cost_saving_over_previous": old - now,
            "cost_saving_over_dummy": min(paid(pd.Series(1, rows.index)), paid(pd.Series(0, rows.index))) - now,
        }
        for name, value in expected.items():
            one = found[f"performance.{name}"]
            assert one.value == pytest.approx(value)
            assert one.interval[0] < value < one.interval[1]
        assert sum(part["total"] for part in found["performance.expected_cost_per_1000"].data["outcomes"]) == (
            pytest.approx(now)
        )

    def test_a_paired_saving_is_surer_than_two_costs(self, tmp_path, recorded):
        """Two versions that differ in three rows cost nearly the same for sure, however unsure each cost is."""
        rows, _ = people()
        before = rows[["predicted", "score"]].copy()
        before.loc[:2, "predicted"] = 1 - before.loc[:2, "predicted"]
        context = opened(tmp_path / "w", declared(costs=COSTS), rows, before)
        check.expected_costs(context)
        found = recorded(context)
        low, high = found["performance.cost_saving_over_previous"].interval
        lowest, highest = found["performance.expected_cost_per_1000"].interval
        assert high - low < 0.5 * (highest - lowest)

    def test_decisions_dearer_than_a_constant_answer_are_said_to_be(self, tmp_path):
        rows = pd.DataFrame({"label": [0, 0, 1, 1] * 50, "predicted": [0, 0, 0, 1] * 50})
        costly = opened(tmp_path / "w", declared(sensitive=[], costs={"false_positive": 5, "false_negative": 60}), rows)
        assert "cost more than always saying positive:" in check.expected_costs(costly).text
        cheap = opened(tmp_path / "v", declared(sensitive=[], costs={"false_positive": 5, "false_negative": 1}), rows)
        assert "cost more" not in check.expected_costs(cheap).text

    def test_a_regression_costs_by_the_unit(self, tmp_path, recorded):
        rows = pd.DataFrame({"label": [10.0, 20.0, 30.0, 40.0], "predicted": [12.0, 20.0, 27.0, 41.0]})
        objective = declared(
            task="regression", sensitive=[], gates={"performance": {"r2": ">= 0"}}, costs={"over": 1, "under": 3}
        )
        context = opened(tmp_path / "w", objective, rows)
        check.expected_costs(context)
        found = recorded(context)
        assert found["performance.expected_cost_per_1000"].value == pytest.approx(1000 * (2 + 0 + 9 + 1) / 4)
        # The cheapest constant is the quantile 3/4 of the truth, 32.5.
        assert found["performance.cost_saving_over_dummy"].data["always"] == pytest.approx(32.5)

    def test_the_cheapest_threshold_stands_among_those_that_may_be(self, tmp_path, recorded):
        rows, _ = people()
        context = opened(tmp_path / "w", declared(costs=COSTS), rows)
        check.cost_by_threshold(context)
        one = recorded(context)["performance.cheapest_threshold"]
        assert one.interval[0] <= one.value <= one.interval[1]
        assert all(len(one.data["curve"][name]) <= 200 for name in ("threshold", "cost", "lower", "upper"))

    def test_costs_that_nobody_declared_are_no_gap_unless_a_gate_asks(self, tmp_path, recorded):
        rows, _ = people(100)
        context = opened(tmp_path / "w", declared(), rows)
        assert "no costs" in check.expected_costs(context).text
        check.cost_by_threshold(context)
        assert not recorded(context)

    def test_a_gate_on_costs_that_nobody_declared_says_so(self, tmp_path, recorded):
        rows, _ = people(100)
        gates = {"performance": {"expected_cost_per_1000": "<= 900"}}
        context = opened(tmp_path / "w", declared(gates=gates), rows)
        check.expected_costs(context)
        assert "no costs" in recorded(context)["performance.expected_cost_per_1000"].undefined

    def test_the_business_figures_stand_beside_the_costs(self, tmp_path, recorded):
        rows, _ = people(100)
        kpis = [{"name": "defaults per 1,000", "now": 40, "target": "<= 30", "by": "2027-12-31"}]
        context = opened(tmp_path / "w", declared(costs=COSTS, kpis=kpis), rows)
        said = check.expected_costs(context).text
        assert "defaults per 1,000: now 40" in said
        assert "to be <= 30, by 2027-12-31" in said
        assert recorded(context)["performance.expected_cost_per_1000"].data["kpis"][0]["target"] == "<= 30"


class TestBaseline:
    @pytest.mark.parametrize("train", [True, False])
    def test_the_gain_is_the_difference_of_two_accuracies(self, tmp_path, recorded, train):
        rows, _ = people(400)
        context = opened(tmp_path / "w", declared(), rows)
        if train:  # learnt elsewhere, where the other answer is the commonest
            context.train = pd.DataFrame({"label": [1, 1, 1, 0]})
        check.gain_over_baseline(context)
        one = recorded(context)["performance.skill_over_baseline"]
        always = 1 if train else 0
        expected = (rows["predicted"] == rows["label"]).mean() - (rows["label"] == always).mean()
        assert one.value == pytest.approx(expected)
        assert one.interval[0] < expected < one.interval[1]
        assert one.data["always"] == always

    def test_an_answer_that_no_row_has_is_never_right(self, tmp_path, recorded):
        rows, _ = people(100)
        context = opened(tmp_path / "w", declared(), rows)
        context.train = pd.DataFrame({"label": ["other", "other"]})
        check.gain_over_baseline(context)
        one = recorded(context)["performance.skill_over_baseline"]
        assert one.data["baseline"] == 0
        assert one.value == pytest.approx((rows["predicted"] == rows["label"]).mean())


class TestThresholds:
    def test_the_limits_hold_precision_and_recall_at_every_threshold(self, tmp_path, recorded):
        rows, _ = people(300)
        context = opened(tmp_path / "w", declared(), rows)
        shown = check.thresholds(context)
        data = recorded(context)["performance.f1"].data
        for name in ("precision", "recall"):
            low, high = (np.array(side, dtype=float) for side in data["bands"][name])
            value = np.array(data["curve"][name], dtype=float)
            assert np.all((low <= value) & (value <= high) & (low < high))
        at = int(np.argmax(np.array(data["curve"]["threshold"]) <= 0.6))
        called = rows["score"] >= data["curve"]["threshold"][at]
        assert data["curve"]["precision"][at] == pytest.approx(metrics.precision_score(rows["label"], called))
        assert [float(row[0]) for row in shown.table.rows] == sorted(float(row[0]) for row in shown.table.rows)

    def test_without_a_positive_row_nothing_is_drawn_that_is_not_defined(self, tmp_path, recorded):
        rows, _ = people(100)
        rows["label"] = 0
        context = opened(tmp_path / "w", declared(), rows)
        check.thresholds(context)
        assert set(recorded(context)["performance.f1"].data["curve"]["recall"]) == {None}


class TestSeveralClasses:
    def test_each_class_has_scikit_learns_numbers_the_worst_first(self, tmp_path, recorded):
        rng = np.random.default_rng(2)
        truth = rng.choice(["a", "b", "c"], 500, p=[0.5, 0.4, 0.1])
        said = np.where(rng.random(500) < 0.7, truth, rng.choice(["a", "b", "c"], 500))
        rows = pd.DataFrame({"label": truth, "predicted": said, "sex": "f"})
        context = opened(tmp_path / "w", declared(task="multiclass"), rows)
        check.decision_quality(context)
        assert "recall" in check.class_quality(context).alternative
        lines = recorded(context)["performance.f1_macro"].data["classes"]
        theirs = metrics.classification_report(truth, said, output_dict=True)
        for line in lines:
            for metric, name in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
                value, (low, high) = line[metric]["value"], line[metric]["interval"]
                assert value == pytest.approx(theirs[line["class"]][name])
                assert low < value < high
        recalls = [line["recall"]["value"] for line in lines]
        assert recalls == sorted(recalls)
