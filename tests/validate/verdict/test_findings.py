from __future__ import annotations

import pytest

from nbdeploy.documents.measurement import Measurement
from nbdeploy.validate.verdict.findings import Silent, find, summary


def measured(section, metric, value=0.5, **more):
    return Measurement(section=section, metric=metric, value=value, **more)


def by_id(findings):
    return {finding.id: finding for finding in findings}


def test_what_follows_from_tallies_is_not_taken_from_the_notebook(declare, tally):
    """N4: a hard-coded number, a monkeypatched metric, a swallowed assert."""
    lie = measured("performance", "recall", 0.99, interval=(0.98, 1.0), data={"curve": [1, 2]})
    found = by_id(find(declare(), {"performance": [lie]}, tally(declare())))["performance.recall"]
    assert found.recomputed
    assert found.value != 0.99
    assert found.data["curve"] == [1, 2]


def test_a_gate_that_no_notebook_recorded_is_not_evaluated(declare, tally):
    objective = declare(gates={"robustness": {"flip_rate": "<= 0.1"}})
    findings = find(objective, {"robustness": [measured("robustness", "flip_rat")]}, tally(objective))
    found = by_id(findings)["robustness.flip_rate"]
    assert found.verdict == "not_evaluated"
    assert found.value is None
    assert "no notebook recorded" in found.reason
    assert summary(findings).overall == "not_evaluated"


def test_a_recomputable_gate_needs_a_completed_notebook_and_no_more(declare, tally):
    objective = declare(gates={"performance": {"recall": ">= 0.5", "f1": {"min": 0.3, "slice": "region == south"}}})
    done = by_id(find(objective, {"performance": []}, tally(objective)))
    assert done["performance.recall"].verdict == "pass"
    assert done["performance.f1@region == south"].verdict == "pass"
    broken = find(objective, {}, tally(objective), silent={"performance": Silent("its kernel died", "run again")})
    assert {finding.verdict for finding in broken} == {"not_evaluated"}
    assert {finding.reason for finding in broken} == {"its kernel died"}
    assert {finding.advice for finding in broken} == {"run again"}


def test_undefined_evidence_is_not_evaluated_with_its_reason(declare, tally):
    objective = declare(gates={"data": {"leakage": "== 0"}})
    given = [measured("data", "leakage", None, undefined="no training data was given")]
    found = by_id(find(objective, {"data": given}, tally(objective)))["data.leakage"]
    assert (found.verdict, found.reason) == ("not_evaluated", "no training data was given")


def test_measurements_without_a_gate_have_no_verdict(declare, tally):
    findings = find(declare(), {"data": [measured("data", "missing_share", 0.1)]}, tally(declare()))
    found = by_id(findings)["data.missing_share"]
    assert found.verdict is None
    assert found.gate is None
    assert "data.missing_share" not in summary(findings).gates


def test_two_notebooks_that_record_the_same_leave_it_open(declare, tally):
    objective = declare(gates={"data": {"label_delay": "<= 3"}})
    given = [measured("data", "label_delay", 1.0), measured("data", "label_delay", 9.0)]
    found = by_id(find(objective, {"data": given}, tally(objective)))["data.label_delay"]
    assert found.verdict == "not_evaluated"
    assert "two notebooks" in found.reason


def test_a_fairness_gate_is_of_every_partition(declare, tally):
    objective = declare(sensitive=["sex", "region"], gates={"fairness": {"demographic_parity_ratio": ">= 0.8"}})
    gates = summary(find(objective, {"fairness": []}, tally(objective))).gates
    assert set(gates) == {
        "fairness.demographic_parity_ratio:sex",
        "fairness.demographic_parity_ratio:region",
        "fairness.demographic_parity_ratio:sex,region",
    }


@pytest.mark.parametrize("group", ["sex", ["sex"], ["region", "sex"]])
def test_a_named_partition_is_judged_alone_in_declared_order(declare, tally, group):
    gate = {"min": 0.1, "group": group}
    objective = declare(sensitive=["sex", "region"], gates={"fairness": {"demographic_parity_ratio": gate}})
    gates = summary(find(objective, {"fairness": []}, tally(objective))).gates
    expected = "sex,region" if len(group) == 2 else "sex"
    assert list(gates) == [f"fairness.demographic_parity_ratio:{expected}"]


def test_a_group_metric_names_the_group_that_fails(declare, tally):
    objective = declare(gates={"fairness": {"selection_rate": ">= 0.5"}})
    found = by_id(find(objective, {"fairness": []}, tally(objective)))["fairness.selection_rate:sex"]
    assert found.verdict == "fail"
    assert found.reason.startswith("sex=female: ")
    assert "sex=female" in found.advice
    female = next(group for group in found.by_group if group.group == {"sex": "female"})
    assert found.value == female.value
    assert found.method.endswith("Bonferroni over 2 groups")
    # Intervals that hold together are wider than each by itself.
    assert found.interval[0] < female.interval[0]


def test_a_failed_disparity_names_the_pair(declare, tally):
    objective = declare(gates={"fairness": {"demographic_parity_ratio": ">= 0.95"}})
    found = by_id(find(objective, {"fairness": []}, tally(objective)))["fairness.demographic_parity_ratio:sex"]
    assert found.verdict == "fail"
    assert (found.pair.first, found.pair.second) == ({"sex": "female"}, {"sex": "male"})
    assert "shown by sex=female against sex=male" in found.reason


def test_a_disparity_without_sensitive_features_is_not_evaluated(declare, tally):
    objective = declare(sensitive=[], gates={"fairness": {"equalized_odds_difference": "<= 0.1"}})
    found = by_id(find(objective, {"fairness": []}, tally(objective)))["fairness.equalized_odds_difference"]
    assert found.verdict == "not_evaluated"
    assert "no sensitive feature is declared" in found.reason


def test_groups_too_small_to_judge_say_how_many_rows_would_do(declare, tally, people):
    objective = declare(gates={"fairness": {"demographic_parity_ratio": ">= 0.8"}})
    rows = people[:40].reset_index(drop=True)
    found = by_id(find(objective, {"fairness": []}, tally(objective, rows)))["fairness.demographic_parity_ratio:sex"]
    assert found.verdict == "not_evaluated"
    assert found.rows_needed > 40
    assert "two groups the 30 rows that count" in found.advice


def test_a_disparity_says_how_many_rows_every_rate_that_it_compares_would_need(declare, tally, people):
    """The plan is checked by multiplying the very rows."""
    import pandas as pd

    objective = declare(gates={"fairness": {"equalized_odds_difference": "<= 0.5"}})
    rows = people[:100].reset_index(drop=True)
    id_ = "fairness.equalized_odds_difference:sex"
    found = by_id(find(objective, {"fairness": []}, tally(objective, rows)))[id_]
    assert found.verdict == "not_evaluated"
    assert "fewer than two groups have 30 rows" in found.reason
    assert "two groups the 30 rows that count for true_positive_rate and false_positive_rate" in found.advice
    fewest = rows.groupby(["sex", "hired"]).size().min()
    assert found.rows_needed == -(-100 * 30 // fewest)
    times = -(-found.rows_needed // 100)
    for factor, evaluated in ((times, True), (30 // fewest, False)):
        more = pd.concat([rows] * int(factor), ignore_index=True)
        again = by_id(find(objective, {"fairness": []}, tally(objective, more)))[id_]
        assert (again.verdict != "not_evaluated") == evaluated


def test_one_small_group_says_how_many_rows_it_needs(declare, tally, people):
    gate = {"min": 0.1, "group": {"region": "(missing)"}}
    objective = declare(sensitive=["region"], gates={"performance": {"accuracy": gate}})
    found = by_id(find(objective, {"performance": []}, tally(objective)))["performance.accuracy@region=(missing)"]
    assert found.verdict == "not_evaluated"
    assert found.rows_needed == -(-len(people) * 30 // people["region"].isna().sum())
    assert "would give the group the 30 rows that count" in found.advice


@pytest.mark.parametrize(
    ("metric", "reason", "says"),
    [
        ("leakage", "no training data was given (--train)", "give --train, then"),
        ("max_psi", "no reference or training data was given", "give --reference or --train"),
        ("contract_violations", "the objective declares no contract", "declare in the objective's contract"),
        ("outlier_share", "nobody has thought of it", "mend what notebooks/data.ipynb says"),
    ],
)
def test_what_is_missing_is_named(declare, tally, metric, reason, says):
    objective = declare(gates={"data": {metric: "<= 0.1"}})
    missing = measured("data", metric, None).model_copy(update={"undefined": reason})
    found = by_id(find(objective, {"data": [missing]}, tally(objective)))[f"data.{metric}"]
    assert found.verdict == "not_evaluated"
    assert says in found.advice
    assert found.advice.endswith("nbdeploy validate hiring")


def test_excluded_groups_stand_in_the_reason(declare, tally):
    objective = declare(sensitive=["region"], gates={"fairness": {"equal_opportunity_difference": "<= 0.5"}})
    found = by_id(find(objective, {"fairness": []}, tally(objective)))["fairness.equal_opportunity_difference:region"]
    assert found.verdict == "pass"
    assert "left out, too few rows: region=(missing)" in found.reason


def test_fairness_is_whole_even_if_the_notebook_was_shortened(declare, tally):
    ids = by_id(find(declare(), {"fairness": []}, tally(declare())))
    for metric in ("count", "selection_rate", "false_negative_rate", "precision", "accuracy"):
        assert f"fairness.{metric}" in ids
        assert f"fairness.{metric}:sex" in ids
    assert "fairness.equalized_odds_ratio:sex" in ids


def test_the_number_of_rows_that_would_decide_does_decide(declare, tally, people):
    """The plan is checked by multiplying the very rows."""
    import pandas as pd

    objective = declare(gates={"performance": {"accuracy": ">= 0.74"}})
    found = by_id(find(objective, {"performance": []}, tally(objective)))["performance.accuracy"]
    assert found.verdict == "inconclusive"
    assert f"now {len(people):,}" in found.advice
    times = -(-found.rows_needed // len(people))
    more = pd.concat([people] * times, ignore_index=True)
    assert (
        by_id(find(objective, {"performance": []}, tally(objective, more)))["performance.accuracy"].verdict
        != "inconclusive"
    )


def test_decide_point_judges_groups_by_value(declare, tally):
    objective = declare(decide="point", gates={"fairness": {"demographic_parity_ratio": ">= 0.8"}})
    found = by_id(find(objective, {"fairness": []}, tally(objective)))["fairness.demographic_parity_ratio:sex"]
    assert found.verdict in ("pass", "fail")
    assert "decide: point" in found.reason


def test_overall_is_the_worst_of_all_gates(declare, tally):
    objective = declare(gates={"performance": {"recall": ">= 0.1"}, "data": {"missing_share": "<= 0.1"}})
    given = {"performance": [], "data": [measured("data", "missing_share", 0.0)]}
    assert summary(find(objective, given, tally(objective))).overall == "pass"
    given["data"] = [measured("data", "missing_share", 0.2)]
    assert summary(find(objective, given, tally(objective))).overall == "fail"


def test_a_gate_may_name_a_group_within_a_slice(declare, tally, people):
    gate = {"min": 0.1, "group": {"sex": "female"}, "slice": "region == south"}
    objective = declare(gates={"performance": {"accuracy": gate}})
    found = by_id(find(objective, {"performance": []}, tally(objective)))
    finding = found["performance.accuracy@sex=female and region == south"]
    assert finding.n == ((people["sex"] == "female") & (people["region"] == "south")).sum()
    assert finding.verdict == "pass"


def test_no_number_of_rows_is_told_for_what_does_not_shrink_with_their_root(declare, tally):
    objective = declare(gates={"explainability": {"forbidden_in_top": {"features": ["sex"], "n": 3}}})
    open_ = measured("explainability", "forbidden_in_top", 0.0, interval=(0.0, 2.0))
    found = by_id(find(objective, {"explainability": [open_]}, tally(objective)))["explainability.forbidden_in_top"]
    assert found.verdict == "inconclusive"
    assert "how many cannot be told" in found.advice
    assert found.rows_needed is None


@pytest.mark.parametrize(("shared", "verdict"), [({}, "inconclusive"), ({"comparisons": 2}, "pass")])
def test_groups_of_a_notebooks_own_measure_are_judged_together(declare, tally, shared, verdict):
    """A finding that says Bonferroni has it; intervals that a check has shared already are left as they are."""
    objective = declare(gates={"robustness": {"stability": {"min": 0.8, "group": "sex"}}})
    groups = [
        {"group": {"sex": sex}, "n": 900, "denominator": 900, "value": 0.9, "interval": (0.81, 0.99)}
        for sex in ("female", "male")
    ]
    given = measured("robustness", "stability", 0.9, features=("sex",), by_group=groups, level=0.95, data=shared)
    found = by_id(find(objective, {"robustness": [given]}, tally(objective)))["robustness.stability:sex"]
    assert found.verdict == verdict
    assert found.method.endswith("Bonferroni over 2 groups")
    if not shared:
        assert found.interval[0] == pytest.approx(0.9 - 0.09 * 2.2414 / 1.96, abs=1e-4)
