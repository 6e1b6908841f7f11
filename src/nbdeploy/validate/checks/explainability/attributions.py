"""SHAP values of single rows by the explainer that fits the model: exact for trees and lines, sampled for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.tally.levels import plain
from nbdeploy.validate.checks.explainability.answer import Answer, input_coding
from nbdeploy.validate.checks.explainability.coded import coded_answers
from nbdeploy.validate.checks.explainability.origins import origins
from nbdeploy.validate.checks.explainability.sampled import sampled_shares
from nbdeploy.validate.context import Context
from nbdeploy.validate.subject.others_code import quietly

if TYPE_CHECKING:
    import pandas as pd

_TREES = ("HistGradientBoosting", "GradientBoosting", "RandomForest", "ExtraTrees", "DecisionTree", "XGB", "LGBM")
_OWN_TREES = ("xgboost", "lightgbm")
_LINES = ("LogisticRegression", "LinearRegression", "Ridge", "Lasso", "ElasticNet", "LinearSVC")
_BACKGROUND = 100
_SAMPLED_BACKGROUND = 20
_SAMPLED_ROWS = 24
_ORDERS = 2


@dataclass(frozen=True)
class Attributions:
    """Shares of an output by feature: `base` + Σ `shares` should give `output` in every row.

    Parameters
    ----------
    shares
        Shape (rows, features), in the model's own features.
    base, output
        Shape (rows,), on `scale`.
    """

    shares: NDArray[np.float64]
    base: NDArray[np.float64]
    output: NDArray[np.float64]
    explainer: Literal["tree", "linear", "permutation"]
    scale: str

    @property
    def residual(self) -> float:
        """The largest gap between an output and the sum of its shares."""
        return float(np.abs(self.base + self.shares.sum(axis=1) - self.output).max())


@dataclass(frozen=True)
class _Parts:
    """A pipeline taken apart: its preprocessing, its last step, and the feature that each column between comes from."""

    before: Any
    final: Any
    kind: Literal["tree", "linear"]
    made_of: NDArray[np.int64]
    at: int | None
    """The place of the explained class among the last step's classes; None in a regression."""

    def matrix(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Return what the last step sees of these rows."""
        with quietly():
            made: Any = rows if self.before is None else self.before.transform(rows)
        return np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)


def attributions(context: Context, rows: pd.DataFrame, asked: Answer, *, seed: int) -> Attributions:
    """Return SHAP values (Lundberg and Lee 2017) of `rows`; the sampling explainer takes only the first 24.

    A tree or linear model at the end of a pipeline is explained behind its preprocessing, and the shares of the columns
    that were made of one feature are added up.
    """
    parts = _taken_apart(context, asked)
    if parts is not None:
        return _exact(context, parts, rows[list(context.features)])
    return _of_library(context, rows, asked) or _sampled(context, rows.iloc[:_SAMPLED_ROWS], asked, seed)


def _taken_apart(context: Context, asked: Answer) -> _Parts | None:
    """Return the parts of a model that an exact explainer fits; None for any other."""
    model = context.model
    if model is None or model.estimator is None or model.flavor not in ("sklearn", *_OWN_TREES):
        return None
    steps = getattr(model.estimator, "steps", None)
    final = steps[-1][1] if steps else model.estimator
    before = model.estimator[:-1] if steps and len(steps) > 1 else None
    kind = _kind(final, context.objective.task)
    if before is None:
        known = all(np.issubdtype(np.asarray(context.data[name]).dtype, np.number) for name in context.features)
        made_of = np.arange(len(context.features)) if known else None
    else:
        made_of = origins(before, context.features)
    if kind is None or made_of is None or len(made_of) != final.n_features_in_:
        return None
    at = None
    if asked.of_class is not None:
        classes = [plain(one) for one in getattr(final, "classes_", ())]
        if asked.of_class not in classes:
            return None
        at = classes.index(asked.of_class)
    return _Parts(before, final, kind, made_of, at)


def _kind(final: Any, task: str) -> Literal["tree", "linear"] | None:
    name = type(final).__name__
    if not hasattr(final, "n_features_in_") or (task == "multiclass" and name.startswith("GradientBoosting")):
        return None
    if name.startswith(_TREES) and not np.any(getattr(final, "is_categorical_", False)):
        return "tree"
    return "linear" if name in _LINES else None


def _exact(context: Context, parts: _Parts, rows: pd.DataFrame) -> Attributions:
    made = parts.matrix(rows)
    with quietly():
        import shap

        if parts.kind == "tree":
            explainer = shap.TreeExplainer(parts.final)
            found = np.asarray(explainer.shap_values(made, check_additivity=False))
        else:
            behind = parts.matrix(context.sample(_BACKGROUND, "background")[list(context.features)])
            explainer = shap.LinearExplainer(parts.final, behind)
            found = np.asarray(explainer.shap_values(made))
        base = np.atleast_1d(np.asarray(explainer.expected_value, dtype=float))
        output, scale = _output(parts, made)
    if found.ndim == 3 and parts.at is not None:  # one layer a class: of a forest, or where there are many classes
        found, base = found[:, :, parts.at], base[parts.at :]
    elif parts.at == 0:
        found, base = -found, -base  # margins are of the second of two classes
    shares = np.zeros((len(made), len(context.features)))
    np.add.at(shares.T, parts.made_of, found.T)
    return Attributions(shares, np.full(len(made), base[0]), output, parts.kind, scale)


def _of_library(context: Context, rows: pd.DataFrame, asked: Answer) -> Attributions | None:
    """Return what a native booster says of its own trees, here or in its own environment; None for other models."""
    model, objective = context.model, context.objective
    found = model.contributions(rows) if model is not None else None
    if model is None or found is None:
        return None
    flat, margin = found
    shares = flat.reshape(len(rows), -1, len(context.features) + 1)
    margin = margin.reshape(len(rows), -1)
    if model.classes is None:
        if shares.shape[1] > 1:
            return None  # it decides among classes that it does not name
        # A regression of a logarithm, say, adds up on another scale than that of its answers.
        at, sign = 0, 1
        scale = "target" if np.allclose(margin[:, 0], asked.call(rows), rtol=1e-4, atol=1e-6) else "raw"
    else:
        classes = [plain(one) for one in model.classes]
        if shares.shape[1] > 1 and asked.of_class not in classes:
            return None
        at = classes.index(asked.of_class) if shares.shape[1] > 1 else 0
        # A margin is of the second of two classes; so is a score that the objective takes as it stands.
        sign = -1 if shares.shape[1] == 1 and asked.of_class == classes[0] and objective.score != "predict" else 1
        scale = "log-odds"
    mine = sign * shares[:, at].astype(np.float64)
    return Attributions(mine[:, :-1], mine[:, -1], sign * margin[:, at].astype(np.float64), "tree", scale)


def _output(parts: _Parts, made: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Return what the explainer explains: the margin where the model has one, else the probability."""
    final, at = parts.final, parts.at
    if at is None:
        return np.asarray(final.predict(made), dtype=float), "target"
    name = type(final).__name__
    if name.startswith("XGB"):
        margin = np.asarray(final.predict(made, output_margin=True), dtype=float)
    elif name.startswith("LGBM"):
        margin = np.asarray(final.predict(made, raw_score=True), dtype=float)
    elif hasattr(final, "decision_function"):
        margin = np.asarray(final.decision_function(made), dtype=float)
    else:
        return np.asarray(final.predict_proba(made)[:, at], dtype=float), "probability"
    scale = "log-odds" if hasattr(final, "predict_proba") else "raw"
    if margin.ndim == 2:
        return margin[:, at], scale
    return (margin if at == 1 else -margin), scale


def _sampled(context: Context, rows: pd.DataFrame, asked: Answer, seed: int) -> Attributions:
    coding = input_coding(context)
    behind = coding.encode(context.sample(_SAMPLED_BACKGROUND, "background"))
    explained = coding.encode(rows)
    ask = coded_answers(context, asked, coding, behind)
    rng = np.random.default_rng(seed)
    orders = np.stack([rng.permutation(len(coding.names)) for _ in range(1 if context.draft else _ORDERS)])
    shares, base = sampled_shares(ask, explained, behind, orders)
    scale = "probability" if asked.is_share else "target" if context.objective.task == "regression" else "raw"
    return Attributions(shares, np.full(len(explained), base), ask(explained), "permutation", scale)


def ranked(values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the places of features by the size of their shares, largest first; ties by place."""
    return np.argsort(-np.abs(np.asarray(values)), kind="stable")
