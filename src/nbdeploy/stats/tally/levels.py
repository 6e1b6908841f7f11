"""Levels: the values of a group or label as plain scalars, and columns of Arrow batches as codes into them."""

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

Codes = NDArray[np.int64]


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


class Coder:
    """Gives each new level of a column the next code, batch after batch.

    Parameters
    ----------
    column
        The column's name, for messages.
    missing
        The level of a missing value; None refuses one.
    """

    def __init__(self, column: str, missing: Scalar | None) -> None:
        self.column = column
        self.missing = missing
        self.levels: list[Scalar] = []
        self._code: dict[Scalar, int] = {}

    def code(self, value: Any) -> int:
        """Return the code of one value."""
        level = plain(value)
        if level is None:
            if self.missing is None:
                raise DataError(f"column {self.column!r} has a row without a value, which cannot be counted as a class")
            level = self.missing
        if level not in self._code:
            self._code[level] = len(self.levels)
            self.levels.append(level)
        code = self._code[level]
        if isinstance(self.levels[code], bool):
            self.levels[code] = level
        return code

    def codes(self, column: pa.Array) -> Codes:
        """Return the code of every row of one Arrow array."""
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        indices = column.indices
        table = [self.code(value) for value in column.dictionary.to_pylist()]
        if indices.null_count:
            table.append(self.code(None))
            indices = indices.cast(pa.int64()).fill_null(len(table) - 1)
        at: Codes = indices.to_numpy(zero_copy_only=False)
        return np.asarray(table, dtype=np.int64)[at]


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


_DENSE = 1 << 20  # above it, sorting a batch's codes is cheaper than counting into an almost empty array


def combinations(columns: Sequence[Codes], sizes: Sequence[int]) -> tuple[Codes, Codes]:
    """Return the combinations of codes that occur, one a row, and for every row of the batch which one it is.

    `sizes` has one more than the largest code of each column.
    """
    if not columns:
        return np.zeros((1, 0), np.int64), np.zeros(0, np.int64)
    if math.prod(sizes) > _DENSE:
        found, at = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
        return found, at.reshape(-1)
    flat = np.ravel_multi_index(tuple(columns), tuple(sizes))
    present = np.flatnonzero(np.bincount(flat, minlength=1))
    place = np.zeros(int(present[-1]) + 1 if len(present) else 0, np.int64)
    place[present] = np.arange(len(present))
    return np.column_stack(np.unravel_index(present, tuple(sizes))), place[flat]


def _array(values: Any) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values
    return pa.array(values, from_pandas=True)


def _require(names: Sequence[str], columns: Sequence[str]) -> None:
    for column in columns:
        if column not in names:
            raise DataError(f"there is no column {column!r}{closest(column, names)}")


def sum_by_key(keys: NDArray[Any], values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Add up the rows of `values` that share a row of `keys`; return the distinct keys in order with their sums."""
    if not len(keys):
        return keys, values
    order = np.lexsort(keys.T[::-1])
    keys, values = keys[order], values[order]
    starts = np.flatnonzero(np.concatenate(([True], (keys[1:] != keys[:-1]).any(axis=1))))
    return keys[starts], np.add.reduceat(values, starts, axis=0)


def finite(column: pa.Array, name: str) -> NDArray[np.float64]:
    """Return a column of finite numbers.

    Raises
    ------
    DataError
        It does not hold numbers, or some are missing or not finite.
    """
    try:
        values = np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(f"column {name!r} does not hold numbers") from None
    wrong = int((~np.isfinite(values)).sum())
    if wrong:
        raise DataError(f"column {name!r} has {wrong} values that are missing or not finite numbers")
    return values
