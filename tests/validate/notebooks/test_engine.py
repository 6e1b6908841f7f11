"""``papermill --engine nbdeploy``: what papermill calls a success though a cell did not run is an error."""

from __future__ import annotations

import tomllib
import warnings
from importlib import import_module
from pathlib import Path

import nbformat
import pytest

from nbdeploy.errors import NotebookError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def engine():
    """Return the engine that the package announces to papermill."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    module, name = project["entry-points"]["papermill.engine"]["nbdeploy"].split(":")
    return getattr(import_module(module), name)


@pytest.fixture
def execute(engine, tmp_path):
    import papermill
    from papermill.engines import papermill_engines

    papermill_engines.register("nbdeploy", engine)

    def run(file: Path, name: str) -> nbformat.NotebookNode:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nbformat's and pyzmq's notes on how they do their work
            return papermill.execute_notebook(
                str(file), str(tmp_path / "out.ipynb"), engine_name=name, progress_bar=False, kernel_name="python3"
            )

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cells", "tags", "says"),
    [
        (("import sys; sys.exit(0)", "1 / 0"), {}, "raised SystemExit|was not executed"),
        (("1 / 0",), {0: ["skip-execution"]}, "carries the tag skip-execution"),
    ],
    ids=["N1", "N2"],
)
def test_a_notebook_that_papermill_calls_a_success_is_refused(write_notebook, execute, cells, tags, says):
    file = write_notebook("data", *cells, tags=tags)
    execute(file, "nbclient")
    with pytest.raises(NotebookError, match=says):
        execute(file, "nbdeploy")
    assert len(nbformat.read(file.parents[1] / "out.ipynb", 4).cells) >= len(cells)


@pytest.mark.slow
def test_a_whole_notebook_runs_as_ever(write_notebook, execute):
    done = execute(write_notebook("data", "6 * 7"), "nbdeploy")
    assert done.cells[-1].outputs[0].data["text/plain"] == "42"
