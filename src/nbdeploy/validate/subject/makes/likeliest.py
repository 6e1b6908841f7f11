"""Estimators whose decision is known to be their likeliest class, so that one question answers both."""

from __future__ import annotations

from typing import Any

_THEIRS = frozenset({"ForestClassifier.predict", "HistGradientBoostingClassifier.predict", "LGBMClassifier.predict"})
"""``predict`` that takes the greatest of ``predict_proba``, and would compute all of it again."""


def decides_by_probability(model: Any) -> bool:
    """Whether `model`, or the last step of a pipeline, decides so by its library's own code."""
    while isinstance(getattr(model, "steps", None), list) and model.steps:
        model = model.steps[-1][1]
    return getattr(type(model).predict, "__qualname__", "") in _THEIRS if hasattr(type(model), "predict") else False
