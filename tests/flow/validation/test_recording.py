"""What becomes of a run's folder when something stops the run while it is recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbdeploy import flow
from nbdeploy.documents.progress import Progress, unwatched
from nbdeploy.errors import DataError, InterruptedRunError, NbdeployError
from nbdeploy.flow.project import Project
from nbdeploy.flow.validation.recording import place, record
from nbdeploy.flow.validation.validated import Validated

OBJECTIVE = b"""
task: binary
target: y
predicted: p
gates: {performance: {accuracy: ">= 0.6"}}
"""
pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(flow.init(tmp_path / "p", preset="solo", person="Ana Author").root)
    flow.declare(OBJECTIVE, name="loan")
    return Project.require()


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.DataFrame({"y": np.tile([0, 1], 50), "p": np.tile([0, 1], 50)})


def recorded_and_stopped(project: Project, of: Validated, stop: BaseException) -> None:
    """Record the files of a run as another attempt, and break off."""
    with place(project, project.objective("loan"), None, recorded=True, draft=False) as (folder, attempt):
        for file in of.folder.glob("*.*"):
            (folder / file.name).write_bytes(file.read_bytes())
        run = of.evidence.run.model_copy(update={"attempt": attempt})
        again = of.evidence.model_copy(update={"run": run})
        record(project, project.objective("loan"), again, folder, unwatched)
        raise stop


def test_a_run_that_the_ledger_holds_keeps_its_folder_whatever_comes_after(project, rows):
    done = flow.validate("loan", predictions=rows, sections=["performance"])
    with pytest.raises(InterruptedRunError, match="attempt 2 of loan was recorded before"):
        recorded_and_stopped(project, done, KeyboardInterrupt())
    with pytest.raises(DataError):
        recorded_and_stopped(project, done, DataError("something else"))
    folders = sorted((project.settings.runs / "loan").iterdir())
    assert [folder.name for folder in folders] == ["0001", "0002", "0003"]
    assert len({(folder / "evidence.json").read_bytes() for folder in folders}) == 1


def test_what_mlflow_refuses_is_not_in_the_ledger(project, rows):
    (project.settings.state / "mlflow.db").write_text("no database")
    before = len(project.ledger.entries())
    with pytest.raises(NbdeployError):
        flow.validate("loan", predictions=rows, sections=["performance"])
    assert len(project.ledger.entries()) == before
    assert list((project.settings.runs / "loan").iterdir()) == []


def test_ctrl_c_before_notebooks_begin_is_one_sentence(project, rows):
    def stop(step: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(InterruptedRunError, match="interrupted"):
        flow.validate("loan", predictions=rows, watch=stop)
    with pytest.raises(InterruptedRunError, match="nothing of it is recorded"):
        flow.validate("loan", model="models:/nothing/1", data=rows, watch=stop)
    assert list((project.settings.runs / "loan").iterdir()) == []
