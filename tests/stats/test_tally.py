"""A tally counts every row once, however the rows come."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbdeploy.errors import DataError, FormatError
from nbdeploy.stats.tally import MISSING, ClassTally, ErrorTally, ScoreTally
from nbdeploy.stats.tally import errors as errors_module
from nbdeploy.stats.tally import scores as scores_module
from nbdeploy.stats.tally.entries import on_grid

COLUMNS = ("sex", "band", "y", "p", "s", "t", "q")

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["f", "m", None]),
        st.sampled_from([1, 2, None]),
        st.sampled_from([0, 1]),
        st.sampled_from([0, 1]),
        st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]),
        st.floats(1e6, 1e6 + 10),
        st.floats(1e6, 1e6 + 10),
    ),
    max_size=40,
)
CUTS = st.lists(st.integers(0, 40), max_size=4)


def table(rows):
    columns = list(zip(*rows, strict=True)) if rows else [[]] * len(COLUMNS)
    kinds = (pa.string(), pa.int64(), pa.int64(), pa.int64(), pa.float64(), pa.float64(), pa.float64())
    return pa.table({name: pa.array(column, kind) for name, column, kind in zip(COLUMNS, columns, kinds, strict=True)})


def classes(rows, features=("sex", "band")):
    return ClassTally.from_arrow(rows, label="y", predicted="p", features=features, classes=(0, 1))


def scores(rows, features=("sex", "band")):
    return ScoreTally.from_arrow(rows, label="y", score="s", features=features)


def errors(rows, features=("sex", "band")):
    return ErrorTally.from_arrow(rows, label="t", predicted="q", features=features)


def pieces(rows, cuts):
    ends = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    return [rows.slice(start, end - start) for start, end in pairwise(ends)]


@pytest.mark.parametrize("count", [classes, scores, errors])
@given(rows=ROWS, cuts=CUTS)
@settings(max_examples=60, deadline=None)
def test_any_split_of_the_rows_gives_the_same_tally(count, rows, cuts):
    whole = table(rows)
    expected = count(whole)
    parts = [count(part) for part in pieces(whole, cuts)]
    for order in (parts, parts[::-1]):
        total = count(table([]))
        for part in order:
            total = total + part
        assert total == expected
        assert total.rows == len(rows)
    assert count(whole.to_batches(max_chunksize=3)) == expected


@pytest.mark.parametrize("count", [classes, scores, errors])
@given(rows=ROWS)
@settings(max_examples=40, deadline=None)
def test_a_marginal_equals_counting_fewer_features(count, rows):
    whole = table(rows)
    crossed = count(whole)
    for features in ((), ("band",), ("band", "sex")):
        assert crossed.select(features) == count(whole, features)
        assert crossed.select(features).rows == len(rows)


def test_merging_is_associative():
    a, b, c = (
        classes(table([row])) for row in (("f", 1, 0, 1, 0, 0, 0), ("m", None, 1, 1, 0, 0, 0), (None, 2, 0, 0, 0, 0, 0))
    )
    assert (a + b) + c == a + (b + c) == c + (b + a)


def test_a_missing_group_value_is_a_group_of_its_own():
    tally = ClassTally.from_arrow(
        {"g": np.array([1.0, np.nan, 2.0, np.nan]), "y": [0, 1, 0, 1], "p": [0, 1, 1, 1]},
        label="y",
        predicted="p",
        features=["g"],
    )
    assert tally.groups == ((1,), (2,), (MISSING,))
    assert tally.sizes.tolist() == [1, 1, 2]


def test_one_and_one_point_nought_are_one_label():
    tally = ClassTally.from_arrow(
        {"y": np.array([0, 1, 1], dtype=np.int8), "p": np.array([0.0, 1.0, 0.0])}, label="y", predicted="p"
    )
    assert tally.classes == (0, 1)
    assert all(type(level) is int for level in tally.classes)
    assert tally.counts.tolist() == [[[1, 0], [1, 1]]]


def test_true_and_one_are_one_label_whichever_comes_first():
    booleans = ClassTally.from_arrow({"y": [True, False], "p": [True, True]}, label="y", predicted="p")
    numbers = ClassTally.from_arrow({"y": [1, 0], "p": [0, 0]}, label="y", predicted="p")
    for merged in (booleans + numbers, numbers + booleans):
        assert [repr(level) for level in merged.classes] == ["0", "1"]
        assert merged.rows == 4


def test_levels_are_plain_sorted_scalars():
    days = pa.array([dt.date(2026, 1, 2), None, dt.date(2025, 1, 1)])
    tally = ClassTally.from_arrow({"d": days, "y": [0, 1, 1], "p": [0, 1, 1]}, label="y", predicted="p", features=["d"])
    assert tally.groups == (("2025-01-01",), ("2026-01-02",), (MISSING,))
    assert tally.named(0) == {"d": "2025-01-01"}


def test_dictionary_columns_count_as_their_values():
    plain = pa.table({"g": pa.array(["b", None, "a", "b"]), "y": [0, 1, 1, 0], "p": [0, 1, 0, 1]})
    coded = plain.set_column(0, "g", plain["g"].dictionary_encode())
    count = {"label": "y", "predicted": "p", "features": ["g"]}
    assert ClassTally.from_arrow(coded, **count) == ClassTally.from_arrow(plain, **count)


def test_many_levels_of_many_features_are_counted_without_a_dense_array():
    n = 3000
    columns = {name: np.arange(n) for name in ("a", "b", "c", "d")} | {"y": np.arange(n) % 2, "p": np.zeros(n, int)}
    tally = ClassTally.from_arrow(columns, label="y", predicted="p", features=["a", "b", "c", "d"])
    assert len(tally.groups) == tally.rows == n


def test_declared_classes_are_there_without_rows():
    tally = ClassTally.from_arrow({"y": [0], "p": [0]}, label="y", predicted="p", classes=(0, 1, 2))
    assert tally.classes == (0, 1, 2)


def test_an_empty_table_has_no_groups_and_no_rows():
    tally = classes(table([]))
    assert (tally.groups, tally.rows) == ((), 0)
    assert tally.select(()).counts.shape == (1, 2, 2)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"y": [0, None], "p": [0, 1], "s": [0.1, 0.2]}, "without a value"),
        ({"y": [0, 1], "p": [0, 1], "s": [0.1, None]}, "missing or not finite"),
        ({"y": [0, 1], "p": [0, 1], "s": [0.1, np.inf]}, "missing or not finite"),
        ({"y": [0, 1], "p": [0, 1], "s": ["a", "b"]}, "does not hold numbers"),
        ({"y": [0, 1], "q": [0, 1], "pp": [0.1, 0.2]}, "there is no column 'p'; did you mean 'pp'"),
    ],
)
def test_what_cannot_be_counted_is_refused_in_a_sentence(columns, words):
    def count():
        return ClassTally.from_arrow(columns, label="y", predicted="p"), scores(columns, ())

    with pytest.raises(DataError, match=words):
        count()


def test_tallies_of_different_features_cannot_be_added():
    with pytest.raises(ValueError, match="cannot be added"):
        classes(table([]), ("sex",)) + classes(table([]), ("band",))


def test_scores_are_rounded_exactly_when_too_many_distinct_ones_came(monkeypatch):
    monkeypatch.setattr(scores_module, "EXACT_SCORES", 50)
    random = np.random.default_rng(0)
    rows = pa.table({"y": random.integers(0, 2, 120), "s": random.random(120)})
    whole = ScoreTally.from_arrow(rows, label="y", score="s")
    assert not whole.exact
    assert np.array_equal(whole.score * scores_module.GRID, np.rint(whole.score * scores_module.GRID))
    halves = [ScoreTally.from_arrow(rows.slice(start, 40), label="y", score="s") for start in (0, 40, 80)]
    assert all(part.exact for part in halves)
    assert halves[0] + halves[1] + halves[2] == halves[2] + (halves[0] + halves[1]) == whole
    assert ScoreTally.from_arrow(rows.slice(0, 50), label="y", score="s").exact


def test_rounding_scores_leaves_losses_and_calibration_exact(monkeypatch):
    from nbdeploy.stats.metrics import values

    random = np.random.default_rng(1)
    rows = pa.table({"y": random.integers(0, 2, 300), "s": random.random(300)})
    exact = ScoreTally.from_arrow(rows, label="y", score="s")
    monkeypatch.setattr(scores_module, "EXACT_SCORES", 10)
    rounded = ScoreTally.from_arrow(rows, label="y", score="s")
    for metric in ("brier_score", "log_loss", "expected_calibration_error"):
        assert values(rounded, metric) == pytest.approx(values(exact, metric), abs=1e-12)
    assert values(rounded, "roc_auc") == pytest.approx(values(exact, "roc_auc"), abs=1e-3)


def test_a_table_tells_all_counts_but_those_that_are_hidden():
    counts = np.array([[[3, 20], [40, 50]], [[60, 70], [80, 0]]])
    tally = ClassTally(("sex",), (("f",), ("m",)), (0, 1), counts)
    table = tally.to_table(5, {(0, 0, 0), (1, 1, 1)})
    told = {(cell.group["sex"], cell.label, cell.predicted): cell.n for cell in table.cells}
    assert told["f", 0, 0] is None
    assert told["m", 1, 1] is None, "a hidden cell may be empty"
    assert (table.rows, table.suppressed_below, len(told)) == (323, 5, 8)
    assert sum(cell.n or 0 for cell in tally.to_table().cells) == 323
    assert len(tally.to_table().cells) == 7


def test_a_scaled_tally_keeps_every_share():
    from nbdeploy.stats.metrics import values

    rows = table([("f", 1, i % 2, int(i % 3 == 0), i / 20, i, i + i % 4) for i in range(20)])
    for count, metric in ((classes, "accuracy"), (scores, "roc_auc"), (scores, "log_loss"), (errors, "r2")):
        tally = count(rows, ())
        assert values(tally.scaled(2.5), metric) == pytest.approx(values(tally, metric))
        assert tally.scaled(2.5).rows == 50


def test_a_row_of_weight_three_counts_as_three_rows():
    columns = {"sex": ["f", "m", "m"], "y": [0, 1, 1], "p": [0, 1, 0], "w": [3.0, 1.0, 0.0]}
    weighted = ClassTally.from_arrow(columns, label="y", predicted="p", features=["sex"], weight="w")
    repeated = {"sex": ["f", "f", "f", "m"], "y": [0, 0, 0, 1], "p": [0, 0, 0, 1]}
    assert weighted == ClassTally.from_arrow(repeated, label="y", predicted="p", features=["sex"])
    assert weighted.counts.dtype == np.int64


def test_weights_that_are_not_whole_stay_as_they_are():
    columns = {"y": [0, 1, 1], "p": [0, 1, 1], "w": [0.5, 0.25, 1.0]}
    tally = ClassTally.from_arrow(columns, label="y", predicted="p", weight="w")
    assert tally.counts.tolist() == [[[0.5, 0.0], [0.0, 1.25]]]


@pytest.mark.parametrize(("weight", "said"), [(-1.0, "below 0"), (None, "missing"), (float("inf"), "not finite")])
def test_a_weight_that_is_none_is_refused(weight, said):
    columns = {"y": [0, 1], "p": [0, 1], "w": [1.0, weight]}
    with pytest.raises(DataError, match=said):
        ClassTally.from_arrow(columns, label="y", predicted="p", weight="w")


def test_counts_survive_being_bytes():
    columns = {"sex": ["f", None, "m"], "y": [0, 1, 1], "p": [0, 1, 0]}
    tally = ClassTally.from_arrow(columns, label="y", predicted="p", features=["sex"])
    assert ClassTally.from_bytes(tally.to_bytes()) == tally
    assert ClassTally.from_bytes(tally.to_bytes()) + tally == tally + tally


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda data: data[:0], id="empty"),
        pytest.param(lambda data: data[:-40], id="cut off"),
        pytest.param(lambda data: data.replace(b"classes", b"klasses"), id="of another kind"),
    ],
)
def test_bytes_that_are_no_tally_are_refused(spoil):
    data = ClassTally.from_arrow({"y": [0, 1], "p": [0, 1]}, label="y", predicted="p").to_bytes()
    with pytest.raises(FormatError):
        ClassTally.from_bytes(spoil(data))


def test_scores_far_off_the_unit_interval_round_to_as_many_digits(monkeypatch):
    """Else a margin of a million would need as many grid points as there are rows."""
    random = np.random.default_rng(3)
    rows = pa.table({"y": random.integers(0, 2, 300), "s": random.normal(0, 1e6, 300)})
    monkeypatch.setattr(scores_module, "EXACT_SCORES", 50)
    whole = ScoreTally.from_arrow(rows, label="y", score="s")
    parts = [ScoreTally.from_arrow(rows.slice(start, 100), label="y", score="s") for start in (200, 0, 100)]
    assert parts[0] + parts[1] + parts[2] == whole
    assert not whole.exact
    assert whole.score == pytest.approx(np.unique(rows["s"].to_numpy()), rel=2.0**-16, abs=0)
    many = on_grid(random.uniform(2**20, 2**21, 400_000), 16, unit=True)
    assert len(np.unique(many)) == 2**15 + 1


def test_any_split_of_weighted_rows_gives_the_same_tally():
    random = np.random.default_rng(5)
    n = 200
    columns = {
        "g": random.choice(["a", "b", "c"], n),
        "y": random.integers(0, 2, n),
        "p": random.integers(0, 2, n),
        "s": random.random(n).round(2),
        "t": random.normal(1e4, 3, n),
        "q": random.normal(1e4, 3, n),
        "w": random.choice([0.0, 0.5, 1.0, 2.25], n),
    }
    rows = pa.table(columns)
    by = {"features": ["g"], "weight": "w"}
    for count in (
        lambda part: ClassTally.from_arrow(part, label="y", predicted="p", **by),
        lambda part: ScoreTally.from_arrow(part, label="y", score="s", **by),
        lambda part: ErrorTally.from_arrow(part, label="t", predicted="q", **by),
    ):
        whole = count(rows)
        assert count(rows.slice(120)) + count(rows.slice(0, 120)) == whole == count(rows.to_batches(max_chunksize=7))
        assert whole.rows == round(columns["w"].sum())


def test_a_weight_counts_as_so_many_equal_rows_in_every_tally():
    random = np.random.default_rng(6)
    n = 60
    rows = pa.table({"y": random.integers(0, 2, n), "s": random.random(n), "w": random.integers(0, 4, n)})
    repeated = rows.take(pa.array(np.repeat(np.arange(n), rows["w"].to_numpy())))
    assert ScoreTally.from_arrow(rows, label="y", score="s", weight="w") == ScoreTally.from_arrow(
        repeated, label="y", score="s"
    )
    assert ErrorTally.from_arrow(rows, label="y", predicted="s", weight="w") == ErrorTally.from_arrow(
        repeated, label="y", predicted="s"
    )


def test_a_row_of_weight_nought_makes_no_loss_undefined():
    columns = {"y": [0, 1, 1], "s": [0.2, 0.7, 9.0], "w": [1, 1, 0]}
    assert np.isfinite(ScoreTally.from_arrow(columns, label="y", score="s", weight="w").losses).all()


@pytest.mark.parametrize("count", [classes, scores, errors])
@given(rows=ROWS)
@settings(max_examples=20, deadline=None)
def test_every_tally_survives_being_bytes(count, rows):
    tally = count(table(rows))
    assert type(tally).from_bytes(tally.to_bytes()) == tally
    assert type(tally).from_bytes(tally.to_bytes()) + tally == tally + tally


@pytest.mark.parametrize("count", [scores, errors])
def test_bytes_of_one_tally_are_not_another(count):
    rows = table([("f", 1, 0, 1, 0.5, 1e6, 1e6), ("m", 1, 1, 1, 0.25, 1e6, 1e6)])
    data = count(rows).to_bytes()
    with pytest.raises(FormatError, match="a tally of"):
        ClassTally.from_bytes(data)
    with pytest.raises(FormatError):
        type(count(rows)).from_bytes(data[:-64])


def test_quantiles_of_few_errors_are_those_of_the_rows():
    random = np.random.default_rng(7)
    rows = pa.table({"g": np.arange(999) % 3, "y": np.zeros(999), "p": random.standard_t(2, 999)})
    tally = ErrorTally.from_arrow(rows, label="y", predicted="p", features=["g"])
    shares = [0, 0.05, 0.25, 1 / 3, 0.5, 100 / 333, 0.95, 1]
    for index in range(3):
        mine = rows["p"].to_numpy()[index::3]
        expected = np.quantile(mine, shares, method="inverted_cdf")
        for found in tally.quantiles(index, shares):
            assert found.tolist() == expected.tolist()


def test_quantiles_of_many_errors_lie_between_their_bounds(monkeypatch):
    monkeypatch.setattr(errors_module, "EXACT_ERRORS", 100)
    random = np.random.default_rng(8)
    rows = pa.table({"y": np.zeros(50_000), "p": np.exp(random.normal(0, 3, 50_000)) * random.choice([-1, 1], 50_000)})
    whole = ErrorTally.from_arrow(rows, label="y", predicted="p")
    parts = [
        ErrorTally.from_arrow(rows.slice(start, 20_000), label="y", predicted="p") for start in (40_000, 0, 20_000)
    ]
    assert parts[0] + parts[1] + parts[2] == whole
    assert not whole.exact
    ranks = np.arange(250, 50_001, 250)
    values, low, high = whole.quantiles(0, ranks / 50_000)
    expected = np.sort(rows["p"].to_numpy())[ranks - 1]
    assert (low <= expected).all()
    assert (expected <= high).all()
    assert values == pytest.approx(expected, rel=2.0**-10)
    assert len(whole.error) < 25_000


def test_quantiles_of_no_rows_are_undefined():
    assert np.isnan(errors(table([]), ()).quantiles(0, [0.5])).all()
