"""Impact ratios as 6 RCNY § 5-301 defines them: share of a category ÷ the highest share of any category."""

from __future__ import annotations

import card_examples
import pytest

from nbdeploy.declare import read_objective
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.measurement import GroupValue
from nbdeploy.documents.objective import ImpactAudit, Objective, Regulations
from nbdeploy.errors import ObjectiveError
from nbdeploy.report.assemble import assemble
from nbdeploy.report.impact import SMALL, UNKNOWN, WITHHELD, audited
from nbdeploy.report.render import render_html, render_markdown

PASSING = card_examples.passing()
AUDIT = ImpactAudit(sex="gender", race_ethnicity="ethnicity", unknown=("not said",))


def rates(features, *groups) -> Finding:
    values = tuple(
        GroupValue(group=dict(zip(features, names, strict=True)), n=n, denominator=n, value=k / n if n else None)
        for *names, k, n in groups
    )
    return Finding(
        id=f"fairness.favourable_rate:{','.join(features)}",
        section="fairness",
        metric="favourable_rate",
        features=features,
        value=0.5,
        level=0.95,
        by_group=values,
    )


def evidence(*findings: Finding, audit: ImpactAudit | None = AUDIT):
    made = PASSING
    content = made.objective.content.model_copy(
        update={"sensitive": ("ethnicity", "gender"), "regulations": Regulations(local_law_144=audit)}
    )
    ref = made.objective.model_copy(update={"content": content})
    return made.model_copy(update={"objective": ref, "findings": (*made.findings, *findings)})


BY_SEX = rates(("gender",), ("Male", 60, 100), ("Female", 30, 100), ("not said", 9, 10), ("(missing)", 1, 10))


def by_name(table):
    return {"/".join(map(str, one.group.values())): one for one in table.categories}


def test_each_category_is_held_against_the_highest_rate():
    (table,) = audited(evidence(BY_SEX))
    found = by_name(table)
    assert found["Male"].highest
    assert found["Male"].ratio == 1
    assert found["Female"].ratio == pytest.approx(0.5)
    low, high = found["Female"].ratio_interval
    assert low < 0.5 < high


def test_unknown_and_missing_categories_are_counted_and_in_no_ratio():
    (table,) = audited(evidence(BY_SEX))
    found = by_name(table)
    assert found["not said"].left_out == found["(missing)"].left_out == UNKNOWN
    assert found["not said"].ratio is None  # though its rate is the highest
    assert table.unknown == 20


def test_a_category_under_two_percent_keeps_number_and_rate_but_has_no_ratio():
    few = rates(("gender",), ("A", 500, 1000), ("B", 300, 1000), ("C", 20, 20), ("D", 20, 42))
    found = by_name(audited(evidence(few))[0])
    assert (found["C"].left_out, found["C"].n, found["C"].rate, found["C"].ratio) == (SMALL, 20, 1.0, None)
    assert found["D"].ratio == pytest.approx(20 / 42 / 0.5)  # 42 of 2,062 are 2.04 %
    assert found["A"].highest


def test_the_crossing_is_found_in_whichever_order_features_were_declared():
    crossed = rates(("ethnicity", "gender"), ("X", "Male", 50, 100), ("X", "Female", 40, 100))
    (table,) = audited(evidence(crossed))
    assert table.features == ("gender", "ethnicity")
    assert by_name(table)["Female/X"].ratio == pytest.approx(0.8)


def test_small_cells_are_withheld_as_in_the_stored_tallies():
    from nbdeploy.documents.evidence import TallyTable

    made = evidence(rates(("gender",), ("Male", 50, 100), ("Female", 3, 4)))
    made = made.model_copy(update={"tallies": (TallyTable(features=(), rows=104, cells=(), suppressed_below=5),)})
    found = by_name(audited(made)[0])["Female"]
    assert (found.rate, found.ratio, found.left_out) == (None, None, WITHHELD)


def test_nobody_selected_anywhere_gives_no_ratio():
    (table,) = audited(evidence(rates(("gender",), ("Male", 0, 100), ("Female", 0, 100))))
    assert [one.ratio for one in table.categories] == [None, None]


def test_nothing_is_guessed_from_names_of_columns():
    assert audited(evidence(BY_SEX, audit=None)) == ()
    html = render_html(assemble(evidence(BY_SEX, audit=None), card_examples.digest("e")))
    assert "Impact ratio" not in html


def test_the_tables_stand_on_the_card_in_html_and_markdown():
    card = assemble(evidence(BY_SEX), card_examples.digest("e"))
    html, markdown = render_html(card), render_markdown(card)
    assert "Selection rate by gender" in html
    assert "| gender=Female | 100 | 30.0\u00a0% | 0.500 (" in markdown
    assert "| --- | --- | --- | --- |\n| gender=Male" in markdown
    assert "20 people are of unknown category and in no ratio" in markdown


def test_declared_categories_without_any_rate_are_said_to_be_missing():
    card = assemble(evidence(), card_examples.digest("e"))
    section = next(one for one in card.sections if one.id == "regulations")
    assert [block.title for block in section.blocks] == ["Impact ratios are missing"]


TEXT = b"""
name: hiring
task: binary
target: hired
sensitive: [sex, race]
gates: {performance: {recall: ">= 0.5"}}
regulations: {local_law_144: {sex: sex, race_ethnicity: race, unknown: [Unknown]}, documents: {"Annex IV 8": legal}}
"""


def test_the_objective_declares_the_categories():
    content: Objective = read_objective(TEXT).content
    assert content.regulations.local_law_144 == ImpactAudit(sex="sex", race_ethnicity="race", unknown=("Unknown",))
    assert content.regulations.documents == {"Annex IV 8": "legal"}


@pytest.mark.parametrize(
    ("wrong", "right", "sentence"),
    [
        (b"race_ethnicity: age", b"race_ethnicity: race", "name two of the sensitive features"),
        (b"race_ethnicity: sex", b"race_ethnicity: race", "name two of the sensitive features"),
        (b"ethnicity: race", b"race_ethnicity: race", "did you mean 'race_ethnicity'?"),
        (b"document:", b"documents:", "did you mean 'documents'?"),
    ],
)
def test_a_wrong_declaration_is_told(wrong, right, sentence):
    with pytest.raises(ObjectiveError) as refused:
        read_objective(TEXT.replace(right, wrong))
    assert sentence in str(refused.value)
