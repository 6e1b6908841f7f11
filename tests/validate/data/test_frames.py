"""DataFrames as people hold them in a notebook."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from nbdeploy.errors import DataError
from nbdeploy.validate.data.inputs import Dataset, read_dataset


def whole(dataset: Dataset) -> dict[str, list[object]]:
    return pa.Table.from_batches(dataset.batches(), dataset.source.schema).to_pydict()


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "has the column 'a' twice"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "has the column '1' twice"),
        (pd.DataFrame({"m": [1, "a"]}), r"the column 'm' .* of several kinds \(int, str\).*astype\('string'\)"),
        (pd.DataFrame({"m": [1j, 2j]}), "the column 'm' .* holds complex values"),
        (pd.DataFrame({"m": [2**70, 1]}), "the column 'm' .* holds int values"),
        (pd.DataFrame({"m": [[1], [2]]}), "the column 'm' .* holds list"),
        (pd.DataFrame({"m": [{"a": 1}, {"a": 2}]}), "the column 'm' .* holds struct"),
        (pd.DataFrame({"m": pd.cut([1, 2, 3], 2)}), "the column 'm' .* holds intervals"),
        (pd.DataFrame({"m": pd.interval_range(0, 3)}), "the column 'm' .* holds intervals"),
    ],
)
def test_a_column_that_no_table_can_hold_is_named(frame, says):
    with pytest.raises(DataError, match=says) as refused:
        read_dataset(frame, "train")
    assert "the DataFrame for train" in str(refused.value)


def test_what_is_advised_for_a_column_of_several_kinds_and_for_intervals_is_then_read():
    frame = pd.DataFrame({"mixed": [1, "a", None], "band": pd.cut([1, 5, np.nan], 2)})
    for name in frame.columns:
        frame[name] = frame[name].astype("string")
    assert whole(read_dataset(frame)) == {"mixed": ["1", "a", None], "band": ["(0.996, 3.0]", "(3.0, 5.0]", None]}


@pytest.mark.parametrize("given", [np.ones((2, 2)), pd.Series([1, 2]), {"a": [1]}, [1, 2], lambda: 1])
def test_what_has_no_columns_is_refused_by_its_type(given):
    with pytest.raises(DataError, match=f"for train is of the type '{type(given).__name__}'"):
        read_dataset(given, "train")


def test_sparse_columns_are_written_out():
    frame = pd.get_dummies(pd.Series(["a", "b"]), sparse=True)
    frame[3] = pd.arrays.SparseArray([1.0, 0.0])
    assert whole(read_dataset(frame)) == {"a": [True, False], "b": [False, True], "3": [1.0, 0.0]}


def test_periods_are_texts():
    frame = pd.DataFrame({"month": pd.PeriodIndex(["2024-01", None], freq="M")})
    assert whole(read_dataset(frame)) == {"month": ["2024-01", None]}


def test_a_column_that_is_the_index_is_told_so():
    dataset = read_dataset(pd.DataFrame({"sex": ["f", "m"], "y": [0, 1]}).set_index("sex"))
    assert dataset.columns == ("y",)
    with pytest.raises(DataError, match=r"has 'sex' \(a sensitive feature\) as its index.*reset_index\(\)"):
        dataset.require(["sex"], "a sensitive feature")


def test_a_table_of_another_library_is_read_through_arrow():
    class Foreign:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return pa.table({"a": [1, 2]}).__arrow_c_stream__(requested_schema)

    assert whole(read_dataset(Foreign())) == {"a": [1, 2]}
