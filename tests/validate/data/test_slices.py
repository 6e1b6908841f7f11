from __future__ import annotations

import pyarrow as pa
import pytest

from nbdeploy.errors import DataError, ObjectiveError
from nbdeploy.validate.data.slices import Condition, parse_slice, slice_columns, slice_mask

ROWS = pa.table({"age": [20, 65, 80, None], "sex": [1, 2, 2, 2], "home town": ["a b", "c", "a b", "c"]})


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("age >= 65", [("age", ">=", 65)]),
        ("age>=65 and sex==2", [("age", ">=", 65), ("sex", "==", 2)]),
        ("`home town` == 'a b' AND rate < 0.5", [("home town", "==", "a b"), ("rate", "<", 0.5)]),
        ('region != "and"', [("region", "!=", "and")]),
        ("active == True", [("active", "==", True)]),
        ("band == 60+", [("band", "==", "60+")]),
    ],
)
def test_slices_are_parsed(text, conditions):
    assert parse_slice(text) == tuple(Condition(*each) for each in conditions)


@pytest.mark.parametrize(
    "text", ["", "age", "age >=", "age >= 65 or sex == 2", "age >= 65 and", "__import__('os').system('x')", "age = 5"]
)
def test_anything_else_is_refused_and_never_run(text):
    with pytest.raises(ObjectiveError):
        parse_slice(text)


def test_a_missing_value_satisfies_no_condition():
    assert slice_mask("age < 100", ROWS).to_pylist() == [True, True, True, False]
    assert slice_mask("age >= 65 and sex == 2", ROWS).to_pylist() == [False, True, True, False]
    assert slice_mask("`home town` == 'a b'", ROWS).to_pylist() == [True, False, True, False]
    assert slice_columns("age >= 65 and age < 80 and sex == 2") == ("age", "sex")


@pytest.mark.parametrize("text", ["paid == true", "paid == True", "paid != false"])
def test_true_and_false_are_written_as_one_likes(text):
    assert slice_mask(text, pa.table({"paid": [True, False, None]})).to_pylist() == [True, False, False]


def test_dates_are_compared_as_dates():
    days = pa.table({"when": pa.array(["2024-01-31", "2024-02-01"]).cast(pa.timestamp("us"))})
    assert slice_mask("when >= 2024-02-01", days).to_pylist() == [False, True]
    with pytest.raises(DataError, match="holds dates and cannot be compared with 'soon'"):
        slice_mask("when >= soon", days)


@pytest.mark.parametrize(
    ("text", "says"),
    [("aged > 1", "did you mean 'age'"), ("sex == female", "cannot be compared")],
)
def test_a_slice_that_does_not_fit_the_data_is_one_sentence(text, says):
    with pytest.raises(DataError, match=says):
        slice_mask(text, ROWS)
