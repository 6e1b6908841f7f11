"""64-bit hashes of values and rows, the same in every process and on every machine, so that parts can be compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from nbdeploy.stats.tally.levels import numbers_of

Hashes = NDArray[np.uint64]

_MISSING = np.uint64(0x6A09E667F3BCC908)
_INTEGRAL = 1 << 53
"""Whole numbers beyond this have neighbours that are the same number as float64."""


def mixed(values: Hashes) -> Hashes:
    """Return SplitMix64's finaliser of each value (Steele, Lea and Flood 2014): every bit in moves every bit out."""
    with np.errstate(over="ignore"):
        found = values + np.uint64(0x9E3779B97F4A7C15)
        found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(found ^ (found >> np.uint64(31)))


def value_hashes(column: pa.Array) -> Hashes:
    """Return a hash for each value: equal numbers have equal hashes whatever their type, as have equal texts.

    A missing value, NaN among them, is a value of its own.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_integer(column.type):
        found = _of_integers(column)
    elif pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        found = _of_floats(np.asarray(column.cast(pa.float64(), safe=False).fill_null(0)))
        found[np.asarray(pc.is_nan(column.cast(pa.float64(), safe=False)).fill_null(False))] = _MISSING
    else:
        return _of_texts(column)
    if column.null_count:
        found[np.asarray(column.is_null())] = _MISSING
    return found


def row_hashes(batch: pa.RecordBatch, columns: Sequence[str]) -> Hashes:
    """Return a hash for each row over these columns; it depends on their order and not on their names."""
    found = np.zeros(batch.num_rows, np.uint64)
    with np.errstate(over="ignore"):
        for name in columns:
            found = mixed(found * np.uint64(31) + value_hashes(batch.column(name)))
    return found


def _of_floats(values: NDArray[np.float64]) -> Hashes:
    return mixed((values + 0.0).view(np.uint64))  # + 0.0 makes −0.0 and 0.0 one number


def _of_integers(column: pa.Array) -> Hashes:
    values = np.asarray(column.fill_null(0))
    found = _of_floats(values.astype(np.float64))
    large = np.abs(values.astype(np.float64)) >= _INTEGRAL
    if large.any():
        rest = values[large].astype(np.int64 if values.dtype.kind == "i" else np.uint64).view(np.uint64)
        exact = values[large].astype(np.float64).astype(values.dtype) == values[large]
        found[large] = np.where(exact, found[large], mixed(found[large] ^ rest))
    return found


def _of_texts(column: pa.Array) -> Hashes:
    """Hash each distinct text once, by FNV-1a's step over eight bytes at a time."""
    coded = column.cast(pa.large_string()).dictionary_encode()
    levels = _texts(coded.dictionary)
    table = np.append(levels, _MISSING)
    codes = numbers_of(coded.indices.fill_null(len(levels)))
    return np.asarray(table[codes])


def _texts(levels: pa.Array) -> Hashes:
    offsets = np.frombuffer(levels.buffers()[1], np.int64)[levels.offset : levels.offset + len(levels) + 1]
    data = levels.buffers()[2]
    content = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    lengths = np.diff(offsets)
    words = -(-lengths // 8)
    found = mixed(lengths.astype(np.uint64))
    with np.errstate(over="ignore"):
        for step in range(int(words.max(initial=0))):
            some = np.flatnonzero(words > step)
            places = offsets[some, None] + 8 * step + np.arange(8)
            inside = places < offsets[some + 1, None]
            piece = np.where(inside, content[np.minimum(places, len(content) - 1)], 0).astype(np.uint8)
            word = np.ascontiguousarray(piece).view("<u8")[:, 0]
            found[some] = mixed((found[some] ^ word) * np.uint64(0x100000001B3))
    return found
