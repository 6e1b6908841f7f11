"""``nbdeploy card export``: to the terminal, to a file, to a folder; and what users get wrong."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "report"))
import card_examples

from nbdeploy import flow
from nbdeploy.cli import main
from nbdeploy.documents.card import FORMS
from nbdeploy.errors import ProjectError
from nbdeploy.report.write import write_card


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Return a run folder outside of any project."""
    folder = tmp_path_factory.mktemp("a run")
    objective = b"name: progression-risk\n"
    evidence = card_examples.failing()
    named = evidence.objective.model_copy(update={"digest": f"sha256:{hashlib.sha256(objective).hexdigest()}"})
    stored = evidence.model_copy(update={"objective": named}).to_bytes()
    (folder / "objective.yaml").write_bytes(objective)
    (folder / "evidence.json").write_bytes(stored)
    write_card(stored, folder)
    return folder


def called(capfd, *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["card", "export", *words])
    out, err = capfd.readouterr()
    return ended.value.code, out, err


@pytest.mark.parametrize(("form", "file"), [("html", "card.html"), ("markdown", "card.md"), ("junit", "junit.xml")])
def test_what_lies_beside_the_card_is_what_an_export_gives(run, capfd, form, file):
    code, out, _ = called(capfd, str(run), "--format", form)
    assert code == 0
    assert out.encode() == (run / file).read_bytes()


def test_a_folder_gets_a_file_named_after_the_objective(run, capfd, tmp_path):
    code, out, _ = called(capfd, str(run / "card.json"), "--format", "cyclonedx", "--out", str(tmp_path))
    assert code == 0
    assert "progression-risk.cdx.json" in out
    assert json.loads((tmp_path / "progression-risk.cdx.json").read_bytes())["bomFormat"] == "CycloneDX"


def test_an_export_needs_nothing_but_card_json(run, capfd, tmp_path):
    (tmp_path / "card.json").write_bytes((run / "card.json").read_bytes())
    assert called(capfd, str(tmp_path), "--format", "csv")[:2] == called(capfd, str(run), "--format", "csv")[:2]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nowhere", "--format", "csv"), "E-PROJECT"),
        ((".", "--format", "csv"), "there is no card.json in /"),
        (("broken.json", "--format", "csv"), "broken.json is no card"),
    ],
)
def test_what_is_no_card_is_one_sentence(capfd, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.json").write_text("{}")
    code, out, err = called(capfd, *words)
    assert code == 2
    assert not out
    assert says in err
    assert err.startswith("nbdeploy: E-")
    assert len(err.splitlines()) == 1


def test_an_unknown_form_lists_those_that_there_are(run):
    command = [sys.executable, "-m", "nbdeploy.cli", "card", "export", str(run), "--format", "docx"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 2
    assert all(name in done.stderr for name in FORMS)
    assert "Traceback" not in done.stderr


def test_a_place_that_cannot_be_written_is_told(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ProjectError, match="cannot be written"):
        flow.export_card(str(run), "csv", out=tmp_path / "file" / "x.csv")
