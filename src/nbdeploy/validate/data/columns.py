"""Columns: what those of the predictions are called, which ones groups need, and what values stand in one."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Scalar
from nbdeploy.stats.tally.levels import ordered, plain
from nbdeploy.validate.data.rows import Rows
from nbdeploy.validate.data.slices import slice_columns

LABEL, PREDICTED, SCORE = "__label__", "__predicted__", "__score__"


def grouping_columns(objective: Objective) -> tuple[str, ...]:
    """Return every column by which some finding tells rows apart: sensitive, control, gates' groups and slices."""
    named: list[str] = [*objective.sensitive, *objective.control]
    for _, _, gate in objective.each_gate():
        named += list(gate.group or ())
        named += list(slice_columns(gate.slice)) if gate.slice else []
    return tuple(dict.fromkeys(named))


def kept_columns(objective: Objective, schema: pa.Schema) -> tuple[str, ...]:
    """Return the columns that stand beside the predictions: those that groups and slices need."""
    return tuple(name for name in grouping_columns(objective) if name in schema.names)


def distinct(column: pa.Array | pa.ChunkedArray) -> set[Scalar]:
    """Return the distinct values of a column as plain scalars, the missing one left out."""
    found = (plain(value) for value in decoded(column).unique().to_pylist())
    return {value for value in found if value is not None}


def decoded(column: Any) -> Any:
    """Return the column with dictionaries (pandas' categoricals) written out."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def labels_of(rows: Rows, target: str) -> tuple[Scalar, ...]:
    """Return the values of the target as they are stored, in order, the missing one left out."""
    found: dict[Scalar, Any] = {}
    for batch in rows.batches([target]):
        for value in decoded(batch.column(target)).unique().to_pylist():
            level = plain(value)
            if level is not None:
                found.setdefault(level, value)
    return tuple(found[level] for level in ordered(found))
