"""Rows as points: numbers in spreads of their column, kinds as corners, so that distances mean something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nbdeploy.validate.checks.columns import finite_floats, levels, numeric

if TYPE_CHECKING:
    import pandas as pd

_MOST_LEVELS = 30
_FARTHEST = 10.0
"""Spreads beyond which a number is not taken to be farther still: one wild value is not the whole distance."""


class Space:
    """A space that rows are placed in.

    A number stands at its distance from the median in standard deviations, at most ten; a missing one at the median and
    one unit aside. Two rows of different kinds are one unit apart; rare kinds share one corner.

    Parameters
    ----------
    seen
        Rows that say what is usual.
    names
        Columns to use; those without any value are left out.
    """

    def __init__(self, seen: pd.DataFrame, names: Sequence[str]) -> None:
        known = [name for name in names if seen[name].notna().any()]
        self._numbers: dict[str, tuple[float, float]] = {}
        for name in numeric(seen, known):
            values = finite_floats(seen[name])
            self._numbers[name] = (float(np.nanmedian(values)), float(np.nanstd(values)) or 1.0)
        self._kinds = {
            name: sorted(levels(seen[name]).value_counts().head(_MOST_LEVELS).index)
            for name in known
            if name not in self._numbers
        }

    @property
    def columns(self) -> list[str]:
        """The column that each dimension is of."""
        pairs = [name for name in self._numbers for _ in range(2)]
        return pairs + [name for name, known in self._kinds.items() for _ in range(len(known) + 1)]

    def place(self, rows: pd.DataFrame) -> NDArray[np.float32]:
        """Return points of shape (rows, dimensions)."""
        import pandas as pd

        parts: list[NDArray[np.float32]] = []
        for name, (middle, spread) in self._numbers.items():
            values = (finite_floats(rows[name]) - middle) / spread
            absent = np.isnan(values)
            parts.append(np.where(absent, 0, np.clip(values, -_FARTHEST, _FARTHEST)).astype(np.float32))
            parts.append(absent.astype(np.float32))
        corner = np.float32(np.sqrt(0.5))  # two corners are then √(½ + ½) = 1 apart
        for name, known in self._kinds.items():
            codes = pd.Index(known).get_indexer(levels(rows[name]))  # -1 for the rare ones
            parts += [np.where(codes == code, corner, np.float32(0)) for code in (*range(len(known)), -1)]
        return np.column_stack(parts)
