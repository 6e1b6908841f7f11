"""A model from a local MLflow folder, asked for decisions and scores the way the objective says."""

from __future__ import annotations

import logging
import platform
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from nbdeploy.documents.objective import Objective
from nbdeploy.errors import ModelError, closest
from nbdeploy.stats.tally.levels import plain
from nbdeploy.validate.mlmodel import described, pickled_estimator

_ESTIMATORS = ("sklearn", "xgboost", "lightgbm", "catboost")
"""Flavours whose own model may have scikit-learn's methods."""

_METHODS = ("predict_proba", "decision_function", "predict")


@contextmanager
def quietly() -> Iterator[None]:
    """Keep a foreign library's warnings and log lines to itself."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # Deprecations inside MLflow and the flavours are not the reader's business; what matters raises.
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


class LoadedModel:
    """A model in memory.

    Parameters
    ----------
    folder
        A local MLflow model folder (with its ``MLmodel``).
    objective
        Says what the classes are and how scores are had.
    python
        The interpreter of the model's own environment: it then runs there, in a process of its own.

    Raises
    ------
    ModelError
        The folder is no MLflow model, or it will not load.
    """

    def __init__(self, folder: Path, objective: Objective, python: Path | None = None) -> None:
        self.folder = folder
        self.python = python
        self.objective = objective
        if not (folder / "MLmodel").is_file():
            raise ModelError(
                f"{folder} is not an MLflow model: it has no MLmodel file",
                next="save it with mlflow.sklearn.save_model",
            )
        with quietly():
            self._load()

    def _load(self) -> None:
        try:
            about = described(self.folder)
            self.flavor: str = about.flavor
            self._inputs = about.inputs
            self._model: Any = self._elsewhere() or self._own(about.flavors) or self._wrapped()
        except ModelError:
            raise
        except Exception as error:  # noqa: BLE001 - anything may be inside a model's code; one boundary turns it into one sentence
            raise ModelError(
                f"the model in {self.folder.name} does not load ({_told(error)})",
                next="load it with mlflow.pyfunc.load_model to see the whole error",
            ) from None

    def _elsewhere(self) -> Any:
        """Return the model as it answers from its own environment; None where that is this one."""
        if self.python is None:
            return None
        from nbdeploy.validate.remote import opened

        remote = opened(self.folder, self.python)
        self.flavor = remote.flavor
        return remote

    def _own(self, flavors: Mapping[str, Any]) -> Any:
        """Return the estimator of a flavour that gives probabilities by itself, which pyfunc would hide."""
        from importlib import import_module

        if "onnx" in flavors:
            from nbdeploy.validate.onnx_model import OnnxModel

            return OnnxModel(self.folder, dict(flavors["onnx"]))
        if "sklearn" in flavors:
            estimator = pickled_estimator(self.folder, flavors["sklearn"])
            if estimator is not None:
                self.flavor = "sklearn"
                return estimator
        for flavor in _ESTIMATORS:
            if flavor in flavors:
                loaded = import_module(f"mlflow.{flavor}").load_model(str(self.folder))
                if flavor == "sklearn" or hasattr(loaded, "predict_proba"):
                    self.flavor = flavor
                    return loaded
        return None

    def _wrapped(self) -> Any:
        """Return the model as MLflow wraps it."""
        from mlflow import pyfunc

        return pyfunc.load_model(str(self.folder))

    @cached_property
    def features(self) -> tuple[str, ...] | None:
        """Names of the input columns, from the signature or the estimator; None where neither says."""
        if self._inputs is not None:
            return self._inputs
        names = getattr(self._model, "feature_names_in_", None)
        return tuple(str(name) for name in names) if names is not None else None

    @property
    def estimator(self) -> Any:
        """The flavour's own estimator, or the pyfunc model where it is none; None for one in another environment."""
        return self._model if self.python is None else None

    @property
    def python_version(self) -> str:
        """Of the interpreter that runs the model."""
        return platform.python_version() if self.python is None else str(self._model.python_version)

    def inputs(self, frame: Any) -> Any:
        """Return the model's input columns of a frame that may hold more.

        Raises
        ------
        ModelError
            The frame lacks a column that the model wants.
        """
        if self.features is None:
            return frame.drop(columns=[self.objective.target], errors="ignore")
        for name in self.features:
            if name not in frame.columns:
                raise ModelError(
                    f"the model wants a column {name!r} that the data does not have"
                    f"{closest(name, list(map(str, frame.columns)))}"
                )
        return frame[list(self.features)]

    def decide(self, frame: Any) -> Any:
        """Return the decision for every row: a label, or a number in a regression; shape (rows,)."""
        if self.objective.task != "binary":
            return self._answer("predict", frame)
        scores = self.score(frame)
        return self._answer("predict", frame) if scores is None else self.decide_from(scores)

    def decide_from(self, scores: Any) -> Any:
        """Turn scores into decisions by the objective's threshold; None where the other class is not known."""
        import numpy as np

        classes = self.classes
        if classes is None or len(classes) != 2:
            return None
        at = self._positive(classes)
        return np.where(scores >= self.objective.decision_threshold, classes[at], classes[1 - at])

    def score(self, frame: Any) -> Any:
        """Return the score of the positive class for every row, shape (rows,); None where the model gives none."""
        import numpy as np

        if self.objective.task != "binary":
            return None
        method = self._method
        if method is None:
            return None
        answer = self._answer(method, frame, wide=True)
        if answer.ndim == 2:
            classes = self.classes
            at = self._positive(classes) if classes is not None else answer.shape[1] - 1
            answer = answer[:, at]
        return np.asarray(answer, dtype=np.float64)

    def probabilities(self, frame: Any) -> Any:
        """Return the probability of each class, shape (rows, classes) in the order of `classes`; None without any."""
        if self.classes is None or not hasattr(self._model, "predict_proba"):
            return None
        return self._answer("predict_proba", frame, wide=True)

    @cached_property
    def classes(self) -> Any:
        """The classes that the estimator was fitted on; None where it does not say."""
        return getattr(self._model, "classes_", None)

    @cached_property
    def _method(self) -> str | None:
        """How scores are had: the objective's word, else ``predict_proba`` where there is one."""
        wanted = self.objective.score
        if wanted in _METHODS:
            if wanted == "predict" and self.objective.threshold is None:
                return None
            if wanted != "predict" and not hasattr(self._model, wanted):
                raise ModelError(
                    f"the objective says `score: {wanted}`, and the model ({self.flavor}) has no such method",
                    next="save the estimator with its scikit-learn flavour, or declare `score: predict`",
                )
            return wanted
        if hasattr(self._model, "predict_proba"):
            return "predict_proba"
        return "predict" if self.objective.threshold is not None else None

    def _positive(self, classes: Any) -> int:
        found = [at for at, value in enumerate(classes) if plain(value) == self.objective.positive_class]
        if not found:
            held = ", ".join(repr(plain(value)) for value in classes)
            raise ModelError(
                f"the model knows the classes {held}, and the objective's positive class is "
                f"{self.objective.positive_class!r}"
            )
        return found[0]

    def _answer(self, method: str, frame: Any, *, wide: bool = False) -> Any:
        """Return one value a row, or, where an answer may be `wide`, one a row and class."""
        import numpy as np

        rows = self.inputs(frame)
        try:
            with quietly():
                answer = getattr(self._model, method)(rows)
        except ModelError:
            raise
        except Exception as error:  # noqa: BLE001 - foreign code again
            raise ModelError(f"the model loads and does not answer ({_told(error)})") from None
        if isinstance(answer, Mapping) or hasattr(answer, "columns"):
            answer = answer[self._output(list(answer))]
        array = np.asarray(answer)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim not in (1, 2) or len(array) != len(rows) or (array.ndim == 2 and not wide):
            raise ModelError(f"the model answers {len(rows)} rows with an array of shape {array.shape}")
        return array

    def _output(self, columns: list[Any]) -> Any:
        wanted = [self.objective.score, self.objective.predicted, "prediction", "predictions"]
        return next((name for name in wanted if name in columns), columns[0])


def _told(error: BaseException) -> str:
    """Say what went wrong: a process elsewhere has already named the kind of error."""
    from nbdeploy.validate.remote import ElsewhereError

    return _short(error) if isinstance(error, ElsewhereError) else f"{type(error).__name__}: {_short(error)}"


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200].rstrip(". ") if lines else "no message"
