"""What an audit finds is told whole: one thing that is missing hides no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.flow.asked_project import Asked

from nbdeploy import flow


def test_a_card_that_is_gone_is_one_problem_among_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    project = Asked(tmp_path)
    project.ask()
    (project.folder / "card.json").unlink()
    (project.folder / "objective.yaml").write_bytes(b"name: another\n")
    found = flow.audit()
    assert found.exit_code == 1
    assert "churn attempt 1: card.json is missing" in found.problems
    assert "churn attempt 1: objective.yaml is not what was signed" in found.problems
    assert any(problem.startswith("churn/1: ") for problem in found.problems), "the model was asked for too"
