"""A model that takes one matrix of 32 bits without names, as PyTorch's is saved, here and in another environment."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from nbdeploy.errors import DataError, ModelError
from nbdeploy.validate.assemble import _described
from nbdeploy.validate.checks import operations
from nbdeploy.validate.checks.operations import probe
from nbdeploy.validate.context import Context
from nbdeploy.validate.data.inputs import read_dataset
from nbdeploy.validate.order import Inputs, Order
from nbdeploy.validate.prepare import prepare
from nbdeploy.validate.subject.model import LoadedModel

INPUTS = ["age", "bmi", "bp"]
WEIGHTS = np.array([[0.0], [0.15], [0.05]], np.float32)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Save a function of a matrix as MLflow does a network: an answer is a column of 32 bits, or two of them."""
    import cloudpickle

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own type hints, when it is imported
        from mlflow.models import ModelSignature
        from mlflow.pyfunc import PythonModel, save_model
        from mlflow.types.schema import Schema, TensorSpec

    def saved(answer, width=3):
        with warnings.catch_warnings(record=True):  # MLflow asks for type hints, past any filter

            class Network(PythonModel):
                def predict(self, context, model_input, params=None):  # noqa: ARG002 - as MLflow declares it
                    matrix = np.asarray(model_input)
                    if matrix.dtype != np.float32:
                        raise TypeError(f"mat1 and mat2 must have the same dtype, but got {matrix.dtype}")
                    return answer(matrix @ WEIGHTS[: matrix.shape[1]] - np.float32(8.5))

        taken = TensorSpec(np.dtype("float32"), (-1, width))
        given = TensorSpec(np.dtype("float32"), (-1, 1))
        folder = tmp_path_factory.mktemp("network") / "model"
        here = sys.modules[__name__]
        cloudpickle.register_pickle_by_value(here)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # MLflow's hints on pickles and examples
                save_model(
                    folder,
                    python_model=Network(),
                    signature=ModelSignature(Schema([taken]), Schema([given])),
                    pip_requirements=["pandas", "definitely-absent==9.9"],
                )
        finally:
            cloudpickle.unregister_pickle_by_value(here)
        return folder

    return saved


def probability(logit):
    return 1 / (1 + np.exp(-logit))


@pytest.fixture(scope="module")
def probable(network):
    return network(probability)


@pytest.fixture(scope="module")
def rows(split):
    """Three inputs, the target and a feature that only forms groups."""
    return split[1][[*INPUTS, "sex", "progressed"]]


@pytest.fixture
def declare(objective):
    return lambda **more: objective(**({"sensitive": ["sex"], "score": "predict", "threshold": 0.5} | more))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """An environment of its own: all from ours, and one package more."""
    place = tmp_path_factory.mktemp("elsewhere") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    inside = next((place / "lib").glob("python*")) / "site-packages"
    (inside / "ours.pth").write_text(str(Path(np.__file__).parents[1]))
    about = inside / "definitely_absent-9.9.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: definitely-absent\nVersion: 9.9\n")
    return place / "bin" / "python"


@pytest.fixture
def make(run, declare, tmp_path_factory):
    """Have a model score rows."""

    def made(rows, model, python=None, **more):
        folder, data = tmp_path_factory.mktemp("made") / "w", Inputs(evaluation=read_dataset(rows))
        return prepare(folder, declare(**more), data, model_folder=model, python=python, draft=True, parent=run.parent)

    return made


def expected(rows):
    return probability(rows[INPUTS].to_numpy(np.float32) @ WEIGHTS - np.float32(8.5))[:, 0]


def test_it_is_given_the_columns_that_it_takes_in_its_own_type(probable, rows, declare):
    model = LoadedModel(probable, declare())
    assert model.reads(list(rows.columns)) == tuple(INPUTS)
    assert model.score(rows) == pytest.approx(expected(rows), abs=1e-6)
    assert model.score(rows.drop(columns="sex")) == pytest.approx(expected(rows), abs=1e-6)


def test_it_is_run_elsewhere_from_scores_to_operations(make, probable, rows, elsewhere, recorded):
    workspace = make(rows, probable, python=elsewhere)
    assert workspace.held("predictions").column("__score__").to_pylist() == pytest.approx(expected(rows), abs=1e-6)
    context = Context("operations", workspace.slot("operations"), governed=True)
    assert context.features == tuple(INPUTS)
    operations.clean_process(context)
    operations.rowwise(context)
    operations.environment(context)
    found = recorded(context)
    assert found["operations.loads_in_clean_process"].value == 1, found["operations.loads_in_clean_process"].note
    assert found["operations.rowwise_difference"].data["rounding"] == probe.COARSE
    assert found["operations.rowwise_difference"].value == 0
    packages = found["operations.environment_mismatches"]
    assert (packages.value, packages.data["packages"]) == (0, [])
    assert packages.method.endswith("in its own environment")


def test_a_python_that_tells_nothing_of_its_packages_is_no_match(run, recorded, tmp_path):
    mute = tmp_path / "python"
    mute.write_text("#!/bin/sh\nexit 3\n")
    mute.chmod(0o755)
    scored = run.workspace.folder / "scored.json"
    before = scored.read_text()
    context = run.context("operations")
    scored.write_text(json.dumps(json.loads(before) | {"python": str(mute)}))
    try:
        operations.environment(context)
    finally:
        scored.write_text(before)
    assert "does not tell" in recorded(context)["operations.environment_mismatches"].undefined


def test_the_card_names_its_inputs_and_where_it_ran(probable, declare, subject_of):
    order = Order(declare(), b"", Inputs(), model=subject_of(probable), model_folder=probable)
    about = _described(order, {"features": INPUTS, "python": "/p", "python_version": "3.9.1"})
    assert about.inputs == dict.fromkeys(INPUTS, "float32")
    assert about.description["ran_in"] == "an environment of its own, with Python 3.9.1"
    here = _described(order, {"features": INPUTS, "python": None, "python_version": "3.9.1"})
    assert "ran_in" not in here.description


@pytest.fixture
def subject_of():
    from nbdeploy.documents.evidence import ModelSubject
    from nbdeploy.trust.digests import model_digest

    return lambda folder: ModelSubject(uri="models:/risk/1", digest=model_digest(folder))


def test_columns_that_are_not_as_many_are_refused_with_the_line_that_would_tell(network, rows, declare):
    model = LoadedModel(network(probability, width=2), declare())
    with pytest.raises(ModelError, match=r"takes 2 numbers .* has 4 besides the target") as told:
        model.score(rows)
    assert "infer_signature" in told.value.next


def test_logits_are_not_judged_as_probabilities(make, network, rows):
    logits = network(lambda logit: logit)
    with pytest.raises(DataError, match=r"the scores reach from -\d.* to \d.*no probabilities") as told:
        make(rows, logits)
    assert "`threshold: 0`" in told.value.next
    decided = make(rows, logits, threshold=0).held("predictions").column("__predicted__").to_pylist()
    assert decided == (expected(rows) >= 0.5).astype(int).tolist()


def test_a_logit_for_each_class_is_refused_at_any_threshold(network, rows, declare):
    model = LoadedModel(network(lambda logit: np.hstack([-logit, logit])), declare(threshold=0), labels=lambda: [0, 1])
    with pytest.raises(ModelError, match=r"for each class, such as -?[0-9.]+, which are no probabilities") as told:
        model.score(rows)
    assert "Softmax" in told.value.next


@pytest.mark.parametrize(
    ("answers", "rounding"),
    [
        (np.array([0.1, 0.7], np.float32), probe.COARSE),
        (np.array([0.1, 0.7], np.float32).astype(float), probe.COARSE),
        (np.array([0.1, 0.7]), probe.ROUNDING),
        (np.array([1, 0]), probe.ROUNDING),
        (np.array(["yes", "no"]), probe.ROUNDING),
    ],
)
def test_answers_of_few_digits_may_differ_by_what_rounding_does_to_them(answers, rounding):
    assert probe._rounding(answers) == rounding
