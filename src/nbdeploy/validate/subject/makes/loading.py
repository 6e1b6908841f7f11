"""A model folder, loaded with the methods that its make has: MLflow's wrapper hides probabilities and classes."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

from nbdeploy.validate.subject.makes import boosters, onnx_graph

METHODS = ("predict_proba", "decision_function", "predict")

EXPLAINING = ("contributions", "margin")
"""What a model has besides where its library computes exact SHAP values: see `boosters`."""

_NATIVE = {"xgboost": boosters.of_xgboost, "lightgbm": boosters.of_lightgbm}
_ESTIMATORS = ("sklearn", "xgboost", "lightgbm", "catboost")
"""Flavours whose own model may have scikit-learn's methods."""


class Loaded(NamedTuple):
    """A model in memory.

    `wrapped` tells that it is MLflow's pyfunc, which insists on the signature's exact types.
    """

    model: Any
    flavor: str
    wrapped: bool


def load(folder: str, flavors: dict[str, Any]) -> Loaded:
    """Load the model of a folder.

    Parameters
    ----------
    flavors
        What its ``MLmodel`` file says of each.

    Raises
    ------
    Exception
        Whatever its libraries and its own code raise.
    """
    if "onnx" in flavors:
        return Loaded(onnx_graph.opened(folder, flavors["onnx"]), "onnx", False)
    for flavor in _ESTIMATORS:
        if flavor in flavors:
            own = import_module("mlflow." + flavor).load_model(folder)
            if flavor in _NATIVE and type(own).__name__ == "Booster":
                own = _NATIVE[flavor](own)
            return Loaded(own, flavor, False)
    from mlflow import pyfunc

    named = [name for name in flavors if name != "python_function"]
    return Loaded(pyfunc.load_model(folder), named[0] if named else "python_function", True)
