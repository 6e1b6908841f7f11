"""What tallies read: batches of rows, the values of groups and labels as plain scalars, numbers, weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nbdeploy.documents.record import Scalar
from nbdeploy.errors import DataError, closest

MISSING = "(missing)"
"""The level of a group value that is not there. A missing value is a group of its own, never dropped."""

Group = tuple[Scalar, ...]
"""One value per feature of a tally."""

Rows: TypeAlias = pa.Table | pa.RecordBatch | Iterable[pa.RecordBatch] | Mapping[str, Any]
"""What a tally reads: a table, one batch, a stream of batches, or arrays by column name."""


def plain(value: Any) -> Scalar | None:
    """Return a foreign scalar as Python's own, None for a missing one.

    An integral float becomes an int, so that 1, 1.0 and ``np.int8(1)`` are one level whichever came first. What JSON
    cannot hold (a date, a decimal) becomes its text.
    """
    if value is None:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return int(value) if value.is_integer() else value
    return value if isinstance(value, (bool, int, str)) else str(value)


def sort_key(value: Scalar) -> tuple[int, Any]:
    """Order numbers by size, then texts by letter, the missing level last."""
    if isinstance(value, str):
        return (2, "") if value == MISSING else (1, value)
    return (0, value)


def ordered(levels: Iterable[Scalar]) -> tuple[Scalar, ...]:
    """Return the distinct levels, sorted. True and 1 are one level, written 1 as soon as one part wrote it so."""
    found: dict[Scalar, Scalar] = {}
    for level in levels:
        if level not in found or isinstance(found[level], bool):
            found[level] = level
    return tuple(sorted(found.values(), key=sort_key))


def group_order(groups: Iterable[Group]) -> tuple[Group, ...]:
    """Return the distinct groups, sorted feature by feature."""
    found: dict[Group, Group] = {}
    for group in groups:
        known = found.get(group)
        found[group] = group if known is None else tuple(map(_wider, known, group))
    return tuple(sorted(found.values(), key=lambda group: tuple(map(sort_key, group))))


def _wider(first: Scalar, second: Scalar) -> Scalar:
    return second if isinstance(first, bool) else first


def batches(rows: Rows, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield the batches of `rows`, checked to hold the columns.

    Raises
    ------
    DataError
        A column is not there; the closest name is given.
    """
    if isinstance(rows, Mapping):
        rows = pa.table({name: _array(values) for name, values in rows.items()})
    if isinstance(rows, pa.Table):
        _require(rows.schema.names, columns)
        rows = rows.select(list(dict.fromkeys(columns))).to_batches()
    parts: Any = [rows] if isinstance(rows, pa.RecordBatch) else rows
    for part in parts:
        _require(part.schema.names, columns)
        yield part


def _array(values: Any) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values
    return pa.array(values, from_pandas=True)


def _require(names: Sequence[str], columns: Sequence[str]) -> None:
    for column in columns:
        if column not in names:
            raise DataError(f"there is no column {column!r}{closest(column, names)}")


def numbers_of(column: pa.Array) -> NDArray[Any]:
    """Return numbers without nulls, where they lie. (`to_numpy` would import pandas first, a third of a second.)"""
    return np.from_dlpack(column)


def finite(column: pa.Array, name: str) -> NDArray[np.float64]:
    """Return a column of finite numbers.

    Raises
    ------
    DataError
        It does not hold numbers, or some are missing or not finite.
    """
    try:
        numbers = column.cast(pa.float64())
        values = numbers_of(numbers.fill_null(math.nan) if numbers.null_count else numbers)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(f"column {name!r} does not hold numbers") from None
    wrong = int((~np.isfinite(values)).sum())
    if wrong:
        raise DataError(f"column {name!r} has {wrong} values that are missing or not finite numbers")
    return values


def weighted(
    rows: Rows, columns: Sequence[str], weight: str | None
) -> Iterator[tuple[pa.RecordBatch, NDArray[np.float64] | None]]:
    """Yield batches with how many rows each row stands for, None where no column says so.

    Rows of weight 0 are left out: they are as if they were not there.

    Raises
    ------
    DataError
        A column is not there, or a weight is missing, negative or not a finite number.
    """
    for batch in batches(rows, columns if weight is None else (*columns, weight)):
        if weight is None:
            yield batch, None
            continue
        found = finite(batch.column(weight), weight)
        wrong = int((found < 0).sum())
        if wrong:
            raise DataError(f"column {weight!r} has {wrong} weights below 0")
        some = found > 0
        yield (batch, found) if some.all() else (batch.filter(pa.array(some)), found[some])


def whole(counts: NDArray[Any]) -> NDArray[Any]:
    """Return counts as int64 where all of them are whole numbers, else as they are."""
    if counts.dtype.kind == "f" and np.array_equal(counts, np.rint(counts)) and np.abs(counts).max(initial=0) < 1 << 53:
        return counts.astype(np.int64)
    return counts


def same_counts(mine: NDArray[Any], theirs: NDArray[Any]) -> bool:
    """Compare whole numbers exactly, and sums of weights to within rounding, which depends on the order of addition."""
    if mine.dtype.kind == theirs.dtype.kind == "i":
        return np.array_equal(mine, theirs)
    return mine.shape == theirs.shape and bool(np.allclose(mine, theirs, rtol=1e-9, atol=0))
