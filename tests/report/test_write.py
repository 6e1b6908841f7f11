"""What is written together must stay together."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import card_examples
import pytest

from nbdeploy.documents.card import Card
from nbdeploy.errors import CardError
from nbdeploy.report.write import verify_card, write_card


@pytest.fixture
def folder(tmp_path) -> Path:
    evidence = card_examples.failing()
    objective = b"name: progression-risk\n"
    named = evidence.objective.model_copy(update={"digest": f"sha256:{hashlib.sha256(objective).hexdigest()}"})
    stored = evidence.model_copy(update={"objective": named}).to_bytes()
    (tmp_path / "evidence.json").write_bytes(stored)
    (tmp_path / "objective.yaml").write_bytes(objective)
    write_card(stored, tmp_path)
    return tmp_path


def test_a_fresh_card_verifies(folder):
    assert verify_card(folder) == ()
    assert Card.from_bytes((folder / "card.json").read_bytes()).findings


def test_a_changed_page_is_found(folder):
    page = folder / "card.html"
    page.write_text(page.read_text("utf-8").replace("Fail", "Pass"), "utf-8")
    problems = verify_card(folder)
    assert problems[0] == "card.html is not what card.json gives"
    assert any("tells fairness.demographic_parity_ratio:age_band otherwise" in problem for problem in problems)


def test_a_changed_number_in_the_card_is_named(folder):
    content = json.loads((folder / "card.json").read_bytes())
    changed = next(finding for finding in content["findings"] if finding["id"] == "performance.roc_auc")
    changed["value"] = 0.99
    (folder / "card.json").write_text(json.dumps(content), "utf-8")
    assert any("card.json tells performance.roc_auc otherwise" in problem for problem in verify_card(folder))


def test_a_changed_sentence_in_the_card_is_found(folder):
    content = json.loads((folder / "card.json").read_bytes())
    content["sections"][0]["lead"] = "Perfectly safe"
    (folder / "card.json").write_text(json.dumps(content), "utf-8")
    assert any("does not follow from evidence.json" in problem for problem in verify_card(folder))


def test_swapped_evidence_is_found(folder):
    (folder / "evidence.json").write_bytes(card_examples.passing().to_bytes())
    problems = verify_card(folder)
    assert problems[0].startswith("card.json was made from other evidence")
    assert any("another verdict (fail) than evidence.json (pass)" in problem for problem in problems)


def test_a_swapped_objective_is_found(folder):
    (folder / "objective.yaml").write_text("name: other\n", "utf-8")
    assert verify_card(folder) == ("objective.yaml is not the objective that the evidence was judged by",)


def test_a_folder_without_a_card_is_one_sentence(tmp_path):
    with pytest.raises(CardError, match=r"there is no evidence\.json"):
        verify_card(tmp_path)


def test_unreadable_documents_are_one_sentence(folder):
    (folder / "card.json").write_bytes(b"{}")
    with pytest.raises(CardError, match="cannot be checked"):
        verify_card(folder)
