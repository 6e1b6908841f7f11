"""Quantiles of any number of values in little room: mergeable KLL sketches (Karnin, Lang and Liberty 2016)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

K = 2048
"""Size of the sketch. Up to so many values are kept as they are; of more, a share is off by at most `RANK_ERROR`, with
99 % confidence."""

RANK_ERROR = 0.0014
"""Apache DataSketches' stated error of a rank at this size."""


class Sketch:
    """A sketch of float64 values.

    Which values stay is drawn at random inside of the library, which takes no seed: two sketches of the same values may
    answer differently, within the error.
    """

    def __init__(self, kll: Any) -> None:
        self._kll = kll

    @staticmethod
    def empty() -> Sketch:
        """Return the sketch of no values."""
        from datasketches import kll_doubles_sketch

        return Sketch(kll_doubles_sketch(K))

    @staticmethod
    def of(values: NDArray[np.float64]) -> Sketch:
        """Return the sketch of some finite values."""
        from datasketches import kll_doubles_sketch

        kll = kll_doubles_sketch(K)
        if len(values):
            kll.update(values)
        return Sketch(kll)

    @property
    def n(self) -> int:
        """Values seen."""
        return int(self._kll.n)

    @property
    def error(self) -> float:
        """The largest error of a share: 0 while all values are kept."""
        return RANK_ERROR if self._kll.is_estimation_mode() else 0.0

    def __add__(self, other: Sketch) -> Sketch:
        """Merge; neither changes."""
        found = Sketch.empty()
        found._kll.merge(self._kll)
        found._kll.merge(other._kll)
        return found

    def quantiles(self, shares: ArrayLike) -> NDArray[np.float64]:
        """Return the smallest value such that at least this share of all lies at or below it; NaN without values."""
        wanted = np.atleast_1d(np.asarray(shares, dtype=np.float64))
        if not self.n:
            return np.full(len(wanted), np.nan)
        return np.asarray(self._kll.get_quantiles(wanted, True), dtype=np.float64)

    def shares(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the share of all values at or below each; NaN without values."""
        wanted = np.atleast_1d(np.asarray(values, dtype=np.float64))
        if not self.n:
            return np.full(len(wanted), np.nan)
        return np.array([self._kll.get_rank(float(value), True) for value in wanted])

    def to_bytes(self) -> bytes:
        """Return the sketch in Apache DataSketches' own form."""
        return bytes(self._kll.serialize())

    @staticmethod
    def from_bytes(data: bytes) -> Sketch:
        """Read a sketch back."""
        from datasketches import kll_doubles_sketch

        return Sketch(kll_doubles_sketch.deserialize(data))
