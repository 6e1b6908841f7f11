"""What is hidden cannot be computed from what is told: every small table is solved as an attacker would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbdeploy.stats.tally import ClassTally
from nbdeploy.stats.tally.suppression import published

BELOW = 5


def made(counts):
    groups = tuple((sex, age) for sex in ("f", "m") for age in ("young", "old"))
    return ClassTally(("sex", "age"), groups, (0, 1), np.array(counts).reshape(4, 2, 2))


def tables(tally):
    marginals = [tally.select(features) for features in ((), ("sex",), ("age",))]
    return [*marginals, tally], published([*marginals, tally], BELOW)


def solved(tallies, told):
    """Return the small cells that follow from all told cells, found by solving for every hidden cell at once."""
    finest = tallies[-1]
    hidden = [i for i, cell in enumerate(told[-1].cells) if cell.n is None]
    if not hidden:
        return []
    equations = [np.ones(len(hidden))]
    secret = []
    for tally, table in zip(tallies, told, strict=True):
        for cell in table.cells:
            row = np.array(
                [
                    all(told[-1].cells[i].group[name] == value for name, value in cell.group.items())
                    and (told[-1].cells[i].label, told[-1].cells[i].predicted) == (cell.label, cell.predicted)
                    for i in hidden
                ],
                dtype=float,
            )
            if cell.n is not None:
                equations.append(row)
            else:
                at = tally.groups.index(tuple(cell.group.values())), int(cell.label), int(cell.predicted)
                if tally.counts[at] < BELOW:
                    secret.append(row)
    assert finest.rows
    rank = np.linalg.matrix_rank(np.array(equations))
    return [row for row in secret if np.linalg.matrix_rank(np.array([*equations, row])) == rank]


@settings(max_examples=150, deadline=None)
@given(counts=st.lists(st.integers(0, 14), min_size=16, max_size=16))
def test_no_small_cell_follows_from_all_tables_together(counts):
    tally = made(counts)
    if not tally.rows:
        return
    tallies, told = tables(tally)
    if any(cell.n is not None for table in told for cell in table.cells):
        assert solved(tallies, told) == []  # where nothing is told, the number of rows may still tell
    for mine, table in zip(tallies, told, strict=True):
        for cell in table.cells:
            at = mine.groups.index(tuple(cell.group.values())), int(cell.label), int(cell.predicted)
            assert cell.n in (None, int(mine.counts[at]))
            assert cell.n is None or cell.n >= BELOW


def test_a_marginal_less_its_crossing_hides_its_cell_too():
    """Hidden by itself alone, the three young women would be all women less the old ones."""
    tally = made([3, 0, 0, 0, 40, 0, 0, 0, 50, 0, 0, 0, 60, 0, 0, 0])
    _, told = tables(tally)
    assert sum(cell.n is None for cell in told[-1].cells) >= 3


def test_nothing_is_hidden_where_all_cells_are_large():
    _, told = tables(made([20] * 16))
    assert all(cell.n is not None for table in told for cell in table.cells)


def test_too_many_small_cells_leave_the_table_of_all_rows():
    groups = tuple((i,) for i in range(700))
    tally = ClassTally(("g",), groups, (0, 1), np.full((700, 2, 2), 2))
    told = published([tally.select(()), tally], BELOW)
    assert [table.features for table in told] == [()]
    assert told[0].cells[0].n == 1400


@pytest.mark.parametrize("counts", [[1] * 16, [4, 9] * 8, [0, 0, 0, 1] * 4, [3, *[0] * 15]])
def test_hiding_ends(counts):
    _, told = tables(made(counts))
    assert all(cell.n is None or cell.n >= BELOW for table in told for cell in table.cells)
