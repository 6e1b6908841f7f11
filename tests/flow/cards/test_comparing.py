"""Cards are found by the words that people use for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.report import card_examples

from nbdeploy import flow
from nbdeploy.documents.evidence import Evidence
from nbdeploy.errors import CardError, ProjectError
from nbdeploy.report.write import write_card


def record(root: Path, evidence: Evidence, attempt: int, version: str) -> Path:
    """Write the run folder of one attempt, of one registered version."""
    folder = root / ".nbdeploy" / "runs" / "progression-risk" / f"{attempt:04d}"
    folder.mkdir(parents=True)
    model = evidence.subject.model.model_copy(update={"name": "risk", "version": version})
    stored = evidence.model_copy(
        update={
            "run": evidence.run.model_copy(update={"attempt": attempt, "draft": False}),
            "subject": evidence.subject.model_copy(update={"model": model}),
        }
    ).to_bytes()
    (folder / "evidence.json").write_bytes(stored)
    write_card(stored, folder)
    return folder


@pytest.fixture
def runs(tmp_path, monkeypatch) -> tuple[Path, Path]:
    flow.init(tmp_path, preset="solo", name=None, person="Ana")
    monkeypatch.chdir(tmp_path)
    first = record(tmp_path, card_examples.passing(), 1, "3")
    return first, record(tmp_path, card_examples.failing(), 2, "4")


def test_folder_file_attempt_and_version_name_the_same_card(runs):
    first, second = runs
    expected = flow.compare_cards(str(first), str(second)).html
    for before, after in (
        (str(first / "card.json"), "progression-risk"),
        ("progression-risk:1", "progression-risk:2"),
        ("risk/3", "models:/risk/4"),
    ):
        assert flow.compare_cards(before, after).html == expected
    assert flow.compare_latest("progression-risk").html == expected
    assert flow.compare_latest("progression-risk", ("1",)).html == expected


def test_the_first_screen_tells_the_worst_and_the_file_holds_the_whole(runs, tmp_path):
    found = flow.compare_latest("progression-risk", out=tmp_path / "diff.html")
    assert "1. Worse: The verdict on the whole went from pass to fail." in str(found)
    assert (tmp_path / "diff.html").read_text("utf-8") == found.html


def test_what_is_not_there_is_said_with_what_can_be_named(runs, tmp_path):
    with pytest.raises(ProjectError, match="risk/9"):
        flow.compare_cards("risk/9", "progression-risk")
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(CardError, match="is no card"):
        flow.compare_cards(str(tmp_path), "progression-risk")


def test_the_command_line_compares_two_folders_and_refuses_in_one_sentence(runs, tmp_path):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nbdeploy.cli", "card", "diff", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    first, second = map(str, runs)
    done = run(first, second, "--markdown", "--html", "diff.html")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# Compared: progression-risk, attempt 1 and progression-risk, attempt 2")
    assert (tmp_path / "diff.html").is_file()
    refused = run(first, "nothing/7")
    assert refused.returncode == 2
    assert "no recorded run here is of nothing/7" in refused.stderr
    assert "Traceback" not in refused.stderr
