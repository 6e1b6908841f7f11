from __future__ import annotations

import numpy as np
import pandas as pd

from nbdeploy.validate.subject.signature import fitted


def test_types_change_where_nothing_is_lost():
    rows = pd.DataFrame({"a": [1, 2], "b": [3.0, 4.0], "c": pd.Categorical(["x", "y"]), "d": [0.5, 1.5]})
    found = fitted(rows, ("double", "long", "string", "float"))
    assert [str(kind) for kind in found.dtypes] == ["float64", "int64", "object", "float32"]
    assert found["c"].tolist() == ["x", "y"]


def test_what_would_be_lost_stays_for_the_model_to_refuse():
    rows = pd.DataFrame({"half": [0.5, 1.0], "gap": [1.0, np.nan], "large": [1e300, 1.0], "text": ["1", "2"]})
    found = fitted(rows, ("long", "long", "integer", "double"))
    pd.testing.assert_frame_equal(found, rows)


def test_rows_that_fit_are_not_copied():
    rows = pd.DataFrame({"a": [1.0], "b": ["x"], "c": [True]})
    assert fitted(rows, ("double", "string", "boolean")) is rows


def test_a_matrix_has_one_type_for_all_of_its_columns():
    rows = pd.DataFrame({"a": [1, 2], "b": [3.0, 4.0]})
    assert [str(kind) for kind in fitted(rows, ("float32", "float32")).dtypes] == ["float32", "float32"]
