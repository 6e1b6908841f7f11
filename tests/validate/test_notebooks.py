from __future__ import annotations

import hashlib

import pytest

from nbdeploy.errors import NotebookError, ParameterError
from nbdeploy.validate.notebooks import check_parameters, choose, declared_parameters


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
    file = tmp_path / "data.ipynb"
    file.write_text("not json")
    with pytest.raises(NotebookError, match="is not a notebook"):
        choose(("data",), [file])


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
