"""What is hidden cannot be computed from what is told: every small case is solved as an attacker would."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from nbdeploy.stats.metrics import values
from nbdeploy.stats.tally import ClassTally, ErrorTally
from nbdeploy.stats.tally.suppression import published, published_errors

BELOW = 5
FEATURES = ("sex", "age", "town")
LEVELS = (("f", "m"), ("old", "young"), ("a", "b", "c"))


def made(counts, features=2, classes=2):
    groups = tuple(product(*LEVELS[:features]))
    shape = (len(groups), classes, classes)
    return ClassTally(FEATURES[:features], groups, tuple(range(classes)), np.array(counts).reshape(shape))


def partitions(tally):
    parts = [part for size in range(len(tally.features) + 1) for part in combinations(tally.features, size)]
    return [tally.select(part) for part in parts]


def equations(tally, tables):
    """Return what an attacker knows of the finest counts, and for each hidden cell of some rows what it is the sum of.

    A cell that no table lists is known to be 0.
    """
    places = list(np.ndindex(tally.counts.shape))
    known, values, secret = [np.ones(len(places))], [tally.rows], []
    for table in tables:
        marginal = tally.select(table.features)
        told = {(tuple(cell.group.values()), cell.label, cell.predicted): cell.n for cell in table.cells}
        at = [tally.features.index(feature) for feature in table.features]
        for number, group in enumerate(marginal.groups):
            for label, decision in product(range(len(tally.classes)), repeat=2):
                row = np.array(
                    [
                        tuple(tally.groups[g][i] for i in at) == group and (y, d) == (label, decision)
                        for g, y, d in places
                    ],
                    dtype=float,
                )
                true = int(marginal.counts[number, label, decision])
                n = told.get((group, label, decision), 0)
                if n is not None:
                    assert n == true
                    assert n == 0 or n >= BELOW
                    known.append(row)
                    values.append(n)
                elif true > 0:
                    secret.append((true, row))
    return np.array(known), np.array(values), secret


def ranges(tally, tables):
    """Return each hidden small cell with the least and the most that it could be, given all that is told."""
    known, values, secret = equations(tally, tables)
    found = []
    for true, row in secret:
        if true < BELOW:
            low, high = (linprog(sign * row, A_eq=known, b_eq=values, bounds=(0, None)) for sign in (1, -1))
            assert low.status == high.status == 0
            found.append((low.fun, true, -high.fun))
    return found


@settings(max_examples=30, deadline=None)
@given(counts=st.lists(st.one_of(st.integers(0, 4), st.integers(0, 40)), min_size=16, max_size=16))
def test_no_small_cell_follows_from_all_tables_together(counts):
    tally = made(counts)
    for low, true, high in ranges(tally, published(partitions(tally), BELOW)):
        assert high - low >= 1 - 1e-6, true


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_no_small_cell_follows_from_the_seven_tables_of_three_features(data):
    counts = data.draw(st.lists(st.sampled_from([0, 1, 2, 4, 6, 15, 40]), min_size=48, max_size=48))
    tally = made(counts, features=3)
    for low, true, high in ranges(tally, published(partitions(tally), BELOW)):
        assert high - low >= 1 - 1e-6, true


def test_two_single_people_are_not_had_from_their_sum():
    """Hidden by themselves alone, two cells of at least one row each with a sum of two would be one row each."""
    tally = ClassTally(("town",), (("a",), ("b",), ("c",)), (0,), np.array([1, 1, 18]).reshape(3, 1, 1))
    found = ranges(tally, published(partitions(tally), BELOW))
    assert [true for _, true, _ in found] == [1, 1]
    assert all(low == 0 or high >= BELOW for low, _, high in found)


def test_a_marginal_less_its_crossing_hides_its_cell_too():
    """Hidden by itself alone, the three young women would be all women less the old ones."""
    counts = [30, 0, 0, 0, 3, 0, 0, 0, 50, 0, 0, 0, 60, 0, 0, 0]
    tables = published(partitions(made(counts)), BELOW)
    assert sum(cell.n is None for cell in tables[-1].cells) == 4
    assert all(cell.n is not None for table in tables[:-1] for cell in table.cells)


def test_nothing_is_hidden_where_all_cells_are_large():
    assert all(cell.n is not None for table in published(partitions(made([20] * 16)), BELOW) for cell in table.cells)


def test_the_only_small_cell_of_all_rows_is_hidden_with_another():
    tally = ClassTally((), ((),), (0, 1), np.array([[[3, 20], [40, 50]]]))
    (table,) = published([tally], BELOW)
    assert [cell.n for cell in table.cells] == [None, None, 40, 50]
    assert table.rows == 113


@pytest.mark.parametrize("counts", [[1] * 16, [4, 9] * 8, [0, 0, 0, 1] * 4, [3, *[0] * 15], [0] * 16])
def test_little_data_is_told_too(counts):
    tally = made(counts)
    for low, true, high in ranges(tally, published(partitions(tally), BELOW)):
        assert high - low >= 1 - 1e-6, true


def test_more_classes_than_two():
    counts = np.random.default_rng(0).integers(0, 12, 36)
    tally = made(counts, classes=3)
    assert all(high - low >= 1 - 1e-6 for low, _, high in ranges(tally, published(partitions(tally), BELOW)))


def test_hundreds_of_groups_are_published_with_most_of_their_cells():
    """Tens of thousands of rows in 160 groups: what is hidden beside the small cells is few."""
    random = np.random.default_rng(0)
    sizes = {"sex": 2, "race": 5, "age": 16}
    columns = {name: random.choice(n, 48_000, p=random.dirichlet(np.full(n, 1.5))) for name, n in sizes.items()}
    label = random.integers(0, 2, 48_000)
    decision = np.where(random.random(48_000) < 0.8, label, 1 - label)
    tally = ClassTally.from_arrow(
        columns | {"y": label, "p": decision}, label="y", predicted="p", features=list(columns)
    )
    tables = published(partitions(tally), BELOW)
    small = int(((tally.counts > 0) & (tally.counts < BELOW)).sum())
    hidden = sum(cell.n is None for cell in tables[-1].cells)
    assert small > 50
    assert hidden < 2 * small
    assert all(cell.n is not None for table in tables[:3] for cell in table.cells)


def errors_of(sizes, features=2):
    """Return the tallies of groups of these sizes."""
    random = np.random.default_rng(0)
    groups = [group for group, size in zip(product(*LEVELS[:features]), sizes, strict=True) for _ in range(size)]
    columns = dict(zip(FEATURES, map(list, zip(*groups, strict=True)), strict=False))
    truth = random.normal(50, 9, len(groups))
    columns |= {"y": truth, "p": truth + random.normal(1, 2, len(groups))}
    tally = ErrorTally.from_arrow(columns, label="y", predicted="p", features=FEATURES[:features])
    return partitions(tally)


def test_errors_of_groups_can_be_recomputed_from_their_table():
    tallies = errors_of([30, 20, 9, 7])
    for tally, table in zip(tallies, published_errors(tallies, BELOW), strict=True):
        for name in ("mean_error", "mean_absolute_error"):
            assert [getattr(cell, name) for cell in table.cells] == pytest.approx(values(tally, name))
        squared = [cell.mean_squared_error for cell in table.cells]
        assert squared == pytest.approx(values(tally, "root_mean_squared_error") ** 2)
        r2 = [1 - cell.mean_squared_error / cell.label_variance for cell in table.cells]
        assert r2 == pytest.approx(values(tally, "r2"))
        assert table.rows == sum(cell.n for cell in table.cells) == 66


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.sampled_from([1, 2, 4, 9, 30]), min_size=4, max_size=4))
def test_no_small_group_follows_from_all_tables_of_errors(sizes):
    tallies = errors_of(sizes)
    tables = published_errors(tallies, BELOW)
    finest = tallies[-1]
    known, secret = [np.ones(4)], []
    for tally, table in zip(tallies, tables, strict=True):
        at = [finest.features.index(feature) for feature in tally.features]
        for size, group, cell in zip(tally.sizes, tally.groups, table.cells, strict=True):
            row = np.array([float(tuple(one[i] for i in at) == group) for one in finest.groups])
            if cell.n is not None:
                known.append(row)
            elif size < BELOW and size < tally.rows:
                secret.append(row)
            assert (cell.n is None) == (cell.mean_error is None) == (cell.label_variance is None)
    rank = np.linalg.matrix_rank(np.array(known))
    assert all(np.linalg.matrix_rank(np.array([*known, row])) > rank for row in secret)
