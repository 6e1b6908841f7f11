"""Boosters of XGBoost and LightGBM as they were trained natively, with what they tell of their classes.

A booster's own objective says what its numbers are. Its classes are always 0, 1, 2…: both libraries take no others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Booster:
    """A booster; `predict` gives what the library's own does.

    Where the library explains its trees, `contributions` and `margin` do.

    Parameters
    ----------
    ask
        The library's ``predict``, which takes rows and its own options.
    explain, raw
        Its options for exact SHAP values and for margins; `explain` is empty where it has none for these trees.
    """

    def __init__(
        self, ask: Callable[..., Any], names: Sequence[str] | None, explain: dict[str, Any], raw: dict[str, Any]
    ) -> None:
        self._ask = ask
        if names:
            self.feature_names_in_ = list(names)
        if explain:
            self.contributions = lambda rows: np.asarray(ask(rows, **explain)).reshape(len(rows), -1)
            self.margin = lambda rows: np.asarray(ask(rows, **raw))

    def predict(self, rows: Any) -> Any:
        """Return the library's answer: shape (rows,), or (rows, classes)."""
        return np.asarray(self._ask(rows))


class ClassifyingBooster(Booster):
    """A booster whose numbers are probabilities, of the second of two classes or of each of several."""

    classes_: Any

    def predict_proba(self, rows: Any) -> Any:
        """Return shape (rows, classes)."""
        found = self.predict(rows)
        return np.column_stack([1 - found, found]) if found.ndim == 1 else found


def of_xgboost(native: Any) -> Booster:
    """Return an ``xgboost.Booster`` behind these methods."""
    import xgboost

    learner = json.loads(native.save_config())["learner"]
    kind = learner["objective"]["name"]

    def ask(rows: Any, **options: Any) -> Any:
        return native.predict(xgboost.DMatrix(rows, enable_categorical=True), **options)

    parts = ask, native.feature_names, {"pred_contribs": True}, {"output_margin": True}
    if kind == "binary:logistic":
        return _classifying(2, *parts)
    if kind == "multi:softprob":
        return _classifying(int(learner["learner_model_param"]["num_class"]), *parts)
    return Booster(*parts)


def of_lightgbm(native: Any) -> Booster:
    """Return a ``lightgbm.Booster`` behind these methods."""
    lines = native.model_to_string(num_iteration=1).splitlines()
    kind = next((line.partition("=")[2].split()[0] for line in lines if line.startswith("objective=")), None)
    explain = {} if "is_linear=1" in lines else {"pred_contrib": True}  # lines in leaves have no exact values
    parts = native.predict, native.feature_name(), explain, {"raw_score": True}
    if kind == "binary":
        return _classifying(2, *parts)
    if kind in ("multiclass", "multiclassova"):
        return _classifying(native.num_model_per_iteration(), *parts)
    return Booster(*parts)


def _classifying(classes: int, *parts: Any) -> ClassifyingBooster:
    made = ClassifyingBooster(*parts)
    made.classes_ = np.arange(classes)
    return made
