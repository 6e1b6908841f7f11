"""The summary of every column over all rows of a table: made in one pass and shared by the notebooks."""

from __future__ import annotations

from pathlib import Path

from nbdeploy.stats.tally import ColumnTallies
from nbdeploy.validate.workspace import Workspace


def summarise(workspace: Workspace, name: str) -> None:
    """Make the summary of a table and store it."""
    file = _file(workspace, name)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(_made(workspace, name).to_bytes())


def summary(workspace: Workspace, name: str) -> ColumnTallies:
    """Return the summary of a table; made now where it is not stored."""
    file = _file(workspace, name)
    return ColumnTallies.from_bytes(file.read_bytes()) if file.is_file() else _made(workspace, name)


def _made(workspace: Workspace, name: str) -> ColumnTallies:
    return ColumnTallies.from_arrow(workspace.rows(name).batches())


def _file(workspace: Workspace, name: str) -> Path:
    return workspace.folder / "summaries" / f"{name}.columns"
