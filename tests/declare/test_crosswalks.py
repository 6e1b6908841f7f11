"""A crosswalk is read strictly: what it names has to exist, and a mistake becomes one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from nbdeploy import templates
from nbdeploy.declare.crosswalks import crosswalks, fields, read_crosswalk, shipped
from nbdeploy.documents.crosswalk import Crosswalk
from nbdeploy.documents.finding_patterns import alternatives
from nbdeploy.errors import CrosswalkError

SHIPPED = sorted(templates.path("crosswalks").glob("*.yaml"))

HOUSE = """
id: house-rules
title: Rules of our house
published: Intranet, page 7.
clauses:
  - id: H-1
    title: Accuracy is told
    findings: ["performance.roc_auc | performance.r2"]
    objective: [goal.owner]
    evidence: [data_digest]
"""


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_clause_that_ships_names_measures_fields_and_facts_that_exist(file: Path):
    read = read_crosswalk(file.read_bytes(), origin=file.name)
    assert read.id.replace("-", "") == file.stem.replace("-", "").replace(".", "")
    assert next(ref for ref in shipped() if ref.name == file.name).content == read


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_an_editor_that_knows_the_published_schema_finds_nothing_wrong(file: Path):
    schema = Crosswalk.model_json_schema(by_alias=True)
    text = yaml.safe_load(file.read_bytes())
    assert [error.message for error in Draft202012Validator(schema).iter_errors(text)] == []
    assert not Draft202012Validator(schema).is_valid(text | {"titel": "x"})


def test_the_regulations_that_users_were_promised_ship():
    assert {ref.content.id for ref in crosswalks()} >= {
        *("eu-ai-act-annex-iv", "nist-ai-rmf-1-0", "sr-26-2", "iso-iec-42001-annex-a", "nyc-local-law-144"),
        *("us-80-percent-rule", "model-card-mitchell-2019"),
    }


def test_the_guidance_that_was_rescinded_is_not_told_as_if_it_were_in_force():
    (note,) = (ref.content.note for ref in crosswalks() if ref.content.id == "sr-26-2")
    assert "SR 11-7 (2011) was rescinded on 17 April 2026" in note


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_no_crosswalk_speaks_of_compliance(file: Path):
    assert "complian" not in file.read_text("utf-8").lower()


@pytest.mark.parametrize(
    ("wrong", "right", "sentence"),
    [
        ("titel: Accuracy", "title: Accuracy", "clause H-1: unknown key 'titel'; did you mean 'title'?"),
        ("performance.roc_auk |", "performance.roc_auc |", "performance.roc_auk names no known measure; did you mean"),
        ("perform.roc_auc |", "performance.roc_auc |", "there is no section 'perform'"),
        ("roc_auc |", "performance.roc_auc |", "'roc_auc' names no findings; write SECTION.MEASURE"),
        ("[goal.onwer]", "[goal.owner]", "'goal.onwer' is no field that an objective may leave empty; did you mean"),
        ("[level]", "[goal.owner]", "'level' is no field that an objective may leave empty"),
        ("[data_digset]", "[data_digest]", "'data_digset' is no fact of the evidence; did you mean 'data_digest'?"),
        ("id: House Rules", "id: house-rules", "id: String should match pattern"),
        ("publisched: x", "published: Intranet, page 7.", "unknown key 'publisched'; did you mean 'published'?"),
    ],
)
def test_a_mistake_is_told_in_one_sentence_with_the_nearest_right_word(wrong, right, sentence):
    with pytest.raises(CrosswalkError) as refused:
        read_crosswalk(HOUSE.replace(right, wrong).encode(), origin="house.yaml")
    assert sentence in str(refused.value)
    assert "house.yaml" in str(refused.value)


def test_text_that_is_no_yaml_is_refused_with_its_line():
    with pytest.raises(CrosswalkError, match=r"house\.yaml, line 3"):
        read_crosswalk(b"id: a\ntitle: b\n  c: [", origin="house.yaml")


def test_a_clause_may_not_stand_twice():
    twice = HOUSE + "  - {id: H-1, title: Again}\n"
    with pytest.raises(CrosswalkError, match="'H-1' stands twice"):
        read_crosswalk(twice.encode())


def test_measures_of_a_projects_own_notebooks_may_be_named():
    own = HOUSE.replace("performance.roc_auc | performance.r2", "data.label_delay_days")
    with pytest.raises(CrosswalkError):
        read_crosswalk(own.encode())
    assert read_crosswalk(own.encode(), own={"data": ("label_delay_days",)}).clauses[0].findings


def test_a_projects_file_is_added_and_takes_the_place_of_one_with_its_id(tmp_path):
    (tmp_path / "house.yaml").write_text(HOUSE, "utf-8")
    (tmp_path / "nyc.yml").write_text(HOUSE.replace("house-rules", "nyc-local-law-144"), "utf-8")
    found = crosswalks(tmp_path)
    assert len(found) == len(shipped()) + 1
    assert [ref.content.id for ref in found].count("nyc-local-law-144") == 1
    own = {ref.content.id: ref for ref in found if ref.own}
    assert own.keys() == {"house-rules", "nyc-local-law-144"}
    assert own["house-rules"].digest.startswith("sha256:")


def test_two_files_of_a_project_with_one_id_are_refused(tmp_path):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(HOUSE, "utf-8")
    with pytest.raises(CrosswalkError, match="have the same id 'house-rules'"):
        crosswalks(tmp_path)


def test_a_project_without_a_folder_has_those_that_ship(tmp_path):
    assert crosswalks(tmp_path / "nowhere") == shipped()


def test_fields_that_always_have_a_value_show_nothing():
    assert {"goal.owner", "monitor.drift", "regulations.local_law_144"} <= {*fields()}
    assert not {"level", "risk_tier", "min_group_size", "rollout.steps", "monitor.every"} & {*fields()}


def test_a_pattern_fits_by_section_measure_and_crossing():
    (any_ratio,) = alternatives("fairness.*_ratio")
    assert any_ratio.fits("fairness", "demographic_parity_ratio", ("sex",))
    assert not any_ratio.fits("performance", "demographic_parity_ratio")
    assert not any_ratio.fits("fairness", "demographic_parity_ratio_x")
    (crossed,) = alternatives("fairness.count:crossed")
    assert crossed.fits("fairness", "count", ("sex", "age_band"))
    assert not crossed.fits("fairness", "count", ("sex",))
