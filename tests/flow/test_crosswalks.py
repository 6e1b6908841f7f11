"""A project's own clauses: held against every run, and kept with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbdeploy import flow
from nbdeploy.errors import CrosswalkError

OBJECTIVE = """
name: loan
task: binary
target: repaid
predicted: said
gates: {performance: {recall: ">= 0.1"}}
"""
pytestmark = pytest.mark.slow


@pytest.fixture
def applicants() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    return pd.DataFrame({"repaid": rng.integers(0, 2, 300), "said": rng.integers(0, 2, 300)})


HOUSE = """
id: house-rules
title: Rules of our house
published: Intranet, page 7.
clauses:
  - {id: H-1, title: Recall is told, findings: [performance.recall]}
  - {id: H-2, title: Drift is watched, objective: [monitor.drift]}
"""


def test_a_projects_own_clauses_are_held_against_the_run_and_kept_in_its_evidence(
    applicants: pd.DataFrame, tmp_path: Path, monkeypatch
):
    flow.init(tmp_path / "p", preset="solo", person="Ana Author")
    monkeypatch.chdir(tmp_path / "p")
    flow.declare(OBJECTIVE.encode())
    folder = tmp_path / "p" / "crosswalks"
    folder.mkdir()
    (folder / "house.yaml").write_text(HOUSE.replace("performance.recall", "performance.recal"))
    with pytest.raises(CrosswalkError, match="did you mean 'recall'"):
        flow.validate("loan", predictions=applicants, sections=("performance",), draft=True)
    (folder / "house.yaml").write_text(HOUSE)
    done = flow.validate("loan", predictions=applicants, sections=("performance",), draft=True)
    (folder / "house.yaml").unlink()  # the card needs nothing but its own folder
    assert not flow.verify_card(done.folder).problems
    coverage = json.loads((done.folder / "card.json").read_bytes())["coverage"]
    states = {one["id"]: [clause["state"] for clause in one["clauses"]] for one in coverage}
    assert states["house-rules"] == ["covered", "not_covered"]
    assert len(states) > 5
