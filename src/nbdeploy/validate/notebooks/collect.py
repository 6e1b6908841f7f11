"""Whether a notebook truly ran, cell by cell, and what it recorded. The saved file alone is never believed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.sections import Section
from nbdeploy.errors import FormatError
from nbdeploy.validate.slot import Slot

FORBIDDEN_TAGS = ("skip-execution", "raises-exception")


@dataclass(frozen=True)
class Collected:
    """What one notebook gave: measurements and how long each took by its id, or the reason why nothing of it counts."""

    measurements: tuple[Measurement, ...]
    reason: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)


def collect(section: Section, node: Any, slot: Slot, died: str = "") -> Collected:
    """Judge an executed notebook.

    Every code cell with a source must have been executed, without an error and without a tag that lets it be skipped or
    fail; the last cell must have been reached; and something must have been recorded.

    Parameters
    ----------
    node
        The executed notebook; None where not even a part of it was saved.
    died
        Why the execution broke off, where it did.
    """
    # A tag is no accident, so it is named first; how the kernel ended says more than the cell that it left undone.
    reason = (_tagged(node) if node is not None else "") or died
    reason = reason or (_unrun(node) if node is not None else "no executed notebook was saved")
    if not reason and not slot.finished:
        reason = "the notebook did not reach context.finish()"
    try:
        timed = tuple(slot.timed())
    except (ValueError, FormatError):
        return Collected((), reason or "its measurements cannot be read: something else wrote to them")
    measurements = tuple(measurement for measurement, _ in timed)
    strange = next((found for found in measurements if found.section != section), None)
    if not reason and strange is not None:
        reason = f"it recorded {strange.id}, which is of another section"
    if not reason and not measurements:
        reason = "it recorded nothing"
    seconds = {measurement.id: took for measurement, took in timed if took is not None}
    return Collected(() if reason else measurements, reason, seconds)


def unfinished_cell(node: Any) -> str:
    """Return which code cell of an executed notebook did not run as it should, and why; nothing where all did."""
    return _tagged(node) or _unrun(node)


def _code(node: Any) -> Iterator[Any]:
    yield from (cell for cell in node.cells if cell.cell_type == "code" and cell.source.strip())


def _tagged(node: Any) -> str:
    for cell in _code(node):
        for tag in cell.metadata.get("tags", []):
            if tag in FORBIDDEN_TAGS:
                return f"{_named(cell)} carries the tag {tag}"
    return ""


def _unrun(node: Any) -> str:
    for cell in _code(node):
        error = next((output for output in cell.outputs if output.output_type == "error"), None)
        if error is not None:
            return f"{_named(cell)} raised {error.ename}: {_first_line(error.evalue, 200)}"
        if cell.execution_count is None:
            return f"{_named(cell)} was not executed"
    return ""


def _named(cell: Any) -> str:
    """Name a cell by its first line: its number is another one after papermill has put its own cells in."""
    return f"the cell “{_first_line(cell.source, 60)}”"


def _first_line(text: str, most: int) -> str:
    return (text.strip().splitlines() or [""])[0][:most]
