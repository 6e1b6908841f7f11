"""A model from a local MLflow folder, asked for decisions and scores the way the objective says."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Scalar
from nbdeploy.errors import ModelError
from nbdeploy.validate.subject.answering import Answer, Answering
from nbdeploy.validate.subject.columns_read import columns_read, naming
from nbdeploy.validate.subject.makes import METHODS, Loaded, columns_of, load
from nbdeploy.validate.subject.makes.answers import BARE
from nbdeploy.validate.subject.makes.likeliest import decides_by_probability
from nbdeploy.validate.subject.mlmodel import Described, described, pickled_estimator
from nbdeploy.validate.subject.others_code import quietly, told_error


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
    labels
        Gives the values of the target in the data; called where the model does not know its classes.

    Raises
    ------
    ModelError
        The folder is no MLflow model, or it will not load.
    """

    def __init__(
        self,
        folder: Path,
        objective: Objective,
        python: Path | None = None,
        labels: Callable[[], Sequence[Any]] = tuple,
    ) -> None:
        self.folder = folder
        self.python = python
        self.objective = objective
        self._labels = labels
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
            self._inputs = about.inputs
            self._width = len(about.types) if about.inputs is None else 0
            self._model, self.flavor, wrapped = self._loaded(about)
            self._types = about.types if wrapped else ()
        except ModelError:
            raise
        except Exception as error:  # noqa: BLE001 - anything may be inside a model's code; one boundary turns it into one sentence
            raise ModelError(
                f"the model in {self.folder.name} does not load ({told_error(error)})",
                next="load it with mlflow.pyfunc.load_model to see the whole error",
            ) from None

    def _loaded(self, about: Described) -> Loaded:
        if self.python is not None:
            from nbdeploy.validate.subject.remote import opened

            remote = opened(self.folder, self.python)
            return Loaded(remote, remote.flavor, remote.wrapped)
        if "sklearn" in about.flavors:
            estimator = pickled_estimator(self.folder, about.flavors["sklearn"])
            if estimator is not None:
                return Loaded(estimator, "sklearn", wrapped=False)
        return load(str(self.folder), dict(about.flavors))

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
        return frame[list(self.reads(list(frame.columns)))]

    def reads(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Return which columns of the data are the model's inputs, in its order.

        Raises
        ------
        ModelError
            One is not there, or which they are cannot be told.
        """
        return columns_read(columns, self.objective, self.features, self._width, self.flavor)

    def answers(self, frame: Any) -> tuple[Any, Any]:
        """Return the decision and the score of every row, as `decide` and `score` do, from one call of the model."""
        if self.objective.task != "binary":
            return self._reading.decision(self._answer("predict", frame)), None
        method = self._method
        answer = self._answer(method, frame)
        score = self._reading.score(answer, sure=method != "predict")
        if score is None:
            return self._reading.decision(answer), None
        if method == "decision_function" and self.classes is not None and self._reading.place(self.classes) == 0:
            score = -score  # a margin is that of the second class
        return self.decide_from(score), score

    def answered(self, frame: Any) -> tuple[Any, Any, dict[Scalar, Any]]:
        """Return what `answers` does, and in a multiclass task the score of each class, as far as the model gives any.

        The decision is what the model's own ``predict`` says, which need not be the likeliest class.
        """
        if self.objective.task != "multiclass":
            return (*self.answers(frame), {})
        method = self._method
        if method != "predict" and decides_by_probability(self._model):
            scores = self._reading.of_classes(self._answer("predict_proba", frame), sure=True)
            return self._reading.likeliest(scores), None, scores
        said = self._answer("predict", frame)
        scores = self._reading.of_classes(said, sure=self.objective.score == "predict")
        if not scores and method != "predict":
            scores = self._reading.of_classes(self._answer(method, frame), sure=True)
        return self._reading.decision(said), None, scores

    def decide(self, frame: Any) -> Any:
        """Return the decision for every row: a label, or a number in a regression; shape (rows,)."""
        return self.answers(frame)[0]

    def decide_from(self, scores: Any) -> Any:
        """Turn scores into decisions by the objective's threshold; None where the other class is not known."""
        import numpy as np

        pair = self._reading.pair()
        return None if pair is None else np.where(scores >= self.objective.decision_threshold, *pair)

    def score(self, frame: Any) -> Any:
        """Return the score of the positive class for every row, shape (rows,); None where the model gives none."""
        if self.objective.task != "binary" or self._labels_only:
            return None
        return self.answers(frame)[1]

    def probabilities(self, frame: Any) -> Any:
        """Return the probability of each class, shape (rows, classes) in the order of `classes`; None without any."""
        if self.classes is None or not hasattr(self._model, "predict_proba"):
            return None
        return self._answer("predict_proba", frame)[BARE]

    def contributions(self, frame: Any) -> tuple[Any, Any] | None:
        """Return exact SHAP values and margins as the model's own library computes them; None where it does not.

        Shapes (rows, classes × (inputs + 1)), class after class and the base last, and (rows,) or (rows, classes).
        """
        if not hasattr(self._model, "contributions"):
            return None
        return self._answer("contributions", frame)[BARE], self._answer("margin", frame)[BARE]

    @cached_property
    def _reading(self) -> Answering:
        return Answering(self.objective, self.classes, self._labels)

    @cached_property
    def classes(self) -> Any:
        """The classes that the estimator was fitted on; None where it does not say."""
        return getattr(self._model, "classes_", None)

    @cached_property
    def _method(self) -> str:
        """What is asked: the objective's word, else ``predict_proba`` where there is one."""
        wanted = self.objective.score
        if wanted in METHODS:
            if not hasattr(self._model, wanted):
                raise ModelError(
                    f"the objective says `score: {wanted}`, and the model ({self.flavor}) has no such method",
                    next="save the estimator with its scikit-learn flavour, or declare `score: predict`",
                )
            return wanted
        own = wanted is not None and wanted in getattr(self._model, "output_names", ())
        return "predict_proba" if hasattr(self._model, "predict_proba") and not own else "predict"

    @property
    def _labels_only(self) -> bool:
        """Whether the model is known to give no scores, without asking it."""
        asked = self.objective.score == "predict" or self.objective.score is None
        return self._method == "predict" and asked and self.objective.threshold is None and self.classes is not None

    def _answer(self, method: str, frame: Any) -> Answer:
        """Return what a method of the model gives, as arrays by name."""
        rows = self.inputs(frame)
        if self._types:
            from nbdeploy.validate.subject.signature import fitted

            rows = fitted(rows, self._types)
        try:
            with quietly():
                return columns_of(getattr(self._model, method)(rows), len(rows))
        except ModelError:
            raise
        except Exception as error:  # noqa: BLE001 - foreign code again
            told = f"the model loads and does not answer ({told_error(error)})"
            if self.features is None:
                raise ModelError(
                    f"{told}; it names no columns, and was given {len(rows.columns)}", next=naming(self.flavor)
                ) from None
            raise ModelError(told) from None
