from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from nbdeploy.errors import DataError, ModelError
from nbdeploy.validate.data.columns import PREDICTED, SCORE
from nbdeploy.validate.data.inputs import read_dataset
from nbdeploy.validate.prepare import Inputs, prepare
from nbdeploy.validate.subject.model import LoadedModel


@pytest.fixture
def rows(people):
    return people.assign(age=np.linspace(20, 60, len(people)))[["score", "age", "sex", "region", "hired"]]


@pytest.fixture
def save(tmp_path):
    def write(estimator, frame=None, name="model"):
        import mlflow
        from mlflow.models import infer_signature

        signature = None if frame is None else infer_signature(frame, estimator.predict(frame))
        folder = tmp_path / name
        with warnings.catch_warnings():
            # mlflow warns of integer columns and of pickles; neither is what is tested here
            warnings.simplefilter("ignore")
            mlflow.sklearn.save_model(
                estimator,
                folder,
                signature=signature,
                pip_requirements=["scikit-learn"],
                serialization_format="cloudpickle",
            )
        return folder

    return write


@pytest.fixture
def folder(rows, save):
    inputs = rows[["score", "age"]]
    return save(LogisticRegression().fit(inputs, rows["hired"]), inputs)


def test_a_classifier_scores_the_positive_class_and_the_threshold_decides(declare, rows, folder):
    model = LoadedModel(folder, declare(threshold=0.3))
    own = model.estimator.predict_proba(rows[["score", "age"]])[:, 1]
    assert model.features == ("score", "age")
    assert model.score(rows) == pytest.approx(own)
    assert (model.decide(rows) == (own >= 0.3)).all()


def test_the_positive_class_may_be_the_first(declare, rows, save):
    labels = np.where(rows["hired"] == 1, "accept", "reject")
    model = LoadedModel(save(LogisticRegression().fit(rows[["score"]], labels)), declare(positive="accept"))
    assert np.corrcoef(model.score(rows), rows["score"])[0, 1] > 0.9
    assert set(model.decide(rows)) == {"accept", "reject"}


def test_a_regression_answers_numbers(declare, rows, save):
    model = LoadedModel(
        save(LinearRegression().fit(rows[["score"]], rows["age"])), declare(task="regression", target="age")
    )
    assert model.score(rows) is None
    assert model.decide(rows).dtype == float


def test_scoring_in_a_process_of_its_own_writes_the_predictions(declare, rows, folder, tmp_path):
    workspace = prepare(
        tmp_path / "workspace", declare(threshold=0.5), Inputs(evaluation=read_dataset(rows)), model_folder=folder
    )
    table = workspace.held("predictions")
    model = LoadedModel(folder, declare())
    assert table.column(SCORE).to_pylist() == pytest.approx(model.score(rows).tolist())
    assert table.column(PREDICTED).to_pylist() == model.decide(rows).tolist()
    assert workspace.scored["features"] == ["score", "age"]
    assert workspace.scored["flavor"] == "sklearn"


@pytest.mark.parametrize(
    ("objective", "says"),
    [
        ({"positive": 2}, "positive class is 2"),
        ({"score": "decision_function_"}, None),  # a column's name, not a method
    ],
)
def test_classes_that_do_not_match_are_one_sentence(declare, rows, folder, objective, says):
    model = LoadedModel(folder, declare(**objective))
    if says is None:
        assert model.score(rows) is not None
        return
    with pytest.raises(ModelError, match=says):
        model.score(rows)


def test_a_method_that_the_model_lacks_is_named(declare, rows, save):
    from sklearn.svm import LinearSVC

    model = LoadedModel(save(LinearSVC().fit(rows[["score"]], rows["hired"])), declare(score="predict_proba"))
    with pytest.raises(ModelError, match="no such method"):
        model.score(rows)


def test_a_missing_input_column_is_named(declare, rows, folder):
    with pytest.raises(ModelError, match="wants a column 'age' that the data does not have; did you mean 'ages'"):
        LoadedModel(folder, declare()).score(rows.rename(columns={"age": "ages"}))


def test_a_folder_without_a_model_is_one_sentence(declare, tmp_path):
    with pytest.raises(ModelError, match="no MLmodel file"):
        LoadedModel(tmp_path, declare())


def test_a_model_that_will_not_load_is_one_sentence(declare, rows, folder, tmp_path):
    (folder / "model.pkl").write_bytes(b"garbage")
    with pytest.raises(ModelError, match="does not load") as caught:
        prepare(tmp_path / "workspace", declare(), Inputs(evaluation=read_dataset(rows)), model_folder=folder)
    assert "\n" not in str(caught.value)


class Crashing(LogisticRegression):
    """Takes its process down, as a fault in native code does."""

    def predict_proba(self, X):  # noqa: ARG002, N803 - as scikit-learn declares it
        import os

        os.kill(os.getpid(), 11)


def test_a_model_that_takes_its_process_down_is_one_sentence(declare, rows, save, tmp_path):
    import cloudpickle

    here = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(here)
    try:
        folder = save(Crashing().fit(rows[["score"]], rows["hired"]))
    finally:
        cloudpickle.unregister_pickle_by_value(here)
    with pytest.raises(ModelError, match=r"died .signal 11."):
        prepare(tmp_path / "workspace", declare(), Inputs(evaluation=read_dataset(rows)), model_folder=folder)


def test_evaluation_data_needs_a_model(declare, rows, tmp_path):
    with pytest.raises(DataError, match="needs a model"):
        prepare(tmp_path / "workspace", declare(), Inputs(evaluation=read_dataset(rows)))
