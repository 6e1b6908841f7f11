"""The tutorials run as they stand, through papermill, and hold no outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import papermill
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_tutorials_are_committed_without_outputs(path: Path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in notebook.cells)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # papermill and nbclient warn of each other
def test_quickstart_goes_to_dev_and_stays_out_of_production(tmp_path: Path):
    out = tmp_path / "quickstart.ipynb"
    papermill.execute_notebook(NOTEBOOKS / "01-quickstart.ipynb", out, progress_bar=False, cwd=tmp_path)
    told = {}
    for cell in nbformat.read(out, as_version=4).cells:
        for output in cell.get("outputs", []):
            text = output.get("text") or output.get("data", {}).get("text/plain", "")
            told[cell["id"]] = told.get(cell["id"], "") + text
    everything = "\n".join(told.values())
    answers = [text for text in told.values() if text.startswith("{'predictions'")]
    assert ["progression-risk/1" in answer for answer in answers] == [True, True], "asked before and after the rollback"
    assert "E-DRAFT" in everything
    assert "live progression-risk/2 at 100 %" in everything
    assert "waiting for a validator; nothing is live" in everything
    assert "progression-risk/1 has all traffic again" in everything
    assert "The chain of progression-risk holds" in everything
    assert "Traceback" not in everything
    assert "'error'" not in everything
