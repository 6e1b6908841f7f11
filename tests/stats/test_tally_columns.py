"""Summaries of columns and rows: any split of the rows gives the same, and the same as a second implementation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbdeploy.errors import FormatError
from nbdeploy.stats.tally import ColumnTallies, RepeatTally, column, columns, distinct, repeats
from nbdeploy.stats.tally.distinct import DistinctTally
from nbdeploy.stats.tally.hashing import mixed, row_hashes, value_hashes
from nbdeploy.stats.tally.serial import packed, unpacked
from nbdeploy.stats.tally.sketch import RANK_ERROR, Sketch

FRAME = pd.DataFrame(
    {
        "age": [20.5, None, 40, 40, float("inf"), -3],
        "town": ["b", "a", None, "a", "", "a"],
        "sex": [1, 2, 2, 1, 1, 2],
        "ill": [True, False, None, True, True, False],
    }
)


def batches(frame, size):
    return pa.Table.from_pandas(frame, preserve_index=False).to_batches(max_chunksize=size)


def same(first, second):
    assert list(first) == list(second)
    for name in first:
        mine, theirs = first[name], second[name]
        for part in ("kind", "rows", "missing", "infinite", "counts", "finite", "known"):
            assert getattr(mine, part) == getattr(theirs, part), (name, part)
        for part in ("mean", "spread", "low", "high"):
            assert getattr(mine, part) == pytest.approx(getattr(theirs, part), nan_ok=True), (name, part)
        assert np.array_equal(mine.distinct.smallest, theirs.distinct.smallest)
        assert mine.quantiles([0, 0.5, 1]) == pytest.approx(theirs.quantiles([0, 0.5, 1]), nan_ok=True)


def test_a_column_is_what_pandas_says():
    found = ColumnTallies.from_arrow(batches(FRAME, 2))
    age = found["age"]
    assert (age.rows, age.missing, age.infinite, age.finite) == (6, 1, 1, 4)
    finite = FRAME["age"].replace(float("inf"), None).dropna().astype(float)
    assert age.mean == pytest.approx(finite.mean())
    assert age.variance == pytest.approx(finite.var())
    assert (age.low, age.high) == (-3, 40)
    assert found["town"].counts == {"b": 1, "a": 3, "": 1}
    assert found["town"].missing == 1
    assert found["sex"].counts == {1: 3, 2: 3}
    assert found["ill"].kind == "bool"
    assert found["ill"].counts == {True: 3, False: 2}
    assert age.share_at_most([-3, 39, 100]) == pytest.approx([0.25, 0.5, 1])


@settings(max_examples=40, deadline=None)
@given(size=st.integers(1, 7), order=st.permutations(range(6)))
def test_any_split_and_any_order_of_parts_gives_the_same(size, order):
    parts = [ColumnTallies.from_arrow([batch]) for batch in batches(FRAME.iloc[list(order)], size)]
    backwards = ColumnTallies({})
    for part in reversed(parts):
        backwards += part
    whole = ColumnTallies.from_arrow(batches(FRAME, 100))
    same(ColumnTallies({name: backwards[name] for name in whole}), whole)


def test_a_tally_comes_back_from_its_bytes():
    found = ColumnTallies.from_arrow(batches(FRAME, 4))
    same(ColumnTallies.from_bytes(found.to_bytes()), found)


@pytest.mark.parametrize("data", [b"", b"nonsense", RepeatTally.from_arrow(batches(FRAME, 9), ["sex"]).to_bytes()])
def test_bytes_of_anything_else_are_refused(data):
    with pytest.raises(FormatError, match="tally"):
        ColumnTallies.from_bytes(data)


def test_too_many_values_are_not_counted_however_the_rows_are_split(monkeypatch):
    for module in (column, columns):
        monkeypatch.setattr(module, "MOST_LEVELS", 3)
    few, many = FRAME[["sex"]], pd.DataFrame({"id": ["a", "b", "c", "d", "a", "b"]})
    for size in (1, 3, 6):
        assert ColumnTallies.from_arrow(batches(few, size))["sex"].counts == {1: 3, 2: 3}
        assert ColumnTallies.from_arrow(batches(many, size))["id"].counts is None


def test_numbers_and_texts_do_not_add():
    number, text = (ColumnTallies.from_arrow(batches(FRAME[[name]], 9))[name] for name in ("age", "town"))
    with pytest.raises(ValueError, match="cannot be added"):
        number + text


def test_quantiles_of_many_values_are_within_the_stated_error():
    values = np.random.default_rng(0).permutation(200_000).astype(float)
    found = Sketch.of(values[:90_000]) + Sketch.of(values[90_000:])
    assert found.error == RANK_ERROR
    shares = np.linspace(0.05, 0.95, 19)
    # 99 % confidence for one share; twice the error for all nineteen.
    assert np.abs(found.quantiles(shares) / 200_000 - shares).max() < 2 * RANK_ERROR
    assert Sketch.of(values[:2000]).error == 0


def test_different_values_are_counted_while_few_and_estimated_when_many():
    many = mixed(np.arange(300_000, dtype=np.uint64))
    parts = [DistinctTally.of(part) for part in np.array_split(np.concatenate([many, many]), 7)]
    found = parts[0]
    for part in parts[1:]:
        found += part
    assert np.array_equal(found.smallest, DistinctTally.of(many).smallest)
    assert found.number == pytest.approx(300_000, rel=4 / np.sqrt(distinct.KEPT))
    assert DistinctTally.of(many[:100]).number == 100


def test_equal_values_have_equal_hashes_whatever_their_type():
    kinds = [pa.int8(), pa.int64(), pa.float32(), pa.float64(), pa.uint16()]
    hashes = [value_hashes(pa.array([1, 0, 7, None], kind)) for kind in kinds]
    assert all(np.array_equal(one, hashes[0]) for one in hashes)
    assert value_hashes(pa.array([0.0]))[0] == value_hashes(pa.array([-0.0]))[0]
    assert value_hashes(pa.array([float("nan")]))[0] == value_hashes(pa.array([None], pa.string()))[0]
    texts = ["", "a", "ab", "abcdefgh", "abcdefghi", "ü" * 9, "abcdefgh\0"]
    assert len(set(value_hashes(pa.array(texts)).tolist())) == len(texts)
    for cut in (pa.array(texts).slice(2), pa.array(texts).dictionary_encode().slice(2)):
        assert np.array_equal(value_hashes(cut), value_hashes(pa.array(texts))[2:])


def test_neighbours_among_large_whole_numbers_differ():
    large = [2**62, 2**62 + 1, -(2**60), 1 - 2**60]
    assert len(set(value_hashes(pa.array(large)).tolist())) == 4
    assert value_hashes(pa.array([2**62]))[0] == value_hashes(pa.array([float(2**62)]))[0]


def test_hashes_are_the_same_in_every_process():
    """Fixed values: a partition on another machine must find the same rows."""
    assert mixed(np.array([0, 1], np.uint64)).tolist() == [16294208416658607535, 10451216379200822465]


def rows(values):
    return pa.table({"a": [value for value, _ in values], "b": [other for _, other in values]})


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["x", "y", None])), max_size=80),
    cut=st.integers(0, 80),
    most=st.sampled_from([5, 1 << 17]),
)
def test_repeats_are_the_same_however_rows_are_split(values, cut, most):
    kept = repeats.MOST
    repeats.MOST = most
    try:
        parts = [RepeatTally.from_arrow(rows(part), ["a", "b"]) for part in (values[cut:], values[:cut])]
        whole = RepeatTally.from_arrow(rows(values), ["a", "b"])
        merged = parts[0] + parts[1]
    finally:
        repeats.MOST = kept
    assert merged == whole
    assert RepeatTally.from_bytes(whole.to_bytes()) == whole
    assert len(whole.hashes) <= most
    if whole.exact:
        assert whole.repeated().found == len(values) - len(set(values))


def test_matches_are_those_of_a_join():
    mine = [(1, "x"), (1, "x"), (2, "y"), (3, None)]
    theirs = [(1, "x"), (3, None), (9, "z")]
    found = RepeatTally.from_arrow(rows(mine), ["a", "b"]).matches(RepeatTally.from_arrow(rows(theirs), ["a", "b"]))
    assert (found.found, found.n, found.exact) == (3, 4, True)


def test_a_sample_of_many_rows_estimates_the_share_that_repeats():
    values = np.random.default_rng(0).integers(0, 400_000, 500_000)
    table = pa.table({"a": values})
    found = RepeatTally.from_arrow(table, ["a"])
    assert not found.exact
    assert found.repeated().share == pytest.approx(1 - len(np.unique(values)) / len(values), abs=0.01)
    other = RepeatTally.from_arrow(pa.table({"a": np.arange(0, 100_000)}), ["a"])
    assert found.matches(other).share == pytest.approx((values < 100_000).mean(), abs=0.01)


def test_rows_are_told_apart_by_the_columns_asked_for():
    batch = batches(FRAME, 10)[0]
    assert len(set(row_hashes(batch, ["sex"]).tolist())) == 2
    assert len(set(row_hashes(batch, ["sex", "age"]).tolist())) == 6


@pytest.mark.parametrize(
    ("about", "hashes", "counts"),
    [
        ({"halved": 0}, [3, 2], [1, 1]),
        ({"halved": 0}, [2, 3], [1, 0]),
        ({"halved": 0}, [2, 3], [1]),
        ({"halved": 9}, [2, 2**63], [1, 1]),
        ({}, [2], [1]),
    ],
)
def test_hashes_that_no_tally_would_keep_are_refused(about, hashes, counts):
    arrays = {"hashes": np.array(hashes, np.uint64), "counts": np.array(counts, np.int64)}
    with pytest.raises(FormatError):
        RepeatTally.from_bytes(packed("repeats", about, arrays))


@pytest.mark.parametrize("change", [{"kind": "colour"}, {"missing": 99}, {"sketch": "AAAA"}, {"numbers": [1]}])
def test_a_column_that_cannot_be_is_refused(change):
    found = ColumnTallies.from_arrow(batches(FRAME[["age"]], 9))
    about, arrays = unpacked("columns", found.to_bytes())
    about["columns"][0] |= change
    with pytest.raises(FormatError):
        ColumnTallies.from_bytes(packed("columns", about, arrays))
