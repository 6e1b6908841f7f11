"""Models of other makes, and a model in an environment of its own: real libraries, real processes."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbdeploy.errors import ModelError
from nbdeploy.validate import own_environment
from nbdeploy.validate.inputs import read_dataset
from nbdeploy.validate.model import LoadedModel
from nbdeploy.validate.order import Inputs
from nbdeploy.validate.own_environment import differences, environment_for
from nbdeploy.validate.prepare import prepare

FEATURES = ["age", "dose"]


@pytest.fixture(scope="module")
def patients():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"age": rng.normal(50, 9, 400), "dose": rng.uniform(0, 4, 400)})
    frame["hired"] = (frame["age"] / 20 + frame["dose"] + rng.normal(0, 0.5, 400) > 4.6).astype(int)
    frame["sex"] = rng.choice(["f", "m"], 400)
    return frame


@pytest.fixture
def save(tmp_path):
    """Save a model with an MLflow flavour, quietly."""

    def saved(flavor, model, shown=None, **options):
        if shown is not None:
            from mlflow.models import infer_signature

            options["signature"] = infer_signature(shown)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow warns of pickles and of type hints
            import importlib

            importlib.import_module(f"mlflow.{flavor}").save_model(model, path=tmp_path / flavor, **options)
        return tmp_path / flavor

    return saved


def held_to(loaded, frame, probability):
    """The model's scores are the library's own."""
    assert loaded.score(frame) == pytest.approx(probability, abs=1e-6)
    assert (loaded.decide(frame) == (probability >= 0.5)).all()


def test_xgboost_with_scikit_learns_methods(save, patients, declare):
    import xgboost

    model = xgboost.XGBClassifier(n_estimators=8).fit(patients[FEATURES], patients["hired"])
    folder = save("xgboost", model, pip_requirements=["xgboost-cpu"])
    held_to(LoadedModel(folder, declare()), patients, model.predict_proba(patients[FEATURES])[:, 1])


def test_a_bare_xgboost_booster_scores_by_its_predictions(save, patients, declare):
    import xgboost

    matrix = xgboost.DMatrix(patients[FEATURES], patients["hired"])
    booster = xgboost.train({"objective": "binary:logistic"}, matrix, num_boost_round=8)
    folder = save("xgboost", booster, patients[FEATURES], pip_requirements=["xgboost-cpu"])
    loaded = LoadedModel(folder, declare(score="predict", threshold=0.5))
    assert loaded.score(patients) == pytest.approx(booster.predict(matrix), abs=1e-6)


def test_lightgbm_and_its_booster(save, patients, declare):
    import lightgbm

    model = lightgbm.LGBMClassifier(n_estimators=8, verbose=-1).fit(patients[FEATURES], patients["hired"])
    probability = model.predict_proba(patients[FEATURES])[:, 1]
    folder = save("lightgbm", model, pip_requirements=["lightgbm"])
    held_to(LoadedModel(folder, declare()), patients, probability)
    folder = folder.rename(folder.with_name("wrapped"))
    booster = LoadedModel(
        save("lightgbm", model.booster_, patients[FEATURES], pip_requirements=["lightgbm"]),
        declare(score="predict", threshold=0.5),
    )
    assert booster.score(patients) == pytest.approx(probability, abs=1e-6)


def test_onnx_names_the_output_that_scores(save, patients, declare):
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(patients[FEATURES].to_numpy(np.float32), patients["hired"])
    onnx = convert_sklearn(
        model, initial_types=[("rows", FloatTensorType([None, 2]))], options={id(model): {"zipmap": False}}
    )
    folder = save("onnx", onnx, pip_requirements=["onnxruntime"])
    loaded = LoadedModel(folder, declare(score="probabilities", threshold=0.5))
    expected = model.predict_proba(patients[FEATURES].to_numpy(np.float32))[:, 1]
    assert loaded.score(patients[FEATURES].astype(np.float32)) == pytest.approx(expected, abs=1e-5)


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    """An environment with an older scikit-learn: its own packages first, all else from ours."""
    folder = tmp_path_factory.mktemp("older")
    place = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    inside = next((place / "lib").glob("python*")) / "site-packages"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*install, "--target", str(inside), "scikit-learn==1.7.2"], check=True, capture_output=True)
    (inside / "ours.pth").write_text(str(Path(np.__file__).parents[1]))
    return place / "bin" / "python"


TRAIN = """
import sys, warnings, pandas as pd
warnings.simplefilter("ignore")
import sklearn, mlflow.sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.linear_model import LogisticRegression
rows = pd.read_csv(sys.argv[1])
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows[["age", "dose"]], rows["hired"])
mlflow.sklearn.save_model(model, sys.argv[2], serialization_format="cloudpickle",
                          pip_requirements=[f"scikit-learn=={sklearn.__version__}"])
pd.Series(model.predict_proba(rows[["age", "dose"]])[:, 1]).to_csv(sys.argv[3], index=False)
"""


@pytest.fixture(scope="module")
def old_model(older, patients, tmp_path_factory):
    folder = tmp_path_factory.mktemp("old-model")
    patients.to_csv(folder / "rows.csv", index=False)
    arguments = [folder / "rows.csv", folder / "model", folder / "scores.csv"]
    subprocess.run([older, "-c", TRAIN, *map(str, arguments)], check=True, capture_output=True)
    return folder / "model", pd.read_csv(folder / "scores.csv").iloc[:, 0].to_numpy()


def test_a_model_of_an_older_scikit_learn_differs_by_name(old_model):
    (told,) = differences(old_model[0])
    assert told.startswith("scikit-learn==1.7.2 while ")


def test_it_answers_in_its_own_environment_as_it_did_there(old_model, older, patients, declare, tmp_path):
    folder, expected = old_model
    model = LoadedModel(folder, declare(), older)
    held_to(model, patients, expected)
    assert model.estimator is None
    assert model.features == tuple(FEATURES)
    inputs = Inputs(evaluation=read_dataset(patients))
    workspace = prepare(tmp_path / "w", declare(), inputs, model_folder=folder, python=older)
    assert workspace.held("predictions").column("__score__").to_pylist() == pytest.approx(expected.tolist())
    assert workspace.scored["python"] == str(older)


def test_a_model_that_cannot_answer_elsewhere_is_one_sentence(old_model, older, patients, declare):
    model = LoadedModel(old_model[0], declare(), older)
    rows = patients.assign(age="old")
    with pytest.raises(ModelError, match=r"loads and does not answer \(ValueError: "):
        model.score(rows)
    held_to(model, patients, old_model[1])  # one bad question harms no other
    model._model._process.kill()
    with pytest.raises(ModelError, match="its process ended"):
        model.score(patients)


def test_here_is_kept_where_asked_for_and_where_nothing_differs(old_model, save, patients, tmp_path):
    from sklearn.linear_model import LogisticRegression

    assert environment_for(old_model[0], "here", tmp_path).python is None
    model = LogisticRegression().fit(patients[FEATURES], patients["hired"])
    folder = save("sklearn", model, pip_requirements=["scikit-learn"], serialization_format="cloudpickle")
    assert environment_for(folder, "auto", tmp_path).python is None


def test_an_interpreter_that_is_not_there_is_refused(old_model, tmp_path):
    with pytest.raises(ModelError, match="there is no Python at /nowhere"):
        environment_for(old_model[0], "/nowhere", tmp_path)


def test_a_foreign_index_is_not_followed(old_model, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "requirements.txt").write_text("--extra-index-url https://example.org\nscikit-learn==0.1.2\n")
    with pytest.raises(ModelError, match="--extra-index-url"):
        environment_for(folder, "auto", tmp_path / "cache")


def test_an_environment_that_cannot_be_made_says_why_and_leaves_nothing_to_trust(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "requirements.txt").write_text("scikit-learn==0.0.0.1\n")
    with pytest.raises(ModelError, match=r"could not be made \(ERROR"):
        environment_for(folder, "auto", tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*/complete"))


@pytest.mark.parametrize(
    ("asked", "here", "same"),
    [
        ("scikit-learn==1.9.0", "1.9.3", True),
        ("scikit-learn==1.8.0", "1.9.0", False),
        ("scikit-learn>=2", "1.9", False),
    ],
)
def test_another_patch_is_no_other_environment(asked, here, same, tmp_path, monkeypatch):
    monkeypatch.setattr(own_environment, "version", lambda _: here)
    (tmp_path / "requirements.txt").write_text(asked)
    assert (differences(tmp_path) == ()) is same
