"""Small cells of published counts: hidden in each table, and not to be had from the tables together.

Tables of one crossing and of its marginals are linear equations on the same cells: a marginal less the cells that are
told gives the one that is not. A small cell is safe while no combination of what is told fixes it (Cox 1980, on
complementary suppression); as long as one does, the next smallest cell is hidden as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.evidence import TallyTable
from nbdeploy.stats.tally.classes import ClassTally

_MOST_UNKNOWN = 1200
"""Hidden cells among which equations are still solved; with more, only the table of all rows is told."""

Cell = tuple[int, int, int]


def published(tallies: Sequence[ClassTally], below: int) -> tuple[TallyTable, ...]:
    """Return the tables of a crossing and its marginals, with cells hidden.

    Parameters
    ----------
    tallies
        Of the same rows and classes; the last is of all features, the others of some of them.
    below
        Cells with fewer rows are hidden, and cannot be computed from the cells that are told.
    """
    finest = tallies[-1]
    cells = [_cells(tally) for tally in tallies]
    small = [{cell for cell in own if tally.counts[cell] < below} for tally, own in zip(tallies, cells, strict=True)]
    if len(small[-1]) > _MOST_UNKNOWN:
        return (tallies[0].to_table(below),)
    variables = {cell: place for place, cell in enumerate(cells[-1])}
    rows = [
        [_summands(tally, cell, finest, variables) for cell in own] for tally, own in zip(tallies, cells, strict=True)
    ]
    hidden = [set(one) for one in small]
    while True:
        unknown = np.array(sorted(variables[cell] for cell in hidden[-1]), dtype=np.int64)
        leaked = _leaked(cells, rows, hidden, small, unknown) if len(unknown) else None
        if leaked is None:
            break
        before = sum(map(len, hidden))
        _hide_one_more(leaked, tallies[-1].counts, cells, rows, hidden)
        if sum(map(len, hidden)) == before:
            break  # all is hidden but the number of rows
    return tuple(tally.to_table(below, frozenset(one)) for tally, one in zip(tallies, hidden, strict=True))


def _cells(tally: ClassTally) -> list[Cell]:
    return [(int(g), int(y), int(d)) for g, y, d in np.argwhere(tally.counts)]


def _summands(tally: ClassTally, cell: Cell, finest: ClassTally, variables: dict[Cell, int]) -> NDArray[np.int64]:
    """Return the finest cells that a cell is the sum of."""
    at = [finest.features.index(feature) for feature in tally.features]
    group = tally.groups[cell[0]]
    return np.array(
        [
            place
            for (g, y, d), place in variables.items()
            if (y, d) == cell[1:] and tuple(finest.groups[g][i] for i in at) == group
        ],
        dtype=np.int64,
    )


def _leaked(
    cells: Sequence[list[Cell]],
    rows: Sequence[list[NDArray[np.int64]]],
    hidden: Sequence[set[Cell]],
    small: Sequence[set[Cell]],
    unknown: NDArray[np.int64],
) -> NDArray[np.int64] | None:
    """Return the finest cells of a small cell that the told cells fix; None where none is fixed."""
    told = [
        _over(unknown, summands)
        for own, all_of, secret in zip(cells, rows, hidden, strict=True)
        for cell, summands in zip(own, all_of, strict=True)
        if cell not in secret
    ]
    told.append(np.ones(len(unknown)))  # the number of all rows is told with every table
    matrix = np.array([row for row in told if row.any()])
    _, sizes, basis = np.linalg.svd(matrix, full_matrices=False)
    basis = basis[sizes > 1e-9 * max(float(sizes.max(initial=0)), 1)]
    for own, all_of, secret in zip(cells, rows, small, strict=True):
        for cell, summands in zip(own, all_of, strict=True):
            if cell in secret:
                wanted = _over(unknown, summands)
                if np.abs(wanted - basis.T @ (basis @ wanted)).max() < 1e-7:
                    return summands
    return None


def _over(unknown: NDArray[np.int64], summands: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.isin(unknown, summands).astype(np.float64)


def _hide_one_more(
    leaked: NDArray[np.int64],
    counts: NDArray[Any],
    cells: Sequence[list[Cell]],
    rows: Sequence[list[NDArray[np.int64]]],
    hidden: Sequence[set[Cell]],
) -> None:
    """Hide the smallest cell that stands in one sum with a leaked one; where those are hidden, the smallest of all."""
    finest = cells[-1]
    beside = {
        int(place)
        for own, all_of in zip(cells[:-1], rows[:-1], strict=True)
        for _, summands in zip(own, all_of, strict=True)
        if np.isin(leaked, summands).any()
        for place in summands
        if finest[int(place)] not in hidden[-1]
    }
    if beside:
        hidden[-1].add(finest[min(beside, key=lambda place: (int(counts[finest[place]]), place))])
        return
    left = [
        (int(counts[tuple(np.array(cells[-1])[summands].T)].sum()), table, cell)
        for table, (own, all_of, secret) in enumerate(zip(cells, rows, hidden, strict=True))
        for cell, summands in zip(own, all_of, strict=True)
        if cell not in secret
    ]
    if left:
        _, table, cell = min(left)
        hidden[table].add(cell)
