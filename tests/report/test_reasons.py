"""A reason is said in words where its form is known, and is never lost where it is not."""

from __future__ import annotations

import card_examples
import pytest

from nbdeploy.documents.finding import Finding
from nbdeploy.documents.gate import Gate, GateCondition
from nbdeploy.documents.measurement import Pair
from nbdeploy.report import reasons
from nbdeploy.validate.verdict.judge import judge


def ratio(**changes) -> Finding:
    given = {
        "id": "fairness.demographic_parity_ratio:sex",
        "section": "fairness",
        "metric": "demographic_parity_ratio",
        "features": ("sex",),
        "value": 0.806,
        "interval": (0.617, 1.0),
        "gate": GateCondition(op=">=", bound=0.8),
        "verdict": "inconclusive",
    }
    return Finding(**(given | changes))


@pytest.mark.parametrize(
    ("value", "interval", "said"),
    [
        (0.9, (0.85, 0.95), "The whole interval, 0.850 to 0.950, is at least 0.8."),
        (0.5, (0.4, 0.6), "Nothing in the interval, 0.400 to 0.600, is at least 0.8."),
        (0.806, (0.617, 1.0), "Only part of the interval, 0.617 to 1.000, is at least 0.8."),
        (0.9, None, "0.900 is at least 0.8; the value alone decides: it has no interval."),
        (0.7, None, "0.700 is not at least 0.8; the value alone decides: it has no interval."),
    ],
)
def test_what_the_judgement_writes_is_said_in_words(value, interval, said):
    judged = judge(Gate.model_validate(">= 0.8"), value, interval, "interval", None)
    finding = ratio(value=value, interval=interval, verdict=judged.verdict, reason=judged.reason)
    assert reasons.reason(finding) == said


def test_the_pair_keeps_its_names_and_its_rate_gets_its_label():
    judged = "0.806 (0.617 to 1): the interval lies on both sides of >= 0.8"
    text = f"{judged}; left open by sex=2 against sex=1 in favourable_rate"
    pair = Pair(first={"sex": 2}, second={"sex": 1}, metric="favourable_rate")
    assert reasons.reason(ratio(reason=text, pair=pair)).endswith(
        "is at least 0.8. Left open by sex=2 against sex=1, in the favourable rate."
    )


def test_the_group_that_decided_is_named():
    text = (
        "every group satisfies the gate; the closest is sex=2: 0.9 (0.85 to 0.95): the whole interval satisfies >= 0.8"
    )
    said = reasons.reason(ratio(value=0.9, interval=(0.85, 0.95), verdict="pass", reason=text))
    assert said.startswith("Every group satisfies the gate; the closest is sex=2. The whole interval")


def test_groups_left_out_of_equalized_odds_lacked_rows_for_one_of_two_rates():
    text = (
        "fewer than two groups have 30 rows that false_positive_rate divides by; left out, too few rows: sex=1; sex=2"
    )
    advised = "about 280 evaluation rows (now 221) would give two groups the 30 rows that count for true_positive_rate and false_positive_rate: nbdeploy validate x on more data"  # noqa: E501 - as it is recorded
    finding = ratio(
        metric="equalized_odds_difference",
        value=None,
        interval=None,
        reason=text,
        advice=advised,
        verdict="not_evaluated",
    )
    assert reasons.brief(finding) == (
        "Fewer than two groups have the 30 rows that the false positive rate is counted on."
    )
    assert reasons.reason(finding).endswith("Too few rows for at least one of its two rates: sex=1; sex=2.")
    assert "the 30 rows that count for the true positive rate and the false positive rate: nbdeploy" in reasons.advice(
        finding
    )


@pytest.mark.parametrize(
    "text", ["needs the model", "0.806 was written >= 0.8 by a notebook of the project’s own", ">= 0.8"]
)
def test_a_reason_of_another_form_is_shown_as_it_was_recorded(text):
    assert text[1:] in reasons.reason(ratio(reason=text))


@pytest.mark.parametrize("name", card_examples.ALL)
def test_no_reason_or_advice_vanishes(name):
    for finding in card_examples.ALL[name]().findings:
        assert bool(reasons.reason(finding)) == bool(finding.reason)
        assert bool(reasons.advice(finding)) == bool(finding.advice)


def test_of_many_groups_left_out_the_first_are_named_and_the_others_counted():
    judged = "0.806 (0.617 to 1): the interval lies on both sides of >= 0.8"
    few, many = ("; ".join(f"branch={number}" for number in range(count)) for count in (6, 60))
    assert reasons.reason(ratio(reason=f"{judged}; left out, too few rows: {few}")).endswith("branch=4; branch=5.")
    said = reasons.reason(ratio(reason=f"{judged}; left out, too few rows: {many}"))
    assert said.endswith("branch=4; branch=5; and 54 more, which the tables of groups show.")


def test_a_measure_that_needs_scores_has_its_label():
    finding = Finding(
        id="performance.roc_auc",
        section="performance",
        metric="roc_auc",
        verdict="not_evaluated",
        reason="roc_auc needs scores, and only decisions were given",
    )
    assert reasons.reason(finding) == "ROC AUC needs scores, and only decisions were given."


@pytest.mark.parametrize(
    ("metric", "section", "advice", "said"),
    [
        ("recall", "performance", "0.226 above the bound of 0.5", "22.6 percentage points above the bound of 50 %."),
        ("latency_p95_ms", "operations", "3.2 above the bound of 100; go", "3.2 above the bound of 100 ms; go."),
        ("demographic_parity_difference", "fairness", "0.2 above the bound of 0.1.", "0.2 above the bound of 0.1."),
    ],
)  # fmt: skip
def test_how_far_a_value_lies_beyond_its_bound_is_told_in_the_cards_units(metric, section, advice, said):
    finding = Finding(id=f"{section}.{metric}", section=section, metric=metric, verdict="fail", advice=advice)
    assert reasons.advice(finding).replace("\u00a0", " ") == said
