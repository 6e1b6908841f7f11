"""Boosters of XGBoost and LightGBM as they were trained natively, with what they tell of their classes.

A booster's own objective says what its numbers are. Its classes are always 0, 1, 2…: both libraries take no others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Booster:
    """A booster; `predict` gives what the library's own does."""

    def __init__(self, answer: Callable[[Any], Any], names: Sequence[str] | None) -> None:
        self._answer = answer
        if names:
            self.feature_names_in_ = list(names)

    def predict(self, rows: Any) -> Any:
        """Return the library's answer: shape (rows,), or (rows, classes)."""
        return np.asarray(self._answer(rows))


class ClassifyingBooster(Booster):
    """A booster whose numbers are probabilities, of the second of two classes or of each of several."""

    def __init__(self, answer: Callable[[Any], Any], names: Sequence[str] | None, classes: int) -> None:
        super().__init__(answer, names)
        self.classes_ = np.arange(classes)

    def predict_proba(self, rows: Any) -> Any:
        """Return shape (rows, classes)."""
        found = self.predict(rows)
        return np.column_stack([1 - found, found]) if found.ndim == 1 else found


def of_xgboost(native: Any) -> Booster:
    """Return an ``xgboost.Booster`` behind these methods."""
    import xgboost

    learner = json.loads(native.save_config())["learner"]
    kind = learner["objective"]["name"]

    def answer(rows: Any) -> Any:
        return native.predict(xgboost.DMatrix(rows, enable_categorical=True))

    if kind == "binary:logistic":
        return ClassifyingBooster(answer, native.feature_names, 2)
    if kind == "multi:softprob":
        return ClassifyingBooster(answer, native.feature_names, int(learner["learner_model_param"]["num_class"]))
    return Booster(answer, native.feature_names)


def of_lightgbm(native: Any) -> Booster:
    """Return a ``lightgbm.Booster`` behind these methods."""
    lines = native.model_to_string(num_iteration=1).splitlines()
    kind = next((line.partition("=")[2].split()[0] for line in lines if line.startswith("objective=")), None)
    if kind == "binary":
        return ClassifyingBooster(native.predict, native.feature_name(), 2)
    if kind in ("multiclass", "multiclassova"):
        return ClassifyingBooster(native.predict, native.feature_name(), native.num_model_per_iteration())
    return Booster(native.predict, native.feature_name())
