"""The six sections as plain function calls in one process: what their notebooks must not cost much more than."""

from __future__ import annotations

import re
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import nbformat

from nbdeploy import templates
from nbdeploy.declare import read_objective
from nbdeploy.documents.sections import SECTIONS
from nbdeploy.validate.context import Context
from nbdeploy.validate.data.inputs import read_dataset
from nbdeploy.validate.order import Inputs
from nbdeploy.validate.prepare import prepare
from nbdeploy.validate.verdict.findings import find
from nbdeploy.validate.verdict.tallies import Tallies


def main(folder: Path) -> None:
    """Score, call every check that the notebooks call, draw what they show, and form the verdicts."""
    objective = read_objective((folder / "objective.yaml").read_bytes(), origin="objective").content
    inputs = Inputs(evaluation=read_dataset(folder / "test.csv"), train=read_dataset(folder / "train.csv", "train"))
    with tempfile.TemporaryDirectory() as scratch:
        workspace = prepare(Path(scratch), objective, inputs, model_folder=folder / "model")
        recorded = {}
        for section in SECTIONS:
            context = Context(section, workspace.slot(section), governed=True)
            checks = import_module(f"nbdeploy.validate.checks.{section}")
            node = nbformat.read(templates.path("validation", f"{section}.ipynb"), 4)
            for cell in node.cells:
                for name in re.findall(r"^check\.(\w+)\(context\)", cell.source, re.MULTILINE):
                    getattr(checks, name)(context).bundles()
            recorded[section] = list(workspace.slot(section).measurements())
        find(objective, recorded, Tallies(workspace.rows("predictions"), objective))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
