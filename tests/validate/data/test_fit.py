from __future__ import annotations

import pandas as pd
import pytest

from nbdeploy.errors import DataError
from nbdeploy.validate.data.fit import check_fit
from nbdeploy.validate.data.inputs import read_dataset

GOOD = {"sex": ["f", "m", "f", None], "hired": [0, 1, 1, 0], "age": [20, 30, 40, 50]}


def fit(objective, **columns):
    check_fit(objective, read_dataset(pd.DataFrame(GOOD | columns)))


def test_fitting_data_passes(declare):
    fit(declare())


@pytest.mark.parametrize(
    ("objective", "columns", "says"),
    [
        ({"target": "hire"}, {}, "no column 'hire' .the target.; did you mean 'hired'"),
        ({"sensitive": ["gender"]}, {}, "no column 'gender' .a sensitive feature."),
        ({"control": ["agee"]}, {}, "did you mean 'age'"),
        ({}, {"hired": [1, 1, 1, 1]}, "one class only, 1"),
        ({}, {"hired": [0, 1, 2, 1]}, "has 3 classes .*task is binary"),
        ({}, {"hired": ["no", "yes", "yes", "no"]}, "positive class taken as 1 does not occur"),
        ({"positive": "Yes"}, {"hired": ["no", "yes", "yes", "no"]}, "did you mean 'yes'"),
        ({"favourable": 3}, {}, "favourable class declared 3 does not occur"),
        ({}, {"hired": [0, 1, None, 1]}, "1 of 4 rows have no value in the target"),
        (
            {"task": "regression", "threshold": None},
            {"hired": list("abcd")},
            "of a regression holds texts, not numbers",
        ),
        (
            {"gates": {"fairness": {"accuracy": {"min": 0.5, "group": {"sex": "x"}}}}},
            {},
            "no row is in the group sex=x",
        ),
        (
            {"gates": {"fairness": {"accuracy": {"min": 0.5, "group": {"sex": 1}}}}},
            {"sex": ["1", "2", "1", "2"]},
            r"in the group \[1\], and some are in \['1'\]. Next: write the value as the data holds it",
        ),
        ({"gates": {"fairness": {"accuracy": {"min": 0.5, "group": {"region": "x"}}}}}, {}, "no column 'region'"),
        ({"gates": {"performance": {"recall": {"min": 0.5, "slice": "age > 90"}}}}, {}, "no row lies in the slice"),
    ],
)
def test_data_that_does_not_fit_is_refused_before_anything_runs(declare, objective, columns, says):
    with pytest.raises(DataError, match=says):
        fit(declare(**objective), **columns)


def test_a_missing_value_is_a_group_that_a_gate_may_name(declare):
    fit(declare(gates={"fairness": {"accuracy": {"min": 0.5, "group": {"sex": "(missing)"}}}}))


def test_a_crossed_group_must_occur_as_a_whole(declare):
    gates = {"fairness": {"accuracy": {"min": 0.5, "group": {"sex": "m", "age": 20}}}}
    with pytest.raises(DataError, match=r"groups there are: .*sex=f, age=20"):
        fit(declare(gates=gates))


def test_a_measurement_is_no_sensitive_feature(declare):
    rows = pd.DataFrame({"hired": [0, 1] * 300, "sex": range(600)})
    with pytest.raises(DataError, match="600 different values"):
        check_fit(declare(), read_dataset(rows))
