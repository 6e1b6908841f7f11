"""The six notebooks as they are shipped: ordinary papermill notebooks without numerics or outputs."""

from __future__ import annotations

import ast
import importlib
from itertools import pairwise

import nbformat
import pytest

from nbdeploy import templates
from nbdeploy.documents.sections import SECTIONS

PARAMETERS = {"workspace", "objective", "model", "data", "predictions", "train", "reference", "seed"}


@pytest.fixture(params=SECTIONS)
def notebook(request):
    found = nbformat.read(templates.path("validation", f"{request.param}.ipynb"), as_version=4)
    return request.param, found, [cell for cell in found.cells if cell.cell_type == "code"]


def test_the_parameters_are_those_that_a_run_fills_in(notebook):
    _, _, cells = notebook
    tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", ())]
    assert len(tagged) == 1
    names = {target.id for node in ast.parse(tagged[0].source).body for target in node.targets}
    assert names == PARAMETERS


def test_no_output_is_committed(notebook):
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook[2])


def test_each_check_is_one_call_and_every_check_of_the_section_is_called(notebook):
    section, _, cells = notebook
    module = importlib.import_module(f"nbdeploy.validate.checks.{section}")
    calls = [cell.source for cell in cells[2:-1]]
    assert sorted(calls) == sorted(f"check.{name}(context)" for name in module.__all__)


def test_the_last_cell_closes_the_notebook(notebook):
    section, found, cells = notebook
    assert cells[-1].source == "context.finish()"
    assert found.metadata["nbdeploy"]["section"] == section


def test_each_call_stands_under_a_plain_sentence(notebook):
    cells = notebook[1].cells
    for before, cell in pairwise(cells):
        if cell.source.startswith("check."):
            assert before.cell_type == "markdown"
