"""Small cells of published counts: hidden in each table, and not to be had from the tables together.

Tables of one crossing and of its marginals are equations on the same rows: a marginal less the told cells gives
the one that is not. So every small cell gets an *alibi*: other counts, none of them negative, that agree with all that
is told and in which that cell is another number. All that the alibi changes is hidden with it. What has an alibi cannot
be computed, by whatever means, and keeps it however much more is hidden.

An alibi takes rows from one place and puts them elsewhere. Moved along one feature, a row changes every table with that
feature; moved along two, with another row moved back, it changes only tables with both (a corner of a square each, with
signs by turns), and so on for any number: the changes cancel wherever one of the features is summed out. They are the
moves by which tables with given marginals are walked through (Diaconis and Sturmfels 1998); hiding with a small cell
what would give it away is complementary suppression (Cox 1980).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any

import numpy as np

from nbdeploy.documents.evidence import ErrorTable, TallyTable
from nbdeploy.stats.tally.classes import ClassTally
from nbdeploy.stats.tally.errors import ErrorTally

_TRIED = 40  # places that are tried for one alibi: enough to find one that hides little, few enough for many cells
_KNOWN = 500  # levels that they are chosen from

Place = tuple[Any, ...]
"""Levels of features, then the places of label and decision."""


def published(tallies: Sequence[ClassTally], below: int) -> tuple[TallyTable, ...]:
    """Return tables of the same rows, with cells hidden.

    Parameters
    ----------
    tallies
        Of the same classes; the last is of all features, the others of some of them.
    below
        Cells with fewer rows are hidden, and cannot be computed from all that is told.
    """
    return tuple(tally.to_table(below, hidden) for tally, hidden in zip(tallies, _hidden(tallies, below), strict=True))


def published_errors(tallies: Sequence[ErrorTally], below: int) -> tuple[ErrorTable, ...]:
    """Return tables of the moments of the same rows, without those of small groups.

    Rows and sums of groups obey the same equations, so what hides the number of rows hides every sum.

    Parameters
    ----------
    tallies, below
        As in `published`, of groups instead of cells.
    """
    sizes = [ClassTally(one.features, one.groups, (0,), np.rint(one.sizes)[:, None, None]) for one in tallies]
    return tuple(
        tally.to_table(below, {group for group, _, _ in hidden})
        for tally, hidden in zip(tallies, _hidden(sizes, below), strict=True)
    )


def _hidden(tallies: Sequence[ClassTally], below: int) -> Iterator[set[tuple[int, int, int]]]:
    """Yield for each tally the places of the cells that are hidden."""
    crossing = _Crossing(tallies)
    for table in crossing.tables:
        for cell, rows in sorted(table.counts.items(), key=lambda item: (item[1], table.index[item[0]])):
            if rows < below:
                crossing.hide(table, cell, below)
    for table in crossing.tables:
        yield {table.index[cell] for cell in table.hidden}


@dataclass
class _Table:
    """One table: which positions of a place make its cells, where a tally has them, and what is hidden."""

    at: tuple[int, ...]
    index: dict[Place, tuple[int, int, int]]
    counts: Counter[Place] = field(default_factory=Counter)
    inside: defaultdict[Place, list[Place]] = field(default_factory=lambda: defaultdict(list))
    hidden: set[Place] = field(default_factory=set)

    def cell(self, place: Place) -> Place:
        return tuple(place[position] for position in self.at)


@dataclass(frozen=True, order=True)
class _Alibi:
    """What has to be hidden for an alibi, and how good it is: the least is the best.

    It is weak where the cell could then be neither empty nor large enough to be told.
    """

    weak: bool
    cost: int
    cells: frozenset[tuple[int, Place]] = field(compare=False)


class _Crossing:
    """Rows by place, and the tables that are made of them."""

    def __init__(self, tallies: Sequence[ClassTally]) -> None:
        finest = tallies[-1]
        self.features = len(finest.features)
        self.classes = range(len(finest.classes))
        self.groups = dict.fromkeys(finest.groups)
        self.rows: Counter[Place] = Counter()
        for group, label, decision in np.argwhere(finest.counts).tolist():
            self.rows[*finest.groups[group], label, decision] = int(finest.counts[group, label, decision])
        self.tables = [self._table(tally, finest) for tally in tallies]
        self._levels: dict[tuple[int, ...], list[Place]] = {}

    def _table(self, tally: ClassTally, finest: ClassTally) -> _Table:
        at = (*(finest.features.index(feature) for feature in tally.features), self.features, self.features + 1)
        table = _Table(
            at,
            {
                (*group, label, decision): (place, label, decision)
                for place, group in enumerate(tally.groups)
                for label, decision in product(self.classes, repeat=2)
            },
        )
        for place, rows in self.rows.items():
            table.counts[table.cell(place)] += rows
            table.inside[table.cell(place)].append(place)
        return table

    def hide(self, table: _Table, cell: Place, below: int) -> None:
        """Hide a small cell and what its best alibi changes; the cell alone where a row has no other place to be."""
        table.hidden.add(cell)
        starts = sorted(table.inside[cell], key=lambda place: -self.rows[place])[:2]
        best: _Alibi | None = None
        for directions in self._directions(table):
            for start, along in product(starts, directions):
                for found in self._alibis(start, along, table.counts[cell], below):
                    best = found if best is None else min(best, found)
                    if not (best.weak or best.cost):
                        return
            if best is not None and not best.weak:
                break
        for number, other in best.cells if best is not None else ():
            self.tables[number].hidden.add(other)

    def _directions(self, table: _Table) -> Iterator[list[tuple[int, ...]]]:
        """Yield along what rows may be moved: as many features as the table has, since that changes fewest tables."""
        features = table.at[:-2]
        for size in range(len(features), 0, -1):
            yield list(combinations(features, size))
        yield [(self.features + 1,), (self.features,)]

    def _alibis(self, start: Place, along: tuple[int, ...], rows: int, below: int) -> Iterator[_Alibi]:
        concerned = [(number, table) for number, table in enumerate(self.tables) if set(along) <= set(table.at)]
        for levels in self._elsewhere(start, along):
            less, more = self._corners(start, along, levels)
            if not all(place[: self.features] in self.groups for place in (*less, *more)):
                continue
            down, up = (min(self.rows[place] for place in places) for places in (less, more))
            if not (down or up):
                continue
            cells = frozenset(
                (number, cell)
                for number, table in concerned
                for cell in map(table.cell, (*less, *more))
                if cell not in table.hidden
            )
            cost = sum(self.tables[number].counts[cell] + 1 for number, cell in cells)
            yield _Alibi(down < rows and up < below - rows, cost, cells)

    def _elsewhere(self, start: Place, along: tuple[int, ...]) -> list[Place]:
        """Return other levels of what is moved along, all of them others, those with few rows first."""
        if along[0] >= self.features:
            return [(other,) for other in self.classes if other != start[along[0]]]
        if along not in self._levels:
            of_groups = (tuple(group[position] for position in along) for group in self.groups)
            self._levels[along] = list(dict.fromkeys(of_groups))[:_KNOWN]
        other = [
            levels
            for levels in self._levels[along]
            if all(level != start[position] for level, position in zip(levels, along, strict=True))
        ]
        rows = {levels: self.rows[_moved(start, along, levels)] for levels in other}
        return sorted(other, key=lambda levels: (not rows[levels], rows[levels]))[:_TRIED]

    @staticmethod
    def _corners(start: Place, along: tuple[int, ...], levels: Place) -> tuple[list[Place], list[Place]]:
        """Return the places that lose a row, `start` among them, and those that gain one."""
        places: tuple[list[Place], list[Place]] = ([], [])
        for size in range(len(along) + 1):
            for some in combinations(range(len(along)), size):
                moved = _moved(start, [along[i] for i in some], [levels[i] for i in some])
                places[size % 2].append(moved)
        return places


def _moved(start: Place, along: Sequence[int], levels: Sequence[Any]) -> Place:
    place = list(start)
    for position, level in zip(along, levels, strict=True):
        place[position] = level
    return tuple(place)
