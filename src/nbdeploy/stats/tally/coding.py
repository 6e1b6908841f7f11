"""Columns of Arrow batches as small whole numbers, and combinations of them as one flat number.

A row is touched a handful of times. What its number stands for is looked up once for each combination that occurs, not
for each row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from nbdeploy.documents.record import Scalar
from nbdeploy.errors import DataError
from nbdeploy.stats.tally.levels import Group, numbers_of, plain

Codes = NDArray[np.int64]

_WIDEST = 1 << 16  # whole numbers spread wider are told apart by hashing: counting them directly would be a big table
SPARSE = 4
"""An array of so many cells for each row is still cheaper to count into than hashing the rows."""

_REMEMBERED = 4  # dictionaries of a column that are kept: labels and predictions may take turns with one each


@dataclass(frozen=True)
class Numbered:
    """A column of one batch: `numbers` of the rows, each below `size`, and what they stand for."""

    numbers: NDArray[Any]
    size: int
    table: _Table

    def codes(self, numbers: NDArray[Any]) -> Codes:
        """Return the codes of some numbers that occur."""
        return self.table.codes(numbers)


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
        self._dictionaries: list[tuple[pa.Array, _Table]] = []
        self._spans: dict[bool, tuple[int, _Table]] = {}

    def code(self, value: Any) -> int:
        """Return the code of one value.

        Raises
        ------
        DataError
            It is missing, and that is no level here.
        """
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

    def numbered(self, column: pa.Array) -> Numbered:
        """Return the rows of one array as small numbers; only those that occur become levels."""
        truth = pa.types.is_boolean(column.type)
        whole = column.cast(pa.uint8()) if truth else _whole(column)
        if whole is not None and whole.null_count < len(whole):
            start, table = self._spans.get(truth, (-1, None))
            if table is not None and start == 0 and _within(whole, table.size - 1):
                return _numbered(whole, 0, table)
            limits = pc.min_max(whole)
            low, high = limits["min"].as_py(), limits["max"].as_py()
            if high - low < _WIDEST:
                return self._spanned(whole, low, high, truth=truth)
        return self._looked_up(column if pa.types.is_dictionary(column.type) else column.dictionary_encode())

    def _spanned(self, column: pa.Array, low: int, high: int, *, truth: bool) -> Numbered:
        start, table = self._spans.get(truth, (low, None))
        if table is None or low < start or high >= start + table.size - 1:
            if table is not None and max(high, start + table.size - 2) - min(low, start) < _WIDEST:
                low, high = min(low, start), max(high, start + table.size - 2)
            kind = bool if truth else int
            start, table = low, _Table(self, [*map(kind, range(low, high + 1)), None])
            self._spans[truth] = start, table
        return _numbered(column, start, table)

    def _looked_up(self, column: pa.DictionaryArray) -> Numbered:
        for known, found in self._dictionaries:
            if known is column.dictionary or known.equals(column.dictionary):
                table = found
                break
        else:
            table = _Table(self, [*column.dictionary.to_pylist(), None])
            self._dictionaries = [(column.dictionary, table), *self._dictionaries[: _REMEMBERED - 1]]
        return _numbered(column.indices, 0, table)


class _Table:
    """Codes of the values that the numbers 0, 1, 2 … stand for, each looked up when it first occurs."""

    def __init__(self, coder: Coder, values: Sequence[Any]) -> None:
        self._coder = coder
        self._values = values
        self._codes = np.full(len(values), -1, np.int64)

    @property
    def size(self) -> int:
        return len(self._values)

    def codes(self, numbers: NDArray[Any]) -> Codes:
        """Return the codes of some numbers that occur."""
        found = self._codes[numbers]
        if (found < 0).any():
            for number in np.unique(numbers[found < 0]).tolist():
                self._codes[number] = self._coder.code(self._values[number])
            found = self._codes[numbers]
        return np.asarray(found)


def _whole(column: pa.Array) -> pa.Array | None:
    """Return a column of whole numbers, as which a model may well have written floats; None for anything else."""
    if pa.types.is_floating(column.type):
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid:
            return None
    return column if pa.types.is_integer(column.type) else None


def _within(column: pa.Array, size: int) -> bool:
    """Tell in one look whether all numbers are at least 0 and below `size`, where that can be told so quickly."""
    if column.null_count:
        return False
    values = numbers_of(column)
    bits = 8 * values.dtype.itemsize
    return size < 1 << (bits - 1) and int(values.view(f"u{values.dtype.itemsize}").max()) < size


def _numbered(column: pa.Array, start: int, table: _Table) -> Numbered:
    """Return whole numbers counted from `start`; those that are not there have the last number of the table."""
    size = table.size - 1
    absent = np.asarray(column.is_null()) if column.null_count else None
    values = numbers_of(column if absent is None else column.fill_null(0))
    if start:
        kind = np.uint64 if values.dtype == np.uint64 and start > 0 else np.int64
        values = values.astype(kind, copy=False) - kind(start)
    if absent is None:
        return Numbered(values.astype(np.int64) if values.dtype == np.uint64 else values, size, table)
    values = values.astype(np.int64)
    values[absent] = size
    return Numbered(values, size + 1, table)


def combinations(columns: Sequence[Numbered], rows: int) -> tuple[Codes, Codes]:
    """Return the combinations of codes that occur in a batch, and for every row which one it is."""
    if not columns:
        return np.zeros((1, 0), np.int64), np.zeros(rows, np.int64)
    cells = math.prod(column.size for column in columns)
    if cells > SPARSE * rows:
        return hashed(columns)
    flat = flat_numbers(columns)
    present = np.flatnonzero(np.bincount(flat))
    place = np.zeros(cells, np.int64)
    place[present] = np.arange(len(present))
    return keys_of(columns, present), place[flat]


def named_groups(coders: Sequence[Coder], keys: Codes) -> tuple[Group, ...]:
    """Return the groups that rows of codes stand for."""
    return tuple(tuple(c.levels[code] for c, code in zip(coders, key, strict=True)) for key in keys.tolist())


def flat_numbers(columns: Sequence[Numbered]) -> NDArray[Any]:
    """Return one number for each row, of which the columns' numbers are the digits, in as few bytes as hold it."""
    cells = math.prod(column.size for column in columns)
    kind = next(kind for kind in (np.uint8, np.uint16, np.int64) if cells <= np.iinfo(kind).max)
    flat: NDArray[Any] = columns[0].numbers.astype(kind)
    for column in columns[1:]:
        np.multiply(flat, kind(column.size), out=flat)
        np.add(flat, column.numbers.astype(kind, copy=False), out=flat)
    return flat


def hashed(columns: Sequence[Numbered]) -> tuple[Codes, Codes]:
    """Return what `combinations` does where most of what could occur does not."""
    if math.prod(column.size for column in columns) >= 1 << 62:
        wide = np.column_stack([column.codes(column.numbers) for column in columns])
        keys, at = np.unique(wide, axis=0, return_inverse=True)
        return keys, at.reshape(-1)
    coded = pa.array(flat_numbers(columns)).dictionary_encode()
    return keys_of(columns, numbers_of(coded.dictionary)), numbers_of(coded.indices).astype(np.int64)


def keys_of(columns: Sequence[Numbered], present: Codes) -> Codes:
    """Return the codes of the columns, one combination a row, that flat numbers stand for."""
    digits = np.unravel_index(present, tuple(column.size for column in columns))
    return np.column_stack([column.codes(part) for column, part in zip(columns, digits, strict=True)])
