"""Every form comes from card.json alone, is valid for those who read it, and holds no trap."""

from __future__ import annotations

import csv
import io
import json
import re
from functools import cache

import card_examples
import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from nbdeploy.documents.card import FORMS, Card
from nbdeploy.errors import CardError
from nbdeploy.report.assemble import assemble
from nbdeploy.report.exports import _MADE, export
from nbdeploy.report.exports.spreadsheet import COLUMNS, cell
from nbdeploy.report.junit import junit

EXAMPLES = list(card_examples.ALL)
TEXTS = [name for name in FORMS if name != "pdf"]


@cache
def card(name: str) -> Card:
    return assemble(card_examples.ALL[name](), card_examples.digest("e"))


@cache
def exported(name: str, form: str) -> str:
    return export(card(name), form).decode()


def test_every_form_of_the_vocabulary_is_made():
    assert tuple(_MADE) == FORMS


@pytest.mark.parametrize("form", TEXTS)
def test_the_stored_card_alone_gives_the_same_bytes(form):
    again = Card.from_bytes(card("failing").to_bytes())
    assert export(again, form) == exported("failing", form).encode()


def test_an_unknown_form_is_told_with_the_closest():
    with pytest.raises(CardError, match="cyclonedx"):
        export(card("passing"), "cyclonedex")


def test_junit_of_a_card_is_that_of_its_evidence():
    assert exported("failing", "junit") == junit(card_examples.failing())


# CycloneDX -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_cyclonedx_is_valid_by_the_official_schema(name):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(exported(name, "cyclonedx")) is None


def test_the_schema_would_find_a_fault():
    bom = json.loads(exported("failing", "cyclonedx"))
    bom["components"][0]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0]["value"] = 0.5
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bom)) is not None


def test_cyclonedx_tells_every_value_with_its_interval():
    told = json.loads(exported("failing", "cyclonedx"))["components"][0]["modelCard"]
    metrics = told["quantitativeAnalysis"]["performanceMetrics"]
    for finding in card("failing").findings:
        if finding.value is None or "decided_by" in finding.data:
            continue
        one = next(m for m in metrics if m["type"] == finding.id and m.get("slice", "") == (finding.slice or ""))
        assert float(one["value"]) == finding.value
        if finding.interval:
            limits = one["confidenceInterval"]
            assert (float(limits["lowerBound"]), float(limits["upperBound"])) == tuple(finding.interval)
        for row in finding.by_group:
            assert row.value is None or any(m["type"] == finding.id and float(m["value"]) == row.value for m in metrics)


def test_cyclonedx_tells_the_verdict_of_every_gate_and_what_is_undefined():
    properties = json.loads(exported("mostly_missing", "cyclonedx"))["components"][0]["modelCard"]["properties"]
    names = [one["name"] for one in properties]
    for finding in card("mostly_missing").findings:
        assert finding.verdict is None or f"nbdeploy:gate:{finding.id}" in names
        assert finding.value is not None or f"nbdeploy:undefined:{finding.id}" in names
    assert {"name": "nbdeploy:verdict", "value": card("mostly_missing").verdict.overall} in properties


def test_cyclonedx_lists_columns_libraries_and_datasets():
    bom = json.loads(exported("failing", "cyclonedx"))
    by_ref = {one["bom-ref"]: one for one in bom["components"]}
    parameters = by_ref["model"]["modelCard"]["modelParameters"]
    model = card("failing").subject.model
    assert [one["format"] for one in parameters["inputs"]] == [f"{n}: {kind}" for n, kind in model.inputs.items()]
    assert parameters["outputs"] == [{"format": "answer: long"}]
    for reference, data in zip(parameters["datasets"], card("failing").subject.data, strict=True):
        component = by_ref[reference["ref"]]
        assert component["hashes"] == [{"alg": "SHA-256", "content": data.digest.removeprefix("sha256:")}]
        assert component["data"][0]["name"] == data.name
    libraries = [by_ref[ref] for ref in bom["dependencies"][0]["dependsOn"]]
    assert bom["dependencies"][0]["ref"] == "model"
    assert libraries[0]["name"] == "pandas"
    assert libraries[0]["properties"] == [{"name": "nbdeploy:asked", "value": "pandas>=2"}]
    assert libraries[1] | {"bom-ref": ""} == {
        "type": "library",
        "bom-ref": "",
        "name": "scikit-learn",
        "version": "1.9.0",
        "purl": "pkg:pypi/scikit-learn@1.9.0",
    }


def test_a_foreign_name_makes_no_address_of_a_package():
    bom = json.loads(exported("hostile", "cyclonedx"))
    libraries = [one for one in bom["components"] if one["type"] == "library"]
    assert libraries
    assert all("purl" not in one for one in libraries)


def test_the_serial_number_follows_from_the_evidence():
    serial = json.loads(exported("failing", "cyclonedx"))["serialNumber"]
    other = assemble(card_examples.failing(), card_examples.digest("another"))
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", serial)
    assert json.loads(export(other, "cyclonedx"))["serialNumber"] != serial


# Hugging Face --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_front_matter_is_what_the_hub_reads(name):
    text = exported(name, "huggingface")
    # As huggingface_hub finds it: REGEX_YAML_BLOCK in repocard.py.
    block = re.search(r"^(\s*---[\r\n]+)([\S\s]*?)([\r\n]+---(\r\n|\n|$))", text)
    front = yaml.safe_load(block[2])
    fields = {"library_name", "pipeline_tag", "tags", "metrics", "model-index"}
    assert set(front) <= fields
    assert front["pipeline_tag"] == "tabular-classification"
    for index in front["model-index"]:
        assert isinstance(index["name"], str)
        for result in index["results"]:
            assert result["task"]["type"] == "tabular-classification"
            assert {"name", "type"} <= set(result["dataset"])
            for metric in result["metrics"]:
                assert isinstance(metric["value"], (int, float))
                assert metric["verified"] is False
                assert metric["type"]
    assert text.endswith(exported(name, "markdown"))


def test_a_licence_or_dataset_that_nobody_stated_is_left_out():
    front = exported("passing", "huggingface").split("\n---\n")[0]
    assert "license" not in front
    assert "\ndatasets" not in front


# Pull request --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_comment_is_short_and_tells_every_gate_that_does_not_pass(name):
    text = exported(name, "pull-request")
    assert len(text.splitlines()) <= 60
    rows = [line for line in text.splitlines() if line.startswith("| ") and line[2] != "-"][1:]
    bad = [finding for finding in card(name).findings if finding.verdict not in (None, "pass")]
    assert sum("✓" not in row for row in rows) == len(bad)
    assert card(name).evidence in text
    assert "nbdeploy card verify" in text


def test_a_comment_stays_short_with_very_many_gates():
    many = card("mostly_missing")
    finding = next(finding for finding in many.findings if finding.verdict == "not_evaluated")
    copies = tuple(finding.model_copy(update={"id": f"{finding.id}@{n}", "slice": f"age > {n}"}) for n in range(200))
    text = export(many.model_copy(update={"findings": (*many.findings, *copies)}), "pull-request").decode()
    assert len(text.splitlines()) <= 60
    assert "more, on the card" in text


def test_a_comment_says_what_was_not_evaluated():
    text = exported("mostly_missing", "pull-request")
    assert "**Not evaluated**, which never counts as a pass" in text
    assert "only its predictions were given" in text
    assert "Every declared gate was evaluated." not in text


def test_hostile_names_neither_link_nor_mention_nor_open_markup_in_a_comment():
    text = exported("hostile", "pull-request")
    foreign = re.sub(r"</?details>|</?summary>", "", text)
    assert "<" not in foreign.replace("&lt;", "")
    assert "://" not in text
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "@" not in text
    assert "\u202e" not in text


# CSV -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_csv_has_one_line_for_every_value_and_all_lines_are_as_long(name):
    text = exported(name, "csv")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    expected = sum(1 + ("decided_by" in finding.data) + len(finding.by_group) for finding in card(name).findings)
    assert len(rows) == 1 + expected
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert text.count("\n") == text.count("\r\n") == len(rows)


def test_numbers_in_csv_are_those_of_the_findings():
    rows = csv.DictReader(io.StringIO(exported("failing", "csv"), newline=""))
    told = {row["finding"]: row for row in rows if not row["group"]}
    for finding in card("failing").findings:
        assert told[finding.id]["value"] == ("" if finding.value is None else repr(finding.value))
        if finding.interval:
            assert float(told[finding.id]["interval_low"]) == finding.interval[0]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "\n@x"])
def test_text_that_a_spreadsheet_would_run_is_prefixed(text):
    assert cell(text).startswith("'")


def test_ordinary_text_and_negative_numbers_in_csv_stay_as_they_are():
    assert cell("sex=2") == "sex=2"
    finding = card("passing").findings[0].model_copy(update={"value": -0.25, "by_group": (), "interval": None})
    rows = csv.DictReader(
        io.StringIO(export(card("passing").model_copy(update={"findings": (finding,)}), "csv").decode())
    )
    assert next(rows)["value"] == "-0.25"


def test_no_cell_of_a_hostile_card_begins_a_formula():
    finding = (
        card("hostile")
        .findings[0]
        .model_copy(
            update={
                "metric": "=cmd|' /C calc'!A0",
                "features": ("@x",),
                "reason": "+1",
                "method": "-2",
                "slice": "\t=3",
            }
        )
    )
    text = export(card("hostile").model_copy(update={"findings": (finding, *card("hostile").findings)}), "csv").decode()
    number = re.compile(r"-?(\d+(\.\d+)?(e[+-]?\d+)?|inf)")
    for row in csv.reader(io.StringIO(text, newline="")):
        for value in row:
            assert not value.startswith(("=", "+", "-", "@", "\t", "\r")) or number.fullmatch(value)
