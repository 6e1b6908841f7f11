"""What an answer means: by names, by the model's own classes, or not at all; never by the place of a column alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nbdeploy.errors import ModelError
from nbdeploy.validate.subject.answering import Answering
from nbdeploy.validate.subject.makes import columns_of

YES = np.array([0.9, 0.2, 0.6])
BOTH = np.column_stack([1 - YES, YES])


def read(declare, answer, labels=(0, 1), classes=None, **objective):
    """Return the score and the decision of an answer to three rows."""
    reading = Answering(declare(**({"threshold": None} | objective)), classes, lambda: labels)
    columns = columns_of(answer, 3)
    score = reading.score(columns)
    return None if score is None else score.tolist(), reading


@pytest.mark.parametrize(
    ("answer", "objective"),
    [
        (pd.DataFrame({"1": YES, "0": 1 - YES}), {}),
        (pd.DataFrame({"0": 1 - YES, "1": YES}), {}),
        (pd.DataFrame({0: 1 - YES, 1: YES}), {}),
        (BOTH, {}),
        (pd.DataFrame({"id": [7, 8, 9], "probability": YES}), {"threshold": 0.5}),
        (pd.DataFrame({"label": [1, 0, 1], "risk": YES}), {"score": "risk"}),
        ([{"risk": one} for one in YES], {"score": "risk"}),
        (pd.Series(YES, index=[7, 8, 9]), {"score": "predict", "threshold": 0.5}),
        ({"label": np.array([1, 0, 1]), "probabilities": BOTH}, {"score": "probabilities"}),
        (YES[:, None], {"threshold": 0.5}),
    ],
)
def test_the_score_is_of_the_positive_class_however_the_answer_is_shaped(declare, answer, objective):
    assert read(declare, answer, **objective)[0] == pytest.approx(YES.tolist())


def test_the_positive_class_may_be_either(declare):
    assert read(declare, BOTH, positive=0)[0] == pytest.approx((1 - YES).tolist())
    texts = pd.DataFrame({"accept": YES, "reject": 1 - YES})
    assert read(declare, texts, ("accept", "reject"), positive="accept")[0] == pytest.approx(YES.tolist())
    assert read(declare, texts, ("accept", "reject"), positive="reject")[0] == pytest.approx((1 - YES).tolist())


def test_columns_without_names_follow_the_models_own_classes(declare):
    score, _ = read(declare, BOTH, (), np.array(["reject", "accept"]), positive="accept")
    assert score == pytest.approx(YES.tolist())


@pytest.mark.parametrize(
    ("answer", "labels", "objective", "says"),
    [
        (BOTH, ("accept", "reject"), {"positive": "accept"}, "does not say which class each is for"),
        (np.ones((3, 3)), (0, 1), {}, "3 numbers for each row"),
        (pd.DataFrame({"id": YES, "x": YES}), (0, 1), {"threshold": 0.5}, "columns 'id', 'x'; none is named as the sc"),
        (np.array(list("abc")), (0, 1), {"score": "predict", "threshold": 0.5}, "'a', where scores are asked for"),
    ],
)
def test_what_cannot_be_told_is_refused_and_not_guessed(declare, answer, labels, objective, says):
    with pytest.raises(ModelError, match=says):
        read(declare, answer, labels, **objective)


@pytest.mark.parametrize("answer", [np.array([1, 0, 1]), np.array(["1", "0", "1"]), np.array([True, False, True])])
def test_labels_are_no_scores_though_a_threshold_is_declared(declare, answer):
    score, reading = read(declare, answer, threshold=0.5)
    assert score is None
    assert reading.decision(columns_of(answer, 3)).tolist() == answer.tolist()


def test_fractions_are_no_decisions(declare):
    score, reading = read(declare, YES)
    assert score is None
    with pytest.raises(ModelError, match=r"numbers such as 0\.9, which are no decisions.*declare `score: predict`"):
        reading.decision(columns_of(YES, 3))


def test_a_class_that_is_a_fraction_is_a_decision(declare):
    _, reading = read(declare, np.array([0.5, 2, 0.5]), (0.5, 2))
    assert reading.decision(columns_of(np.array([0.5, 2, 0.5]), 3)).tolist() == [0.5, 2, 0.5]


def test_the_likeliest_of_several_classes_is_the_decision(declare):
    objective = declare(task="multiclass", threshold=None)
    chance = {"low": [0.1, 0.7, 0.2], "high": [0.6, 0.2, 0.3], "mid": [0.3, 0.1, 0.5]}
    named = Answering(objective, None, lambda: ["high", "low", "mid"])
    assert named.decision(columns_of(pd.DataFrame(chance), 3)).tolist() == ["high", "low", "mid"]
    numbered = Answering(objective, None, lambda: [0, 1, 2])
    matrix = np.column_stack([chance["low"], chance["mid"], chance["high"]])
    assert numbered.decision(columns_of(matrix, 3)).tolist() == [2, 0, 1]


def test_a_regression_answers_with_one_number_a_row(declare):
    reading = Answering(declare(task="regression", threshold=None, gates={"performance": {"mae": "<= 9"}}), None, tuple)
    answer = columns_of(pd.DataFrame({"hired": [1.5, 2, 3], "spread": YES}), 3)
    assert reading.decision(answer).tolist() == [1.5, 2, 3]
    with pytest.raises(ModelError, match="predicts 2 numbers for each row"):
        reading.decision(columns_of(BOTH, 3))


def test_the_other_class_comes_from_the_data_where_the_model_does_not_say(declare):
    assert Answering(declare(positive="accept"), None, lambda: ["reject", "accept"]).pair() == ("accept", "reject")
    assert Answering(declare(positive="accept"), np.arange(2), lambda: ["reject", "accept"]).pair() == (
        "accept",
        "reject",
    )
    assert Answering(declare(), None, tuple).pair() is None


@pytest.mark.parametrize("answer", [np.ones(2), np.ones((3, 2, 2)), pd.DataFrame(index=range(3)), {"a": np.ones(4)}])
def test_an_answer_without_a_line_for_each_row_is_none(answer):
    with pytest.raises(ValueError, match="the model answers"):
        columns_of(answer, 3)
