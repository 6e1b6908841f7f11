"""Small data, objectives and notebooks for the tests of a validation run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from nbdeploy.documents.objective import Objective
from nbdeploy.validate.data.inputs import read_dataset
from nbdeploy.validate.data.predictions import from_file
from nbdeploy.validate.verdict.tallies import Tallies


@pytest.fixture
def declare() -> Callable[..., Objective]:
    """Make an objective; `gates` and any other key may be given."""

    def make(**more: Any) -> Objective:
        content = {
            "name": "hiring",
            "task": "binary",
            "target": "hired",
            "threshold": 0.5,
            "sensitive": ["sex"],
            "gates": {"performance": {"recall": ">= 0.5"}},
        }
        return Objective.model_validate(content | more)

    return make


@pytest.fixture
def people() -> pd.DataFrame:
    """2,000 people with two sensitive features, of which one has missing values, and a score that favours one sex."""
    rng = np.random.default_rng(7)
    n = 2_000
    sex = rng.choice(["female", "male"], n)
    region = rng.choice(["north", "south", None], n, p=[0.6, 0.39, 0.01])
    hired = (rng.random(n) < 0.4).astype(int)
    score = np.clip(rng.normal(0.35 + 0.3 * hired + 0.1 * (sex == "male"), 0.2), 0, 1)
    return pd.DataFrame({"sex": sex, "region": region, "hired": hired, "score": score})


@pytest.fixture
def tally(people: pd.DataFrame) -> Callable[..., Tallies]:
    """Return the tallies of `people`, or of other rows, under an objective."""

    def make(objective: Objective, rows: pd.DataFrame | None = None) -> Tallies:
        given = from_file(objective, read_dataset(people if rows is None else rows, "predictions"))
        return Tallies(pa.Table.from_batches(given), objective)

    return make


def notebook(
    *sources: str,
    tags: dict[int, list[str]] | None = None,
    parameters: str = "workspace = None\nseed = 0",
    said: dict[str, Any] | None = None,
) -> Any:
    """Return a notebook with a parameters cell and one code cell for each source."""
    cells = [nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    cells += [
        nbformat.v4.new_code_cell(source, metadata={"tags": (tags or {}).get(place, [])})
        for place, source in enumerate(sources)
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python"}, "nbdeploy": said or {}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


OPEN = "from nbdeploy.validate.context import validation_context\ncontext = validation_context({section!r}, workspace)"
CLOSE = "context.finish()"


@pytest.fixture
def write_notebook(tmp_path: Path) -> Callable[..., Path]:
    """Write a notebook; with `section`, the cells that open and close its context stand around the others."""

    def write(name: str, *sources: str, section: str | None = None, **options: Any) -> Path:
        cells = (OPEN.format(section=section), *sources, CLOSE) if section else sources
        file = tmp_path / "validation" / f"{name}.ipynb"
        file.parent.mkdir(exist_ok=True)
        nbformat.write(notebook(*cells, **options), file)
        return file

    return write
