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
from nbdeploy.validate.data.inputs import read_dataset
from nbdeploy.validate.given import Given
from nbdeploy.validate.order import Inputs
from nbdeploy.validate.prepare import prepare
from nbdeploy.validate.subject.model import LoadedModel
from nbdeploy.validate.subject.own_environment import differences, environment_for

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

            given = () if model is None else (model,)
            importlib.import_module(f"mlflow.{flavor}").save_model(*given, path=tmp_path / flavor, **options)
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


def test_a_bare_xgboost_booster_tells_by_its_own_objective_what_it_scores(save, patients, declare):
    import xgboost

    matrix = xgboost.DMatrix(patients[FEATURES], patients["hired"])
    booster = xgboost.train({"objective": "binary:logistic"}, matrix, num_boost_round=8)
    folder = save("xgboost", booster, patients[FEATURES], pip_requirements=["xgboost-cpu"])
    held_to(LoadedModel(folder, declare(threshold=None)), patients, booster.predict(matrix))
    texts = declare(positive="yes", score="predict", threshold=0.5)
    named = LoadedModel(folder, texts, labels=lambda: ["no", "yes"])
    assert named.score(patients) == pytest.approx(booster.predict(matrix), abs=1e-6)
    assert set(named.decide(patients)) == {"no", "yes"}


def test_a_booster_of_several_classes_gives_the_likeliest(save, patients, declare):
    import xgboost

    rows = patients.assign(level=np.digitize(patients["dose"], [1.3, 2.6]))
    matrix = xgboost.DMatrix(rows[FEATURES], rows["level"])
    settings = {"objective": "multi:softprob", "num_class": 3}
    folder = save("xgboost", xgboost.train(settings, matrix, num_boost_round=4), pip_requirements=["xgboost-cpu"])
    objective = declare(
        task="multiclass", target="level", threshold=None, gates={"performance": {"accuracy": ">= 0.5"}}
    )
    loaded = LoadedModel(folder, objective)
    assert (loaded.decide(rows) == rows["level"]).mean() > 0.97
    assert loaded.probabilities(rows).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_boosted_regression_is_asked_for_its_own_columns_only(save, patients, declare):
    import xgboost

    model = xgboost.XGBRegressor(n_estimators=4).fit(patients[FEATURES], patients["hired"])
    folder = save("xgboost", model, pip_requirements=["xgboost-cpu"])
    gates = {"performance": {"mae": "<= 1"}}
    loaded = LoadedModel(folder, declare(task="regression", threshold=None, gates=gates))
    assert loaded.decide(patients) == pytest.approx(model.predict(patients[FEATURES]))


def test_lightgbm_and_its_booster(save, patients, declare):
    import lightgbm

    model = lightgbm.LGBMClassifier(n_estimators=8, verbose=-1).fit(patients[FEATURES], patients["hired"])
    probability = model.predict_proba(patients[FEATURES])[:, 1]
    folder = save("lightgbm", model, pip_requirements=["lightgbm"])
    held_to(LoadedModel(folder, declare()), patients, probability)
    folder = folder.rename(folder.with_name("wrapped"))
    booster = LoadedModel(
        save("lightgbm", model.booster_, patients[FEATURES], pip_requirements=["lightgbm"]),
        declare(threshold=None),
    )
    held_to(booster, patients, probability)


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


@pytest.mark.parametrize("zipmap", [True, False])
def test_onnx_tells_its_classes_by_their_names(save, patients, declare, zipmap):
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.linear_model import LogisticRegression

    texts = np.where(patients["hired"] == 1, "accept", "reject")
    model = LogisticRegression().fit(patients[FEATURES].to_numpy(np.float32), texts)
    wanted = {id(model): {"zipmap": zipmap}}
    onnx = convert_sklearn(model, initial_types=[("rows", FloatTensorType([None, 2]))], options=wanted)
    folder = save("onnx", onnx, pip_requirements=["onnxruntime"])
    loaded = LoadedModel(folder, declare(positive="accept", threshold=None))
    rows = patients[FEATURES]
    assert loaded.score(rows) == pytest.approx(model.predict_proba(rows.to_numpy(np.float32))[:, 0], abs=1e-5)
    assert loaded.decide(rows).tolist() == model.predict(rows.to_numpy(np.float32)).tolist()


@pytest.fixture
def wrapped(save):
    """Save a function of rows as MLflow's pyfunc."""

    def saved(answer, shown):
        import cloudpickle
        from mlflow.pyfunc import PythonModel

        with warnings.catch_warnings(record=True):  # MLflow asks for type hints, past any filter

            class Function(PythonModel):
                def predict(self, context, model_input, params=None):  # noqa: ARG002 - as MLflow declares it
                    return answer(model_input)

        here = sys.modules[__name__]
        cloudpickle.register_pickle_by_value(here)
        try:
            return save("pyfunc", None, shown, python_model=Function(), pip_requirements=["pandas"])
        finally:
            cloudpickle.unregister_pickle_by_value(here)

    return saved


def chance(rows):
    """A rule that scores without being fitted."""
    return 1 / (1 + np.exp(4.6 - rows["age"] / 20 - rows["dose"]))


def by_class(rows):
    return pd.DataFrame({"1": chance(rows), "0": 1 - chance(rows)})


@pytest.mark.parametrize("given", [(chance, {"score": "predict"}), (by_class, {"threshold": None})])
def test_a_function_of_rows_decides_in_notebooks_as_it_did_when_it_was_scored(
    wrapped, patients, declare, tmp_path, given
):
    """Robustness asks for decisions again: a model that names no classes gave none there."""
    answer, objective = given
    folder = wrapped(answer, patients[FEATURES])
    workspace = prepare(
        tmp_path / "w", declare(**objective), Inputs(evaluation=read_dataset(patients)), model_folder=folder
    )
    seen = Given("robustness", workspace)
    assert seen.predictions["score"].to_numpy() == pytest.approx(chance(patients).to_numpy())
    assert seen.model.decide(seen.data).tolist() == seen.predictions["predicted"].tolist()


def test_whole_numbers_from_a_file_are_taken_by_a_signature_of_fractions(wrapped, patients, declare):
    folder = wrapped(chance, patients[FEATURES])
    rows = patients.assign(age=patients["age"].round().astype(int))
    loaded = LoadedModel(folder, declare(score="predict"))
    assert loaded.score(rows) == pytest.approx(chance(rows).to_numpy())


def test_what_a_signature_refuses_is_told_by_column(wrapped, patients, declare):
    folder = wrapped(chance, patients[FEATURES])
    with pytest.raises(ModelError, match="Incompatible input types for column dose"):
        LoadedModel(folder, declare(score="predict")).score(patients.assign(dose="much"))


def test_a_margin_is_of_the_positive_class_though_that_is_the_first(save, patients, declare):
    from sklearn.svm import LinearSVC

    model = LinearSVC().fit(patients[FEATURES], np.where(patients["hired"] == 1, "accept", "reject"))
    folder = save("sklearn", model, pip_requirements=["scikit-learn"], serialization_format="cloudpickle")
    loaded = LoadedModel(folder, declare(positive="accept", score="decision_function", threshold=0))
    assert loaded.score(patients) == pytest.approx(-model.decision_function(patients[FEATURES]))
    assert loaded.decide(patients).tolist() == model.predict(patients[FEATURES]).tolist()


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


def test_other_makes_answer_elsewhere_as_they_do_here(save, wrapped, older, patients, declare):
    """The other end loads them by the same rules, matrices and columns by name included."""
    import xgboost

    matrix = xgboost.DMatrix(patients[FEATURES], patients["hired"])
    booster = xgboost.train({"objective": "binary:logistic"}, matrix, num_boost_round=8)
    objective = declare(threshold=None)
    for folder in (
        save("xgboost", booster, pip_requirements=["xgboost-cpu"]),
        wrapped(by_class, patients[FEATURES]),
    ):
        here, there = (LoadedModel(folder, objective, python, lambda: [0, 1]) for python in (None, older))
        held_to(there, patients, here.score(patients))
        assert (there.flavor, there.features) == (here.flavor, here.features)
        told, told_there = here.contributions(patients), there.contributions(patients)
        if folder.name == "xgboost":  # a booster explains its own trees; a function of rows does not
            assert np.array_equal(told[0], told_there[0])
            assert told_there[0].sum(axis=1) == pytest.approx(told_there[1], abs=1e-4)
        else:
            assert told is told_there is None


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
