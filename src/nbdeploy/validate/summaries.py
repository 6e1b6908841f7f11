"""Summaries of all rows of a table, made in one pass and shared by the notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nbdeploy.stats.tally import ColumnTallies, RepeatTally
from nbdeploy.validate.workspace import Workspace


@dataclass(frozen=True)
class Summary:
    """Every column's tally, and which rows stand more than once."""

    columns: ColumnTallies
    repeats: RepeatTally


def summarise(workspace: Workspace, name: str) -> None:
    """Make the summary of a table and store it."""
    made = _made(workspace, name)
    for kind, data in (("columns", made.columns.to_bytes()), ("repeats", made.repeats.to_bytes())):
        file = _file(workspace, name, kind)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)


def summary(workspace: Workspace, name: str) -> Summary:
    """Return the summary of a table; made now where it is not stored."""
    files = [_file(workspace, name, kind) for kind in ("columns", "repeats")]
    if all(file.is_file() for file in files):
        columns, repeats = (file.read_bytes() for file in files)
        return Summary(ColumnTallies.from_bytes(columns), RepeatTally.from_bytes(repeats))
    return _made(workspace, name)


def _made(workspace: Workspace, name: str) -> Summary:
    columns, repeats = ColumnTallies.empty(), RepeatTally.empty()
    for batch in workspace.rows(name).batches():
        columns += ColumnTallies.from_arrow([batch])
        repeats += RepeatTally.from_arrow([batch])
    return Summary(columns, repeats)


def _file(workspace: Workspace, name: str, kind: str) -> Path:
    return workspace.folder / "summaries" / f"{name}.{kind}"
