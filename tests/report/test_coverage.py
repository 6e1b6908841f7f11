"""Coverage follows from the evidence alone: no value, no cover; and a document outside is never seen."""

from __future__ import annotations

import re
from typing import get_args

import card_examples
import pytest

from nbdeploy.declare.crosswalks import crosswalks
from nbdeploy.documents.card import Card
from nbdeploy.documents.crosswalk import Clause, Crosswalk, CrosswalkRef, Fact, cited
from nbdeploy.documents.evidence import Evidence
from nbdeploy.report.assemble import assemble
from nbdeploy.report.coverage import FACTS, coverage, lacking_words
from nbdeploy.report.render import render_html, render_markdown
from nbdeploy.report.write import verify_card, write_card

DIGEST = card_examples.digest("evidence")
FAILING, PASSING, MISSING = card_examples.failing(), card_examples.passing(), card_examples.mostly_missing()


def held_against(evidence: Evidence, *clauses: Clause, own: bool = False) -> Evidence:
    content = Crosswalk(id="house", title="House rules", published="Page 7.", clauses=clauses)
    ref = CrosswalkRef(name="house.yaml", digest=card_examples.digest("house"), own=own, content=content)
    return evidence.model_copy(update={"crosswalks": (ref,)})


def covered(made: Evidence, **clause):
    return coverage(held_against(made, Clause(id="C-1", title="A clause", **clause)))[0].clauses[0]


def with_documents(evidence: Evidence, **named) -> Evidence:
    content = evidence.objective.content
    stated = content.model_copy(update={"regulations": content.regulations.model_copy(update={"documents": named})})
    return evidence.model_copy(update={"objective": evidence.objective.model_copy(update={"content": stated})})


def test_a_clause_is_covered_when_all_that_it_names_is_there():
    found = covered(
        FAILING,
        findings=("performance.roc_auc", "fairness.*:crossed"),
        objective=("goal.owner",),
        evidence=("data_digest",),
    )
    assert found.state == "covered"
    assert found.lacks == ()
    assert found.findings[0] == "performance.roc_auc"
    assert all("," in name for name in found.findings[1:])
    assert found.shown == ("the owner, in the objective", "the evaluated data’s name, size and fingerprint")


def test_what_lacks_makes_it_partly_covered_and_is_named():
    found = covered(FAILING, findings=("performance.roc_auc",), objective=("costs",))
    assert found.state == "partly"
    assert list(lacking_words(found)) == ["Lacks: what errors cost (costs in the objective)."]


def test_a_finding_without_a_value_covers_nothing_and_gives_its_reason():
    found = covered(MISSING, findings=("robustness.flip_rate",))
    assert found.state == "not_covered"
    assert found.findings == ()
    assert "only its predictions were given" in found.lacks[0]


def test_a_measure_that_was_never_recorded_covers_nothing():
    found = covered(FAILING, findings=("robustness.membership_inference_auc | data.leakage:crossed",))
    assert found.state == "not_covered"
    assert found.lacks[0].startswith("training rows given away or leakage")


def test_any_alternative_is_enough():
    assert covered(FAILING, findings=("performance.r2 | performance.roc_auc",)).state == "covered"


def test_a_clause_that_names_nothing_is_not_covered():
    found = covered(PASSING)
    assert found.state == "not_covered"
    assert list(lacking_words(found)) == ["Nothing that nbdeploy records answers this."]


def test_a_document_outside_never_becomes_covered_even_when_the_objective_names_it():
    evidence = with_documents(PASSING, **{"C-1": "Declaration 14, legal department"})
    alone = covered(evidence, document="the declaration")
    mixed = covered(evidence, document="the declaration", objective=("goal.owner",))
    assert (alone.state, mixed.state) == ("document", "partly")
    assert list(lacking_words(alone)) == [
        "The declaration. The objective says where it is: Declaration 14, legal department."
    ]


def test_findings_beyond_three_are_counted():
    found = covered(FAILING, findings=("fairness.*",))
    fairness = [f for f in FAILING.findings if f.section == "fairness"]
    assert len(found.findings) == 3
    assert found.more == len(fairness) - 3


def test_every_fact_that_a_clause_may_name_can_be_decided():
    assert {*FACTS} == {*get_args(Fact)}


@pytest.mark.parametrize(
    ("fact", "evidence", "there"),
    [
        ("model_digest", FAILING, True),
        ("model_digest", MISSING, False),
        ("data_digest", MISSING, True),
        ("training_data", MISSING, False),
        ("numbered_attempt", PASSING, True),
        ("intervals", PASSING, True),
        ("impact_ratios", PASSING, False),
    ],
)
def test_facts_are_read_from_the_evidence(fact, evidence, there):
    assert covered(evidence, evidence=(fact,)).state == ("covered" if there else "not_covered")


def test_a_draft_is_no_numbered_attempt():
    evidence = PASSING
    run = evidence.run.model_copy(update={"draft": True, "attempt": None})
    draft = evidence.model_copy(update={"run": run})
    assert covered(draft, evidence=("numbered_attempt",)).state == "not_covered"


@pytest.mark.parametrize("name", ["failing", "hostile"])
def test_the_section_is_the_same_twice_and_verifies_from_its_own_folder(name, tmp_path):
    evidence = card_examples.ALL[name]().model_copy(update={"crosswalks": crosswalks()})
    stored = evidence.to_bytes()
    (tmp_path / "evidence.json").write_bytes(stored)
    card = write_card(stored, tmp_path)
    assert Card.from_bytes((tmp_path / "card.json").read_bytes()) == card
    problems = [text for text in verify_card(tmp_path) if "objective.yaml" not in text]
    assert problems == []
    assert len(card.coverage) == len(crosswalks())
    assert (tmp_path / "card.html").stat().st_size < 2_000_000


def test_a_clause_changed_in_a_card_is_noticed(tmp_path):
    evidence = PASSING.model_copy(update={"crosswalks": crosswalks()})
    (tmp_path / "evidence.json").write_bytes(evidence.to_bytes())
    card = write_card(evidence.to_bytes(), tmp_path)
    first, *others = card.coverage
    clauses = tuple(clause.model_copy(update={"state": "covered"}) for clause in first.clauses)
    forged = card.model_copy(update={"coverage": (first.model_copy(update={"clauses": clauses}), *others)})
    (tmp_path / "card.json").write_bytes(forged.to_bytes())
    assert any("does not follow from evidence.json" in text for text in verify_card(tmp_path))


def test_every_link_of_the_section_leads_to_something_on_the_card():
    evidence = FAILING.model_copy(update={"crosswalks": crosswalks()})
    html = render_html(assemble(evidence, DIGEST))
    section = html[html.index('<section id="regulations">') : html.index('<section id="verification">')]
    links = {*re.findall(r'href="#([^"]+)"', section)}
    assert len(links) > 20
    named = re.findall(r'\bid="([^"]+)"', html)
    assert links <= {*named}
    assert len(named) == len({*named})


def test_each_regulation_is_folded_with_its_counts_in_front():
    evidence = FAILING.model_copy(update={"crosswalks": crosswalks()})
    card = assemble(evidence, DIGEST)
    html, markdown = render_html(card), render_markdown(card)
    assert html.count('<details class="fold crosswalk">') == len(card.coverage)
    for one in card.coverage:
        assert f"| {one.title} | {len(one.clauses)} | {' | '.join(str(n) for n in one.counts.values())} |" in markdown
        assert sum(one.counts.values()) == len(one.clauses)
    assert "not a legal finding" in html
    assert "not a legal finding" in markdown


def test_a_projects_own_file_is_told_with_its_digest():
    evidence = held_against(PASSING, Clause(id="C-1", title="A clause"), own=True)
    html = render_html(assemble(evidence, DIGEST))
    assert f"house.yaml, {card_examples.digest('house')}" in html


def test_a_hostile_crosswalk_stays_text():
    bad = "<script>document.title='owned'</script>](javascript:alert(1)) | <b>"
    evidence = held_against(PASSING, Clause(id="C-1", title=bad, asks=bad, document=bad), own=True)
    html, markdown = render_html(assemble(evidence, DIGEST)), render_markdown(assemble(evidence, DIGEST))
    assert "<script>" not in html
    assert "](javascript" not in markdown.replace("\\]", "")
    assert "<b>" not in markdown


def test_without_crosswalks_the_card_says_that_none_was_held_against_it():
    section = next(s for s in assemble(PASSING, DIGEST).sections if s.id == "regulations")
    assert section.lead == "No regulation’s clauses were held against this run."
    assert section.blocks == ()


def test_a_document_for_a_clause_that_is_not_there_is_told_with_the_nearest_id():
    evidence = with_documents(PASSING, **{"C-11": "Declaration 14"})
    card = assemble(held_against(evidence, Clause(id="C-1", title="A clause", document="the declaration")), DIGEST)
    section = next(one for one in card.sections if one.id == "regulations")
    assert [block.text for block in section.blocks if block.title == "A document that no clause asks for"] == [
        "The objective names a document for “C-11”, and no clause of that id asks for one; did you mean 'C-1'?"
    ]


def test_findings_and_clauses_name_each_other():
    for made in (FAILING, MISSING):
        evidence = made.model_copy(update={"crosswalks": crosswalks()})
        cites = {finding.id: cited(finding, evidence.crosswalks) for finding in evidence.findings}
        for one in coverage(evidence):
            for clause in one.clauses:
                citing = {name for name, clauses in cites.items() if f"{one.id}/{clause.id}" in clauses}
                assert set(clause.findings) <= citing
                assert len(citing) == len(clause.findings) + clause.more
        assert any(cites.values())
        assert not any(cites[f.id] for f in evidence.findings if f.value is None and not f.by_group)
