"""Two cards side by side: what is told, and what counts as more than chance."""

from __future__ import annotations

import card_examples
import pytest

from nbdeploy.documents.card import Card
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Finding
from nbdeploy.report.assemble import assemble
from nbdeploy.report.comparing.compare import compare
from nbdeploy.report.comparing.numbers import Change
from nbdeploy.report.pages import comparison_html, comparison_markdown


def card(evidence: Evidence) -> Card:
    return assemble(evidence, card_examples.digest("evidence"), {})


@pytest.fixture(scope="module")
def before() -> Evidence:
    return card_examples.failing()


def with_objective(evidence: Evidence, **changes) -> Evidence:
    content = card_examples.diabetes_objective(**changes)
    return evidence.model_copy(
        update={"objective": evidence.objective.model_copy(update={"content": content, "digest": "sha256:" + "0" * 64})}
    )


def with_findings(evidence: Evidence, *added: Finding, without: str = "") -> Evidence:
    names = {finding.id for finding in added}
    kept = tuple(f for f in evidence.findings if f.id not in names and f.id != without)
    return evidence.model_copy(update={"findings": kept + added})


def other_rows(evidence: Evidence) -> Evidence:
    data = tuple(d.model_copy(update={"digest": card_examples.digest("others")}) for d in evidence.subject.data)
    return evidence.model_copy(update={"subject": evidence.subject.model_copy(update={"data": data})})


def auc(value: float, low: float, high: float, metric: str = "roc_auc") -> Finding:
    return Finding(
        id=f"performance.{metric}",
        section="performance",
        metric=metric,
        value=value,
        interval=(low, high),
        level=0.95,
        method="paired DeLong" if "gain" in metric else "DeLong",
    )


def change_of(before: Evidence, after: Evidence, name: str) -> Change:
    return next(one for one in compare(card(before), card(after)).numbers if one.after.id == name)


def test_a_card_and_itself_do_not_differ(before):
    found = compare(card(before), card(before))
    assert (found.points, found.verdicts, found.promises, found.groups, found.removed, found.added) == ((),) * 6
    assert {change.outcome for change in found.numbers} == {"same"}
    assert {kind for kind, _ in found.made_of} == {"same"}


def test_a_change_is_real_when_the_interval_of_the_difference_excludes_nought(before):
    old = with_findings(before, auc(0.80, 0.78, 0.82))
    slight = change_of(old, other_rows(with_findings(before, auc(0.78, 0.76, 0.80))), "performance.roc_auc")
    clear = change_of(old, other_rows(with_findings(before, auc(0.75, 0.73, 0.77))), "performance.roc_auc")
    assert (slight.outcome, clear.outcome) == ("chance", "worse")
    assert clear.interval == pytest.approx((-0.05 - 0.02 * 2**0.5, -0.05 + 0.02 * 2**0.5))
    assert "Zou and Donner" in clear.method
    assert "same rows" not in clear.method


def test_gains_paired_on_the_same_rows_decide_where_there_are_any(before):
    old = with_findings(before, auc(0.80, 0.76, 0.84))
    gain = auc(0.02, 0.01, 0.03, "roc_auc_gain_over_previous")
    change = change_of(old, with_findings(before, auc(0.82, 0.78, 0.86), gain), "performance.roc_auc")
    assert (change.outcome, change.interval) == ("better", (0.01, 0.03))
    assert "paired" in change.method


def test_a_gain_over_another_version_decides_nothing(before):
    old = with_findings(before, auc(0.79, 0.75, 0.83))
    gain = auc(0.02, 0.01, 0.03, "roc_auc_gain_over_previous")
    change = change_of(old, with_findings(before, auc(0.82, 0.78, 0.86), gain), "performance.roc_auc")
    assert change.outcome == "chance"
    assert "not exact" in change.method


def test_a_gain_of_an_error_is_told_as_a_fall(before):
    old = with_findings(before, auc(0.20, 0.18, 0.22, "brier_score"))
    gain = auc(0.01, 0.005, 0.015, "brier_score_gain_over_previous")
    change = change_of(
        old, with_findings(before, auc(0.19, 0.17, 0.21, "brier_score"), gain), "performance.brier_score"
    )
    assert (change.outcome, change.interval) == ("better", (-0.015, -0.005))


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"sensitive": ["sex"]}, "loosened", "No longer looked at for fairness: age_band"),
        ({"decide": "point"}, "loosened", "Gates are decided by the point, before by the interval"),
        ({"level": 0.9}, "loosened", "The level of the intervals went from 0.95 to 0.9"),
        ({"level": 0.99}, "tightened", "The level of the intervals went from 0.95 to 0.99"),
        ({"min_group_size": 50}, "loosened", "The smallest group that is judged went from 15 rows to 50"),
        ({"min_group_size": 5}, "tightened", "The smallest group that is judged went from 15 rows to 5"),
    ],
)
def test_every_way_to_ask_less_is_told(before, changes, kind, words):
    assert compare(card(before), card(with_objective(before, **changes))).promises == ((kind, words),)


def test_a_laxer_bound_and_a_gate_that_is_gone_are_loosened(before):
    gates = before.objective.content.model_dump(mode="json")["gates"]
    gates["performance"] = {"roc_auc": ">= 0.70", "recall": ">= 0.70"}
    found = compare(card(before), card(with_objective(before, gates=gates)))
    assert dict(found.promises).keys() == {"loosened", "tightened"}
    assert [kind for kind, text in found.promises if "roc auc" in text.lower()] == ["loosened"]
    assert [kind for kind, text in found.promises if "recall" in text] == ["tightened"]
    assert any("the gate is gone" in text for _, text in found.promises)


def test_what_was_taken_away_stands_on_the_first_screen(before):
    found = compare(card(before), card(with_objective(before, level=0.9)))
    assert found.points[0] == ("loosened", "The level of the intervals went from 0.95 to 0.9")


def test_a_group_and_a_measure_that_are_gone_are_told(before):
    def without(finding: Finding) -> Finding:
        kept = tuple(value for value in finding.by_group if value.group.get("age_band") != "60 and over")
        return finding.model_copy(update={"by_group": kept})

    cut = before.model_copy(update={"findings": tuple(map(without, before.findings))})
    found = compare(card(before), card(with_findings(cut, without="performance.roc_auc")))
    assert found.groups[0][0] == "dropped"
    assert "age_band=60 and over" in found.groups[0][1]
    assert [finding.id for finding in found.removed] == ["performance.roc_auc"]


def test_each_groups_own_number_is_compared_and_not_that_of_all_rows_again(before):
    name = "fairness.selection_rate:sex"
    finding = next(f for f in before.findings if f.id == name)
    first = finding.by_group[0].model_copy(update={"value": 0.99, "interval": (0.97, 1.0)})
    moved = finding.model_copy(update={"by_group": (first, *finding.by_group[1:])})
    found = compare(card(before), card(with_findings(before, moved)))
    assert {change.group: change.outcome for change in found.numbers if change.after.id == name} == {
        "sex=1": "other",
        "sex=2": "same",
    }
    assert [change.name for change in found.listed] == ["Selection rate in sex=1"]


def test_a_notebook_that_did_not_run_is_no_change_of_code(before):
    subject = before.subject.model_copy(update={"notebooks": before.subject.notebooks[1:]})
    found = compare(card(before), card(before.model_copy(update={"subject": subject})))
    assert [kind for kind, text in found.made_of if "both runs have" in text] == ["same"]
    assert [text for kind, text in found.made_of if kind == "changed"] == [
        f"Notebooks that ran only before ({before.subject.notebooks[0].name}): changed"
    ]


def test_different_tasks_are_compared_all_the_same_and_said_first(before):
    after = with_objective(
        before,
        task="regression",
        positive=None,
        favourable=None,
        threshold=None,
        gates={"performance": {"r2": ">= 0.5"}},
    )
    assert compare(card(before), card(after)).points[0][1].startswith("The cards are of different tasks")


def test_the_page_is_inert_scriptless_and_the_same_every_time(before):
    hostile = card(card_examples.hostile())
    page = comparison_html(compare(card(before), hostile))
    assert "<script" not in page.lower()
    assert 'src="' not in page
    assert 'href="' not in page
    assert page == comparison_html(compare(card(before), hostile))
    assert page.index("Content-Security-Policy") < page.index("<style")
    assert "<img" not in comparison_markdown(compare(card(before), hostile))
