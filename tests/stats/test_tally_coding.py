"""Rows become small numbers and back: counts are those of a plain loop, whatever types the batches bring."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbdeploy.errors import DataError
from nbdeploy.stats.tally.cells import Cells
from nbdeploy.stats.tally.coding import Coder, combinations, named_groups

WHOLE = {pa.int8(): 7, pa.uint8(): 8, pa.int16(): 15, pa.int64(): 63, pa.uint64(): 64}


@st.composite
def arrays(draw, size):
    """Arrays of one column as different batches may bring it."""
    kind = draw(st.sampled_from([*WHOLE, pa.float64(), pa.bool_(), pa.string(), pa.dictionary(pa.int8(), pa.string())]))
    if kind in WHOLE:
        low = 0 if pa.types.is_unsigned_integer(kind) else -(1 << WHOLE[kind])
        value = st.one_of(st.integers(0, 3), st.integers(low, (1 << WHOLE[kind]) - 1), st.integers(90, 93))
    elif pa.types.is_floating(kind):
        value = st.sampled_from([0.0, -0.0, 1.0, 2.0, 0.5, -7.0, 1e300])
    elif pa.types.is_boolean(kind):
        value = st.booleans()
    else:
        value = st.sampled_from(["a", "b", "1", ""])
    values = draw(st.lists(st.one_of(value, st.none()), min_size=size, max_size=size))
    plain = pa.string() if pa.types.is_dictionary(kind) else kind
    array = pa.array(values, plain)
    return array.dictionary_encode() if pa.types.is_dictionary(kind) else array


@st.composite
def parts(draw):
    sizes = draw(st.lists(st.integers(0, 9), min_size=1, max_size=4))
    return [[draw(arrays(size)) for _ in range(draw(st.just(2)))] for size in sizes]


def expected(batches):
    def level(value):
        if value is None:
            return "(missing)"
        return float(value) if not isinstance(value, str) and abs(value) < 1 << 53 else value

    return Counter(
        tuple(map(level, row))
        for columns in batches
        for row in zip(*(column.to_pylist() for column in columns), strict=True)
    )


def as_counter(groups, sums):
    found = Counter()
    for group, count in zip(groups, sums, strict=True):
        key = tuple(float(x) if not isinstance(x, str) and abs(x) < 1 << 53 else x for x in group)
        found[key] += int(count)
    return found


@settings(max_examples=150, deadline=None)
@given(batches=parts(), repeats=st.integers(1, 3))
def test_counts_are_those_of_a_plain_loop(batches, repeats):
    coders = [Coder("a", "(missing)"), Coder("b", "(missing)")]
    cells = Cells(2)
    for columns in batches:
        for _ in range(repeats):
            cells.add([coder.numbered(column) for coder, column in zip(coders, columns, strict=True)])
    keys, sums = cells.total()
    wanted = Counter({key: repeats * count for key, count in expected(batches).items()})
    assert as_counter(named_groups(coders, keys), sums) == wanted


@settings(max_examples=100, deadline=None)
@given(batches=parts())
def test_every_row_is_told_its_combination(batches):
    coders = [Coder("a", "(missing)"), Coder("b", "(missing)")]
    for columns in batches:
        rows = len(columns[0])
        keys, at = combinations([coder.numbered(c) for coder, c in zip(coders, columns, strict=True)], rows)
        groups = named_groups(coders, keys)
        assert as_counter([groups[place] for place in at], np.ones(rows)) == expected([columns])


@pytest.mark.parametrize("size", [1, 2, 65_535, 65_536, 65_537])
def test_many_rows_of_few_combinations(size):
    """Enough rows for the ways of counting that few rows never take."""
    random = np.random.default_rng(size)
    group, label = random.integers(0, 11, size), random.integers(0, 3, size)
    coders = [Coder("a", None), Coder("b", None)]
    cells = Cells(2)
    cells.add([coders[0].numbered(pa.array(group)), coders[1].numbered(pa.array(label, pa.int8()))])
    keys, sums = cells.total()
    assert as_counter(named_groups(coders, keys), sums) == as_counter(zip(group, label, strict=True), np.ones(size))


def test_more_columns_than_a_number_can_hold_the_digits_of():
    rows = 40_000
    random = np.random.default_rng(0)
    columns = [random.permutation(rows) for _ in range(5)]
    coders = [Coder(name, None) for name in "abcde"]
    cells = Cells(5)
    cells.add([coder.numbered(pa.array(column)) for coder, column in zip(coders, columns, strict=True)])
    keys, sums = cells.total()
    assert sums.tolist() == [1] * rows
    assert set(named_groups(coders, keys)) == set(zip(*(column.tolist() for column in columns), strict=True))


def test_levels_that_no_row_has_are_no_levels():
    coder = Coder("a", None)
    column = pa.DictionaryArray.from_arrays(pa.array([1, 1]), pa.array(["never", "x", None]))
    assert combinations([coder.numbered(column)], 2)[0].tolist() == [[0]]
    assert coder.levels == ["x"]


def test_a_missing_value_that_is_no_level_is_refused():
    coder = Coder("label", None)
    with pytest.raises(DataError, match="'label' has a row without a value"):
        combinations([coder.numbered(pa.array([0, None]))], 2)
