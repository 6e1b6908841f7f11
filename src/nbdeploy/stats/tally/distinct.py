"""How many different values there are, from the smallest of their hashes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nbdeploy.stats.tally.hashing import Hashes

KEPT = 4096
"""Hashes kept: the estimate's relative standard error is then 1/√4094 = 1.6 %."""

_RANGE = 2.0**64


@dataclass(frozen=True, eq=False)
class DistinctTally:
    """The `KEPT` smallest distinct hashes (Bar-Yossef et al. 2002; Beyer et al. 2007): small, exact while few, and the
    same however the rows were split.
    """

    smallest: Hashes

    @staticmethod
    def of(hashes: Hashes, under: Hashes | None = None) -> DistinctTally:
        """Count the hashes of some rows.

        Parameters
        ----------
        under
            The smallest hashes of the rows before, with which these will be merged: larger ones need not be sorted.
        """
        if under is not None and len(under) == KEPT:
            hashes = hashes[hashes <= under[-1]]
        return DistinctTally(np.sort(np.unique(hashes))[:KEPT])

    def __add__(self, other: DistinctTally) -> DistinctTally:
        """Merge."""
        return DistinctTally.of(np.concatenate([self.smallest, other.smallest]))

    @property
    def exact(self) -> bool:
        """Whether the number is counted and not estimated."""
        return len(self.smallest) < KEPT

    @property
    def number(self) -> float:
        """The number of different values, or its unbiased estimate (k − 1)/u with u the k-th smallest in 0–1."""
        if self.exact:
            return float(len(self.smallest))
        return (KEPT - 1) * _RANGE / float(self.smallest[-1])
