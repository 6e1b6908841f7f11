from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nbdeploy.validate.verdict.findings import find
from nbdeploy.validate.verdict.recomputable import standard_fairness
from nbdeploy.validate.verdict.recompute import recompute


@pytest.fixture
def admissions():
    """Two departments of which the strict one has mostly women; within each, both sexes fare alike."""
    cells = {
        ("f", "easy"): (80, 100),
        ("m", "easy"): (640, 800),
        ("f", "strict"): (160, 800),
        ("m", "strict"): (20, 100),
    }
    rows = [
        {"sex": sex, "dept": dept, "hired": int(i < k), "score": float(i < k)}
        for (sex, dept), (k, n) in cells.items()
        for i in range(n)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def objective(declare):
    return declare(control=["dept"], gates={"fairness": {"conditional_demographic_parity_difference": "<= 0.2"}})


def test_a_difference_that_departments_explain_is_gone_within_them(objective, tally, admissions):
    tallies = tally(objective, admissions)
    crude = recompute(tallies, "fairness", "demographic_parity_difference", ("sex",))
    within = recompute(tallies, "fairness", "conditional_demographic_parity_difference", ("sex",))
    assert crude.value == pytest.approx(660 / 900 - 240 / 900)
    assert within.value == 0
    assert within.interval[1] < 0.2
    assert within.data["control"] == ["dept"]
    assert [one["stratum"] for one in within.data["strata"]] == [{"dept": "easy"}, {"dept": "strict"}]
    pooled = within.data["pooled"]
    assert pooled["crude_difference"] == pytest.approx(-crude.value)
    assert pooled["difference"] == pytest.approx(0)
    assert pooled["difference_interval"][0] < 0 < pooled["difference_interval"][1]


def test_a_conditional_gate_is_judged_and_names_pair_and_stratum(objective, tally, admissions):
    (finding,) = (f for f in find(objective, {"fairness": []}, tally(objective, admissions)) if f.gate)
    assert finding.id == "fairness.conditional_demographic_parity_difference:sex"
    assert finding.verdict == "pass"
    assert set(finding.pair.first) == {"sex", "dept"}
    assert "dept=" in finding.reason


def test_an_undecided_conditional_gate_says_how_many_rows_would_decide(declare, tally, admissions):
    objective = declare(control=["dept"], gates={"fairness": {"conditional_demographic_parity_difference": "<= 0.1"}})
    (finding,) = (f for f in find(objective, {"fairness": []}, tally(objective, admissions)) if f.gate)
    assert finding.verdict == "inconclusive"
    assert finding.rows_needed > len(admissions)


def test_without_control_features_a_conditional_gate_is_not_evaluated(declare, tally):
    objective = declare(gates={"fairness": {"conditional_demographic_parity_ratio": ">= 0.8"}})
    (finding,) = (f for f in find(objective, {"fairness": []}, tally(objective)) if f.gate)
    assert finding.verdict == "not_evaluated"
    assert "none is declared" in finding.reason
    assert "declare `control:`" in finding.advice


def test_conditional_disparities_are_standard_where_control_is_declared(declare):
    names = {metric for metric, _ in standard_fairness(declare(control=["dept"]))}
    assert "conditional_demographic_parity_ratio" in names
    assert not any("conditional" in metric for metric, _ in standard_fairness(declare()))


def test_distance_from_all_rows_can_be_gated(declare, tally):
    objective = declare(gates={"fairness": {"selection_rate_to_overall_difference": "<= 0.5"}})
    (finding,) = (f for f in find(objective, {"fairness": []}, tally(objective)) if f.gate)
    assert finding.verdict == "pass"
    assert finding.pair.second == {}
    assert "against all" in finding.reason
    assert np.isfinite(finding.interval).all()
