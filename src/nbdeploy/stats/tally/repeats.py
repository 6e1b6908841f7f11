"""Which rows stand more than once, or in two tables, from a sample that all parts draw alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.tally.hashing import Hashes, row_hashes
from nbdeploy.stats.tally.levels import Rows, batches
from nbdeploy.stats.tally.serial import packed, reading, require, unpacked

MOST = 1 << 17
"""Distinct rows that are kept; of more, those whose hash lies under a bound that halves until they fit."""


@dataclass(frozen=True)
class Repeated:
    """A share of rows: `found` of `n`. `exact` when those are all rows, else they are a sample of distinct rows."""

    found: int
    n: int
    exact: bool

    @property
    def share(self) -> float | None:
        """`found` ÷ `n`; None without rows."""
        return self.found / self.n if self.n else None


@dataclass(frozen=True, eq=False)
class RepeatTally:
    """Rows by hash, kept while the hash is under 2^(64 − `halved`).

    All copies of a row have one hash, so they are kept or left out together, in every part and in every table: shares
    of repeated and of shared rows among the kept ones are unbiased (Cohen 1997; theta sketches).

    Parameters
    ----------
    halved
        How often the bound was halved; the smallest number that fits, however the rows were split.
    hashes
        Distinct, rising; uint64, shape (kept,).
    counts
        How often each row stands; int64, shape (kept,).
    """

    halved: int
    hashes: Hashes
    counts: NDArray[np.int64]

    @staticmethod
    def from_arrow(rows: Rows, columns: Sequence[str]) -> RepeatTally:
        """Tell rows apart by these columns, in one pass."""
        found = RepeatTally(0, np.zeros(0, np.uint64), np.zeros(0, np.int64))
        for batch in batches(rows, columns):
            hashes, counts = np.unique(row_hashes(batch, columns), return_counts=True)
            found += _fitting(0, hashes, counts)
        return found

    @property
    def rows(self) -> int:
        """Rows kept."""
        return int(self.counts.sum())

    @property
    def exact(self) -> bool:
        """Whether all rows are kept."""
        return self.halved == 0

    def __add__(self, other: RepeatTally) -> RepeatTally:
        """Merge."""
        hashes, at = np.unique(np.concatenate([self.hashes, other.hashes]), return_inverse=True)
        counts = np.bincount(at, np.concatenate([self.counts, other.counts]), len(hashes)).astype(np.int64)
        return _fitting(max(self.halved, other.halved), hashes, counts)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, RepeatTally)
            and self.halved == other.halved
            and np.array_equal(self.hashes, other.hashes)
            and np.array_equal(self.counts, other.counts)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays inside: equal by content, not usable as a key

    def repeated(self) -> Repeated:
        """Return the rows that repeat an earlier one."""
        return Repeated(self.rows - len(self.hashes), self.rows, self.exact)

    def matches(self, other: RepeatTally) -> Repeated:
        """Return the rows that also stand in the other tally, which was made of the same columns in the same order."""
        halved = max(self.halved, other.halved)
        mine, theirs = (_under(halved, part.hashes) for part in (self, other))
        shared = np.isin(self.hashes[mine], other.hashes[theirs])
        counts = self.counts[mine]
        return Repeated(int(counts[shared].sum()), int(counts.sum()), halved == 0)

    def to_bytes(self) -> bytes:
        """Return the tally as bytes."""
        return packed("repeats", {"halved": self.halved}, {"hashes": self.hashes, "counts": self.counts})

    @staticmethod
    def from_bytes(data: bytes) -> RepeatTally:
        """Read a tally back.

        Raises
        ------
        FormatError
            These are not the bytes of one.
        """
        about, arrays = unpacked("repeats", data)
        with reading():
            hashes, counts, halved = arrays["hashes"], arrays["counts"], int(about["halved"])
            require(hashes.shape == counts.shape == (len(hashes),) and hashes.dtype == np.uint64)
            require(bool((hashes[1:] > hashes[:-1]).all() and (counts > 0).all() and _under(halved, hashes).all()))
            return RepeatTally(halved, hashes, counts)


def _under(halved: int, hashes: Hashes) -> NDArray[np.bool_]:
    return hashes >> np.uint64(64 - halved) == 0 if halved else np.ones(len(hashes), bool)


def _fitting(halved: int, hashes: Hashes, counts: NDArray[np.int64]) -> RepeatTally:
    kept = _under(halved, hashes)
    while kept.sum() > MOST:
        halved += 1
        kept = _under(halved, hashes)
    return RepeatTally(halved, hashes[kept], counts[kept].astype(np.int64))
