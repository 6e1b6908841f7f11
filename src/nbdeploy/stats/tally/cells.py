"""How often combinations of codes occur."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.tally.coding import SPARSE, Codes, Numbered, flat_numbers, hashed, keys_of

_PAIRED = 128  # up to so many cells, an array of their pairs stays in the processor's cache
_PENDING = 1 << 18  # how many cells of batches may wait before they are added up


class Cells:
    """Rows (or weight) by combination of codes, added up batch after batch.

    Parameters
    ----------
    width
        How many columns make a combination.
    """

    def __init__(self, width: int) -> None:
        self._found: list[tuple[Codes, NDArray[Any]]] = [(np.empty((0, width), np.int64), np.empty(0, np.int64))]
        self._waiting = 0
        self._columns: Sequence[Numbered] = ()
        self._sums: NDArray[Any] = np.empty(0, np.int64)

    def add(self, columns: Sequence[Numbered], weights: NDArray[np.float64] | None = None) -> None:
        """Count the rows of one batch."""
        cells = math.prod(column.size for column in columns)
        if cells > SPARSE * len(columns[0].numbers):
            keys, at = hashed(columns)
            self._keep(keys, np.bincount(at, weights, minlength=len(keys)))
            return
        flat = flat_numbers(columns)
        sums = _counts(flat, cells) if weights is None else np.bincount(flat, weights, minlength=cells)
        if self._numbered_alike(columns):
            self._sums = self._sums + sums
        else:
            self._settle()
            self._columns, self._sums = columns, sums

    def total(self) -> tuple[Codes, NDArray[Any]]:
        """Return the combinations that occurred, one a row, and the sum of each."""
        self._settle()
        self._merge()
        return self._found[0]

    def _numbered_alike(self, columns: Sequence[Numbered]) -> bool:
        return len(columns) == len(self._columns) and all(
            mine.table is theirs.table and mine.size == theirs.size
            for mine, theirs in zip(columns, self._columns, strict=True)
        )

    def _settle(self) -> None:
        """Look up what the numbers of the batches so far stand for."""
        present = np.flatnonzero(self._sums)
        if len(present):
            self._keep(keys_of(self._columns, present), self._sums[present])
        self._columns, self._sums = (), np.empty(0, np.int64)

    def _keep(self, keys: Codes, sums: NDArray[Any]) -> None:
        self._found.append((keys, sums))
        self._waiting += len(sums)
        if self._waiting > _PENDING:
            self._merge()

    def _merge(self) -> None:
        keys, sums = zip(*self._found, strict=True)
        self._found = [sum_by_key(np.concatenate(keys), np.concatenate(sums))]
        self._waiting = 0


def _counts(flat: NDArray[Any], cells: int) -> Codes:
    """Return how often each number occurs: two rows at a time, since counting costs by the number counted."""
    half = len(flat) // 2
    if cells > _PAIRED:
        return np.bincount(flat, minlength=cells)
    pairs = flat[:half].astype(np.uint16)
    pairs *= np.uint16(cells)
    pairs += flat[half : 2 * half]
    both = np.bincount(pairs, minlength=cells * cells).reshape(cells, cells)
    sums: Codes = both.sum(axis=0) + both.sum(axis=1)
    if len(flat) % 2:
        sums[flat[-1]] += 1
    return sums


def sum_by_key(keys: NDArray[Any], values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Add up the rows of `values` that share a row of `keys`; return the distinct keys in order with their sums."""
    if not len(keys):
        return keys, values
    order = np.lexsort(keys.T[::-1])
    keys, values = keys[order], values[order]
    starts = np.flatnonzero(np.concatenate(([True], (keys[1:] != keys[:-1]).any(axis=1))))
    return keys[starts], np.add.reduceat(values, starts, axis=0)
