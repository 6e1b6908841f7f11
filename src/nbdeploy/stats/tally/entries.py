"""Numbers with their counts, group by group: as they are while few are distinct, else on a grid.

The grid is the same for every part, so any split of the rows gives the same entries: unlike a sketch that draws at
random, and about as small.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

_DENSE = 1 << 22  # an array of so many cells is quicker to count into than entries are to sort
_SPARSE = 4  # as is one of so many cells for each entry


def on_grid(values: Numbers, bits: int, *, unit: bool = False) -> Numbers:
    """Round numbers to so many binary digits: the error is at most 2^−bits of each.

    Parameters
    ----------
    unit
        Numbers below 1 share the steps of 2^−bits, so that there are no more of them than that.
    """
    exponent = np.frexp(values)[1]
    if unit:
        exponent = np.maximum(exponent, 0)
    return np.asarray(np.ldexp(np.rint(np.ldexp(values, bits - exponent)), exponent - bits) + 0.0)


def distinct(values: Numbers) -> tuple[Numbers, Places]:
    """Return the distinct values, rising, and the place of each value among them."""
    levels, at = np.unique(values + 0.0, return_inverse=True)  # + 0.0 makes −0.0 and 0.0 one number
    return levels, at


def are_more_than(most: int, values: Numbers) -> bool:
    """Tell whether more than so many values are distinct: sorting alone is an eighth of the work of `distinct`."""
    return len(values) > most and len(np.unique(values)) > most


def added_up(group: Places, levels: Numbers, at: Places, counts: NDArray[Any]) -> tuple[Places, Numbers, NDArray[Any]]:
    """Return the distinct (group, value) in order with the sums of their counts.

    Parameters
    ----------
    levels, at
        As `distinct` returns them.
    counts
        Shape (entries, columns).
    """
    flat = group * len(levels) + at
    cells = (int(group.max(initial=-1)) + 1) * len(levels)
    if cells <= _DENSE or cells <= _SPARSE * len(flat):
        sums = np.stack([np.bincount(flat, column, cells) for column in counts.T], axis=-1)
        present = np.flatnonzero(sums.any(axis=1))
        sums = sums[present]
    else:
        order = np.argsort(flat)
        present, starts = np.unique(flat[order], return_index=True)
        sums = np.add.reduceat(counts[order], starts, axis=0)
    found, place = np.divmod(present, max(len(levels), 1))
    return found, levels[place], sums


def rising(group: Places, values: Numbers, groups: int) -> bool:
    """Tell whether entries are finite, of so many groups, and in order without one twice."""
    inside = bool(((group >= 0) & (group < groups)).all() and np.isfinite(values).all())
    return inside and bool(((np.diff(group) > 0) | ((np.diff(group) == 0) & (np.diff(values) > 0))).all())
