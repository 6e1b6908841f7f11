"""The documents hold what their published JSON Schemas promise to other tools."""

from __future__ import annotations

import json

import card_examples
import pytest
from jsonschema import Draft202012Validator

from nbdeploy.documents.card import Card
from nbdeploy.documents.evidence import Evidence
from nbdeploy.report.write import write_card


@pytest.mark.parametrize("name", card_examples.ALL)
def test_evidence_and_card_validate_against_their_schemas(name, tmp_path):
    stored = card_examples.ALL[name]().to_bytes()
    write_card(stored, tmp_path)
    for document, text in ((Evidence, stored), (Card, (tmp_path / "card.json").read_bytes())):
        schema = document.model_json_schema(by_alias=True)
        Draft202012Validator.check_schema(schema)
        assert [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(text))] == []


def test_the_schema_refuses_a_document_of_another_kind():
    other = json.loads(card_examples.passing().to_bytes())
    assert not Draft202012Validator(Card.model_json_schema(by_alias=True)).is_valid(other)
