"""What a card says, and that it says only what the evidence holds."""

from __future__ import annotations

import re

import card_examples
import pytest

from nbdeploy.documents.card import Card
from nbdeploy.documents.measurement import GroupValue, Pair
from nbdeploy.report.assemble import assemble
from nbdeploy.report.sections.outcomes import widest_gap
from nbdeploy.report.sections.summary import in_words, points

DIGEST = card_examples.digest("evidence")


@pytest.mark.parametrize("name", card_examples.ALL)
def test_a_card_reads_back_equal_and_is_made_the_same_twice(name):
    evidence = card_examples.ALL[name]()
    card = assemble(evidence, DIGEST)
    assert Card.from_bytes(card.to_bytes()) == card
    assert assemble(evidence, DIGEST).to_bytes() == card.to_bytes()


@pytest.mark.parametrize("name", card_examples.ALL)
def test_every_number_belongs_to_a_finding_and_no_finding_is_left_out(name):
    evidence = card_examples.ALL[name]()
    card = assemble(evidence, DIGEST)
    assert card.findings == evidence.findings
    named = {id_ for section in card.sections for block in section.blocks for id_ in block.findings}
    assert named <= {finding.id for finding in evidence.findings}
    assert {finding.id for finding in evidence.findings} <= named


def test_sections_stand_in_the_order_of_mitchell_and_then_ours():
    card = assemble(card_examples.failing(), DIGEST)
    assert [section.id for section in card.sections] == [
        *(
            "summary",
            "model",
            "use",
            "factors",
            "metrics",
            "evaluation-data",
            "training-data",
            "performance",
            "fairness",
        ),
        *(
            "explainability",
            "robustness",
            "data",
            "operations",
            "oversight",
            "monitoring",
            "attempts",
            "ethics",
            "caveats",
        ),
        "regulations",
        "verification",
        "glossary",
    ]


def test_the_verdict_in_words_counts_every_gate():
    evidence = card_examples.failing()
    assert in_words(evidence).startswith("Of 15 gates, 2 fail, 7 are inconclusive and 6 pass.")
    assert "passes" not in in_words(card_examples.mostly_missing()).split(".")[0]


def test_what_fails_is_told_first_with_the_groups_that_decide_it():
    first = next(points(card_examples.failing()))
    assert first.title == "Demographic parity ratio by age_band fails"
    assert "age_band=60 and over against" in first.text
    assert first.findings == ("fairness.demographic_parity_ratio:age_band",)


def test_many_failing_gates_leave_room_for_a_third_thing_to_know():
    evidence = card_examples.failing()
    broken = tuple(f.model_copy(update={"verdict": "fail"}) if f.verdict else f for f in evidence.findings)
    told = list(points(evidence.model_copy(update={"findings": broken})))[:3]
    assert told[0].title.endswith(" fails")
    assert told[1].title == "14 more gates fail"
    assert "fail" not in told[2].title


def test_rows_that_decide_are_told_from_the_easiest_gate_to_the_hardest():
    evidence = card_examples.failing()
    needed = iter((832, 2_617, 270_767))
    findings = tuple(
        f.model_copy(update={"rows_needed": next(needed, None)}) if f.verdict == "inconclusive" else f
        for f in evidence.findings
    )
    told = next(p for p in points(evidence.model_copy(update={"findings": findings})) if "cannot be decided" in p.title)
    assert re.search(r"from about 840 rows like these \(.+\) to about 280,000 \(.+\), for 3 of the 7\.", told.text)


def test_a_model_that_was_not_seen_is_told_before_gates_without_evidence():
    titles = [point.title for point in points(card_examples.mostly_missing())]
    assert titles[:2] == ["The model itself was not seen", "Five gates were not evaluated"]


def test_a_draft_says_so_first():
    evidence = card_examples.passing()
    draft = evidence.model_copy(update={"run": evidence.run.model_copy(update={"draft": True, "attempt": None})})
    assert next(points(draft)).title == "This is a draft"


def test_attempts_and_changed_objectives_are_told():
    told = [point for point in points(card_examples.failing()) if point.title.startswith("This is attempt 2")]
    assert "after attempt 1: roc_auc at least 0.80 → at least 0.75" in told[0].text
    assert told[0].title.endswith("data that was used before")


def test_unknown_is_said_and_not_left_out():
    evidence = card_examples.passing()
    data = tuple(data for data in evidence.subject.data if data.role != "train")
    bare = evidence.model_copy(update={"subject": evidence.subject.model_copy(update={"data": data})})
    card = assemble(bare, DIGEST)
    training = next(section for section in card.sections if section.id == "training-data")
    assert training.lead.startswith("Unknown.")


def test_a_section_without_evidence_gives_the_reason():
    card = assemble(card_examples.mostly_missing(), DIGEST)
    robustness = next(section for section in card.sections if section.id == "robustness")
    assert robustness.blocks[0].title == "Nothing was measured here"
    assert "only its predictions were given" in robustness.blocks[0].text


def test_small_groups_are_named():
    told = [point for point in points(card_examples.forty_groups()) if "too small to compare" in point.title]
    assert told
    assert "fewer than 30 rows" in told[0].text


def test_hidden_characters_are_warned_of():
    card = assemble(card_examples.hostile(), DIGEST)
    caveats = next(section for section in card.sections if section.id == "caveats")
    assert "hidden characters" in caveats.blocks[0].text
    assert "A name here may not be what it seems" in [block.title for block in card.sections[0].blocks]


def test_the_shell_line_for_the_model_is_on_the_card():
    card = assemble(card_examples.failing(), DIGEST)
    verification = next(section for section in card.sections if section.id == "verification")
    shell = next(block for block in verification.blocks if block.options.get("code"))
    assert "LC_ALL=C sort" in shell.text


def test_samples_are_told_in_one_line_a_section():
    evidence = card_examples.passing()
    first, *rest = evidence.findings
    drawn = [
        first.model_copy(update={"id": f"x.{size}", "section": "explainability", "metric": "x", "sample": size})
        for size in (300, 6, 1500, 300)
    ]
    card = assemble(evidence.model_copy(update={"findings": (*rest, *drawn)}), DIGEST)
    blocks = {section.id: section.blocks for section in card.sections}["evaluation-data"]
    (told,) = [block for block in blocks if "sample" in block.title]
    assert dict(told.rows)["Explainability"] == "6, 200, 300 or 1,500 rows"
    assert [name for name, _ in told.rows].count("Explainability") == 1


def test_the_terms_that_a_card_uses_are_explained_and_no_others():
    told = dict(assemble(card_examples.failing(), DIGEST).sections[-1].blocks[0].rows)
    assert {"Interval", "ROC AUC, area under the curve", "SHAP", "Fingerprint, SHA-256, digest"} <= told.keys()
    assert all(len(says) < 200 for says in told.values())
    bare = assemble(card_examples.mostly_missing(), DIGEST).sections[-1].blocks[0]
    assert "SHAP" not in dict(bare.rows)


def test_what_was_not_measured_is_said_with_its_reason_in_the_caveats():
    caveats = next(s for s in assemble(card_examples.mostly_missing(), DIGEST).sections if s.id == "caveats")
    told = [block.text for block in caveats.blocks if block.text.startswith("Not measured: ")]
    assert any("Leakage" in text and "training data" in text for text in told)
    assert any("only its predictions were given" in text for text in told)


def test_oversight_names_what_is_left_to_a_person():
    def left(evidence):
        section = next(s for s in assemble(evidence, DIGEST).sections if s.id == "oversight")
        return dict(section.blocks[0].rows)["Left to a person’s judgement"]

    assert left(card_examples.failing()).startswith("9 gates that did not pass: ")
    assert left(card_examples.passing()).startswith("No gate is open")


def test_the_80_percent_rule_stands_with_its_rate_test_and_rows():
    fairness = next(s for s in assemble(card_examples.failing(), DIGEST).sections if s.id == "fairness")
    rule = next(block for block in fairness.blocks if block.title == "The 80 % rule")
    assert rule.columns == ("Group", "Rate", "Highest", "Ratio", "80 % rule", "Test", "Rows of both")
    assert all(len(row) == len(rule.columns) for row in rule.cells)
    assert {row[4] for row in rule.cells} <= {"below 0.8", "not below 0.8"}
    assert "not a legal finding" in rule.text


def test_the_widest_gap_tells_the_rates_of_both_groups():
    evidence = card_examples.passing()
    worst = min((f for f in evidence.findings if f.metric == "demographic_parity_ratio"), key=lambda f: f.value)
    (bare,) = widest_gap(evidence)
    assert "The lowest rate of the favourable outcome is 0.952 times the highest" in bare.text
    pair = Pair(first={"sex": "1"}, second={"sex": "2"})
    groups = tuple(
        GroupValue(group=g, n=50, denominator=50, value=v) for g, v in ((pair.first, 0.0), (pair.second, 0.4))
    )
    told = worst.model_copy(update={"pair": pair, "by_group": groups, "value": 0.0, "interval": (0.0, 0.3)})
    findings = tuple(told if finding.id == worst.id else finding for finding in evidence.findings)
    (point,) = widest_gap(evidence.model_copy(update={"findings": findings}))
    assert point.text.replace("\u00a0", " ") == (
        "The favourable outcome goes to 0 % of sex=1 and 40.0 % of sex=2: 0 times as often "
        "(95 % interval 0 to 0.300); 1 would be equal."
    )
