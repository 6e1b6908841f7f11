from __future__ import annotations

import hashlib
import json

import pytest

from nbdeploy.errors import NotebookError, ParameterError
from nbdeploy.validate.notebooks.files import MOST_BYTES
from nbdeploy.validate.notebooks.notebook import check_parameters, choose, declared_parameters


def test_a_run_has_one_notebook_for_each_section():
    chosen = choose(("data", "fairness"))
    assert [(each.section, each.name, each.edited) for each in chosen] == [
        ("data", "data", False),
        ("fairness", "fairness", False),
    ]


def test_notebooks_of_the_project_join_by_name_or_metadata(write_notebook):
    extra = [write_notebook("fairness-regions", "1"), write_notebook("data_labels", "1")]
    chosen = choose(("data", "fairness"), extra)
    assert [each.name for each in chosen] == ["data", "data_labels", "fairness", "fairness-regions"]
    assert [each.edited for each in chosen] == [False, True, False, True]


def test_a_notebook_named_as_a_section_takes_our_place_and_is_marked_as_edited(write_notebook):
    (chosen,) = choose(("fairness",), [write_notebook("fairness", "1")])
    assert chosen.path.parent.name == "validation"
    assert chosen.edited


def test_a_notebook_that_the_policy_trusts_is_not_marked(write_notebook):
    file = write_notebook("fairness", "1")
    digest = "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()
    (chosen,) = choose(("fairness",), [file], [digest])
    assert not chosen.edited


def test_a_notebook_of_no_section_is_refused(write_notebook, tmp_path):
    with pytest.raises(NotebookError, match="belongs to no section"):
        choose(("data",), [write_notebook("report", "1")])
    file = tmp_path / "report.ipynb"
    file.write_text("not json")
    with pytest.raises(NotebookError, match="belongs to no section"):
        choose(("data",), [file])


def plain(cells: int = 1, **metadata: object) -> str:
    made = [{"cell_type": "raw", "metadata": {}}] * cells
    return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 2})


REFUSED = {
    "N7, missing kernel": (plain(kernelspec={"name": "ir", "display_name": "R", "language": "R"}), "written for 'r'"),
    "N8, many cells": (plain(1_000_000), "1,000,000 cells, over the limit of 1,000"),
    "N8, many bytes": (" " * (MOST_BYTES + 1), "bytes, over the limit"),
    "N8, deep metadata": (plain(a="DEEP").replace('"DEEP"', "[" * 50_000 + "]" * 50_000), "nested more than 100 deep"),
    "N8, rather deep": (plain(a="DEEP").replace('"DEEP"', "[" * 200 + "]" * 200), "nested more than 100 deep"),
    "no JSON": ("not json", "it is not a notebook"),
    "other JSON": ("[1, 2]", "it is not a notebook"),
    "no cells": ('{"cells": 7}', "it is not a notebook"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_no_person_wrote_is_refused_when_it_is_read_and_not_before(tmp_path, case):
    """N7, N8: it joins the run by its name, so that its section learns the reason and no other suffers."""
    text, says = REFUSED[case]
    file = tmp_path / "data_own.ipynb"
    file.write_text(text)
    own = choose(("data",), [file])[-1]
    assert own.section == "data"
    with pytest.raises(NotebookError, match=says):
        own.read()


def test_a_notebook_that_reads_more_than_its_context_is_never_reused(write_notebook):
    import nbformat

    file = write_notebook("data", "1")
    assert choose(("data",), [file])[0].reusable
    node = nbformat.read(file, 4)
    node.metadata["nbdeploy"] = {"reuse": False}
    nbformat.write(node, file)
    assert not choose(("data",), [file])[0].reusable


def test_outputs_that_came_with_a_notebook_are_cleared(write_notebook):
    """N11: what an executed notebook shows is of this run."""
    import nbformat

    file = write_notebook("data", "1")
    node = nbformat.read(file, 4)
    node.cells[1].outputs = [nbformat.v4.new_output("stream", text="all gates pass")]
    node.cells[1].execution_count = 7
    nbformat.write(node, file)
    (chosen,) = choose(("data",), [file])
    cell = chosen.read().cells[1]
    assert cell.outputs == []
    assert cell.execution_count is None


def test_declared_parameters_are_read_without_running_anything(write_notebook):
    file = write_notebook("data", "late = 1", parameters="workspace: str | None = None\nseed = 0  # a comment\nboom()")
    (chosen,) = choose(("data",), [file])
    assert declared_parameters(chosen.read()) == ("workspace", "seed")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("x=1;import os;y", "is no name for a parameter"),
        ("sed", "did you mean 'seed'"),
        ("late", "declares no parameter 'late'"),
    ],
)
def test_unknown_or_badly_named_parameters_are_refused(write_notebook, name, says):
    """N5: papermill injects parameter names as code."""
    (chosen,) = choose(("data",), [write_notebook("data", "late = 1")])
    with pytest.raises(ParameterError, match=says):
        check_parameters("data.ipynb", chosen.read(), {name: 1})
