"""A few rows kept whole, group by group: what counts of single scores cannot tell is how scores go together.

The rows are those with the smallest hashes of their content. So they are the same however the rows were split, and all
of them while few are distinct; equal rows are one, with their number. A sum over them, times a factor that is the same
for all sums, is an unbiased estimate of that over all rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.tally.hashing import Hashes

KEPT = 2048
"""Distinct rows kept of each group: a correlation is then known to about 1/√2048 = 2 %."""


@dataclass(frozen=True, eq=False)
class Witnesses:
    """Rows of labels and scores.

    Parameters
    ----------
    group, label
        Index of each row's group, ascending, and of its class; int64, shape (rows,).
    hashes
        Of the content, ascending within a group; shape (rows,).
    counts
        How many equal rows it stands for; shape (rows,).
    scores
        Of each class; shape (rows, classes).
    """

    group: NDArray[np.int64]
    label: NDArray[np.int64]
    hashes: Hashes
    counts: NDArray[Any]
    scores: NDArray[np.float64]

    @staticmethod
    def none(classes: int) -> Witnesses:
        """Return no rows."""
        nothing = np.empty(0, np.int64)
        return Witnesses(nothing, nothing, np.empty(0, np.uint64), np.empty(0), np.empty((0, classes)))

    def smallest(self) -> Witnesses:
        """Return the same rows in order, equal ones added up, at most `KEPT` of each group."""
        order = np.lexsort((self.hashes, self.group))
        group, hashes = self.group[order], self.hashes[order]
        new = np.ones(len(order), bool)
        new[1:] = (np.diff(group) != 0) | (hashes[1:] != hashes[:-1])
        starts = np.flatnonzero(new)
        counts = np.add.reduceat(self.counts[order], starts) if len(starts) else self.counts[order]
        first = order[starts]
        group = group[starts]
        rank = np.arange(len(group)) - np.searchsorted(group, group)
        kept = rank < KEPT
        first = first[kept]
        return Witnesses(group[kept], self.label[first], self.hashes[first], counts[kept], self.scores[first])

    def of(self, group: int) -> Witnesses:
        """Return the rows of one group."""
        part = slice(*np.searchsorted(self.group, [group, group + 1]))
        return Witnesses(self.group[part], self.label[part], self.hashes[part], self.counts[part], self.scores[part])

    def moved(self, to: NDArray[np.int64]) -> Witnesses:
        """Return the rows with their groups numbered anew, not yet in order."""
        return replace(self, group=to[self.group])

    def scaled(self, factor: float) -> Witnesses:
        """Return the rows as if each stood for `factor` times as many."""
        return replace(self, counts=self.counts * float(factor))

    def __add__(self, other: Witnesses) -> Witnesses:
        """Return both, not yet in order."""
        names = ("group", "label", "hashes", "counts", "scores")
        return Witnesses(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))
