from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from nbdeploy.errors import DataError
from nbdeploy.validate.data.columns import LABEL, PREDICTED, SCORE
from nbdeploy.validate.data.inputs import read_dataset
from nbdeploy.validate.data.predictions import from_file, prediction_columns

ROWS = {
    "sex": list("fmfm"),
    "hired": ["no", "yes", "yes", "no"],
    "p": [0.2, 0.5, 0.4, 0.7],
    "call": ["no", "yes", "no", "yes"],
}


def predictions(declare, rows=None, **objective):
    given = declare(**({"positive": "yes", "threshold": None} | objective))
    dataset = read_dataset(pd.DataFrame(ROWS | (rows or {})), "predictions")
    return pa.Table.from_batches(from_file(given, dataset))


def test_ready_decisions_are_taken_as_they_are(declare):
    table = predictions(declare, predicted="call")
    assert table.column(PREDICTED).to_pylist() == ROWS["call"]
    assert table.column_names == [LABEL, PREDICTED, "sex"]


@pytest.mark.parametrize("named", [{"predicted": "hired"}, {"score": "hired"}])
def test_the_target_is_never_its_own_prediction(declare, named):
    with pytest.raises(DataError, match="names its target 'hired' as the prediction"):
        predictions(declare, **named)


def test_a_target_of_a_usual_name_is_not_taken_for_the_prediction(declare):
    rows = {"score": [0, 1, 1, 0], "mine": [1, 1, 0, 0]}
    table = predictions(declare, rows=rows, target="score", positive=1, predicted="mine")
    assert table.column_names == [LABEL, PREDICTED, "sex"]
    with pytest.raises(DataError, match="holds no prediction"):
        predictions(declare, rows={"predicted": [0, 1, 1, 0]}, target="predicted", positive=1)


def test_a_score_at_the_threshold_is_a_positive_decision(declare):
    table = predictions(declare, score="p", threshold=0.5)
    assert table.column(PREDICTED).to_pylist() == ["no", "yes", "no", "yes"]
    assert table.column(SCORE).to_pylist() == ROWS["p"]


def test_without_a_threshold_one_half_decides(declare):
    assert predictions(declare, score="p").column(PREDICTED).to_pylist() == ["no", "yes", "no", "yes"]


def test_a_declared_threshold_overrules_a_usual_column(declare):
    table = predictions(declare, rows={"predicted": ["no"] * 4}, score="p", threshold=0.1)
    assert table.column(PREDICTED).to_pylist() == ["yes"] * 4


def test_usual_names_are_found_where_the_objective_names_a_method(declare):
    table = predictions(declare, rows={"score": [0.9, 0.9, 0.1, 0.1]}, score="predict_proba")
    assert table.column(PREDICTED).to_pylist() == ["yes", "yes", "no", "no"]


@pytest.mark.parametrize(
    "objective",
    [
        {"score": "p", "threshold": 0},
        {"score": "p", "threshold": 2},
        {"score": "p", "predicted": "call"},
        {"score": "decision_function", "threshold": 0.5},
    ],
)
def test_scores_that_are_no_probabilities_are_taken_where_nobody_says_that_they_are(declare, objective):
    margins = [-2.5, 0.1, 0.3, 4]
    table = predictions(declare, rows={"p": margins, "score": margins}, **objective)
    assert table.column(SCORE).to_pylist() == margins


def test_a_probability_may_miss_one_by_its_rounding(declare):
    table = predictions(declare, rows={"p": [-1e-7, 0.2, 0.7, 1 + 1e-7]}, score="p")
    assert table.column(PREDICTED).to_pylist() == ["no", "no", "yes", "yes"]


def test_columns_of_the_model_are_no_evaluation_data(declare):
    objective = declare(positive="yes", score="p", threshold=0.5)
    assert prediction_columns(objective, read_dataset(pd.DataFrame(ROWS), "predictions")) == ("p",)


@pytest.mark.parametrize(
    ("objective", "rows", "says"),
    [
        ({"predicted": "cal"}, {}, "no column 'cal' .*did you mean 'call'"),
        ({"score": "predict_proba"}, {}, "holds no prediction"),
        ({"predicted": "call"}, {"call": [0, 1, 0, 1]}, "the decisions are 0, 1 while 'hired' holds 'no', 'yes'"),
        ({"predicted": "call"}, {"call": ["no", "yes", None, "yes"]}, "1 rows have no decision"),
        ({"score": "p"}, {"p": [0.1, None, 0.3, 0.4]}, "1 rows have no finite score"),
        ({"score": "p"}, {"p": [0.1, float("inf"), 0.3, 0.4]}, "1 rows have no finite score"),
        ({"score": "p"}, {"p": list("abcd")}, "which are no numbers"),
        ({"score": "p"}, {"p": [-2.5, 0.1, 0.3, 4]}, "from -2.5 to 4, so they are no probabilities"),
        (
            {"score": "p", "threshold": 0.2},
            {"p": [0.1, 0.1, 0.3, 1.001]},
            "from 0.1 to 1.001, so they are no probabilities",
        ),
    ],
)
def test_predictions_that_do_not_fit_are_one_sentence(declare, objective, rows, says):
    with pytest.raises(DataError, match=says):
        predictions(declare, rows=rows, **objective)
