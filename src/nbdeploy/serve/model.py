"""The model inside a worker: loaded once, asked many times. Only the worker's process imports this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from nbdeploy.serve.signature import signed_inputs

_ROW_WISE_LIBRARIES = frozenset({"sklearn", "lightgbm", "xgboost", "catboost"})


_METHODS = ("predict_proba", "decision_function", "predict")


class ServedModel:
    """A model and how its answers become decisions.

    Parameters
    ----------
    folder
        An MLflow model folder whose bytes were verified.
    decide
        For a binary objective ``{"positive":, "threshold":, "score":, "declared":}``: decisions are then made by the
        score as validation made them, not by the estimator's own cut-off. None for the model's own answers.
    """

    def __init__(self, folder: Path, decide: Mapping[str, Any] | None = None) -> None:
        content = yaml.safe_load((folder / "MLmodel").read_text("utf-8"))
        self._sklearn = "sklearn" in content["flavors"]
        self._model = _load(folder, content["flavors"])
        signed = signed_inputs(content)
        self._matrix = signed.matrix
        self._types = {one["name"]: _PANDAS[one["type"]] for one in signed.columns if one.get("type") in _PANDAS}
        self._classes = [_plain_value(value) for value in getattr(self._model, "classes_", ())]
        self._method = None if decide is None or len(self._classes) != 2 else self._score_method(decide)
        if self._method is not None and decide is not None:
            self._threshold = float(decide["threshold"])
            self._positive = self._classes.index(decide["positive"])

    def _score_method(self, decide: Mapping[str, Any]) -> str | None:
        wanted = decide["score"]
        if wanted in _METHODS[:2] or (wanted not in _METHODS and hasattr(self._model, "predict_proba")):
            return str(wanted) if wanted in _METHODS else "predict_proba"
        return "predict" if decide["declared"] else None

    @property
    def row_wise(self) -> bool:
        """Whether rows of different requests may be asked together.

        True only for estimators built wholly from libraries whose `predict` treats each row by itself. A transformer of
        the user's own might compute a mean over the batch.
        """
        if not self._sklearn:
            return False
        nested = [value for value in self._model.get_params(deep=True).values() if hasattr(value, "get_params")]
        return all(_is_row_wise(part) for part in (self._model, *nested))

    def answer(self, columns: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Return ``predictions`` and, where decisions are made by score, ``scores``: one for each row."""
        frame = self._frame(columns)
        if self._method is None:
            return {"predictions": _plain(self._model.predict(frame), len(frame))}
        scores = getattr(self._model, self._method)(frame)
        scores = scores[:, self._positive] if scores.ndim > 1 else scores
        other, positive = self._classes[1 - self._positive], self._classes[self._positive]
        decisions = [positive if score >= self._threshold else other for score in scores.tolist()]
        return {"predictions": decisions, "scores": scores.tolist()}

    def _frame(self, columns: Mapping[str, Sequence[Any]]) -> Any:
        import pandas as pd

        made = {}
        for name, values in columns.items():
            kind = self._types.get(name)
            if kind == "datetime64[ns]":
                # Rows of one request may be written in several forms of ISO 8601; a signature's moments have no zone.
                moments = pd.to_datetime(pd.Series(values, dtype="object"), format="ISO8601", utc=True)
                made[name] = moments.dt.tz_localize(None)
            elif kind is None:
                made[name] = pd.Series(values)
            else:
                made[name] = pd.Series(values, dtype=kind)
        rows = pd.DataFrame(made)
        return rows.to_numpy() if self._matrix and self._sklearn else rows


_PANDAS = {
    "double": "float64",
    "float": "float32",
    "long": "int64",
    "integer": "int32",
    "boolean": "bool",
    "datetime": "datetime64[ns]",
}


def _load(folder: Path, flavors: Mapping[str, Any]) -> Any:
    """Load the flavour's own model. Without MLflow where that is possible: importing it takes longer than the model."""
    own = flavors.get("sklearn")
    if own is None:
        from mlflow import pyfunc

        return pyfunc.load_model(str(folder))
    if own.get("code"):
        from mlflow import sklearn

        return sklearn.load_model(str(folder))
    file = folder / own["pickled_model"]
    if own.get("serialization_format") == "skops":
        from skops import io  # type: ignore[import-untyped]  # ships no types

        return io.load(file, trusted=own.get("skops_trusted_types"))
    import cloudpickle

    with file.open("rb") as stream:
        return cloudpickle.load(stream)  # reads what pickle wrote as well


def _is_row_wise(estimator: Any) -> bool:
    kind = type(estimator)
    return kind.__module__.split(".")[0] in _ROW_WISE_LIBRARIES and kind.__name__ != "FunctionTransformer"


def _plain(predictions: Any, rows: int) -> list[Any]:
    """Return one answer for each row; ValueError if the model gave another number of them."""
    if isinstance(predictions, Mapping):
        columns = {name: _plain(values, rows) for name, values in predictions.items()}
        return [dict(zip(columns, answers, strict=True)) for answers in zip(*columns.values(), strict=True)]
    if hasattr(predictions, "to_dict"):
        said = predictions.to_dict(orient="records") if predictions.ndim > 1 else predictions.tolist()
    else:
        said = predictions.tolist() if hasattr(predictions, "tolist") else predictions
    if not isinstance(said, (list, tuple)) or len(said) != rows:
        told = f"{len(said)} answers" if isinstance(said, (list, tuple)) else f"one {type(said).__name__}"
        raise ValueError(f"the model gave {told} for {rows} row{'s' * (rows != 1)}")
    return list(said)


def _plain_value(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
