from __future__ import annotations

import json

import pytest

from nbdeploy.errors import ModelError
from nbdeploy.validate.subject.mlmodel import described, needs_mlflow, pickled_estimator
from nbdeploy.validate.subject.model import LoadedModel

HEAD = "flavors:\n  python_function: {loader_module: mlflow.sklearn}\n"


def write(folder, text):
    (folder / "MLmodel").write_text(text)
    return folder


def test_flavour_and_inputs_are_read_as_mlflow_reads_them(tmp_path):
    import warnings

    import numpy as np
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns of pickles and of its own type hints
        import mlflow
        from mlflow.models import Model, infer_signature
        from sklearn.linear_model import LogisticRegression

        rows = pd.DataFrame({"a b": [0.0, 1.0], "ü": ["x", "y"]})
        model = LogisticRegression().fit(np.array([[0.0], [1.0]]), [0, 1])
        mlflow.sklearn.save_model(
            model,
            tmp_path / "m",
            signature=infer_signature(rows, np.array([0, 1])),
            serialization_format="cloudpickle",
            pip_requirements=["scikit-learn"],
        )
        theirs = Model.load(str(tmp_path / "m"))
    found = described(tmp_path / "m")
    assert found.flavor == "sklearn"
    assert list(found.inputs) == theirs.signature.inputs.input_names()
    assert found.types == ("double", "string")
    assert found.outputs == {"answer": "int64 [-1]"}
    loaded = pickled_estimator(tmp_path / "m", found.flavors["sklearn"])
    assert loaded.coef_.tolist() == model.coef_.tolist()
    assert not needs_mlflow(tmp_path / "m")


@pytest.mark.parametrize(
    ("own", "light"),
    [
        ("  sklearn: {pickled_model: model.pkl, serialization_format: pickle, code: null}\n", True),
        ("  sklearn: {pickled_model: model.pkl, serialization_format: pickle, code: code}\n", False),
        ("  sklearn: {pickled_model: model.skops, serialization_format: skops}\n", False),
        ("  xgboost: {data: model.ubj}\n", False),
        ("", False),
    ],
)
def test_only_a_plain_pickle_is_loaded_without_mlflow(tmp_path, own, light):
    write(tmp_path, HEAD + own)
    assert needs_mlflow(tmp_path) is not light


@pytest.mark.parametrize(
    "text",
    [
        "",
        "flavors: 3\n",
        "[1, 2]\n",
        "flavors: {sklearn: [\n",
        "flavors: {sklearn: 3}\n",
        "[" * 20_000,
        HEAD + "  sklearn: {pickled_model: /tmp/other.pkl, serialization_format: pickle}\n",
        HEAD + "  onnx: {data: ../other.onnx}\n",
    ],
)
def test_a_file_that_is_no_mlmodel_is_one_sentence(tmp_path, declare, text):
    write(tmp_path, text)
    assert needs_mlflow(tmp_path)
    with pytest.raises(ModelError, match="does not load") as caught:
        LoadedModel(tmp_path, declare())
    assert "\n" not in str(caught.value)


def test_an_unnamed_signature_names_no_inputs(tmp_path):
    write(tmp_path, HEAD + 'signature:\n  inputs: \'[{"type": "tensor"}]\'\n')
    assert described(tmp_path).inputs is None


@pytest.mark.parametrize("signature", ["3", "{inputs: '[3]'}", "{inputs: '[]'}", "{}"])
def test_a_signature_that_is_none_names_no_inputs(tmp_path, signature):
    write(tmp_path, HEAD + f"signature: {signature}\n")
    assert described(tmp_path).inputs is None


@pytest.mark.parametrize(
    ("spec", "types"),
    [
        ({"dtype": "float32", "shape": [-1, 3]}, ("float32",) * 3),
        ({"dtype": "float32", "shape": [-1, -1]}, ()),
        ({"dtype": "float32", "shape": [-1, 3, 8, 8]}, ()),
        ({"dtype": "float32", "shape": [-1, 10**12]}, ()),
        ({"dtype": "float32", "shape": [-1, "3"]}, ()),
        ({"dtype": "float32"}, ()),
        (None, ()),
    ],
)
def test_a_matrix_without_names_tells_its_width(tmp_path, spec, types):
    inputs = json.dumps([{"type": "tensor", "tensor-spec": spec}])
    found = described(write(tmp_path, f"{HEAD}signature:\n  inputs: '{inputs}'\n"))
    assert (found.inputs, found.types) == (None, types)
