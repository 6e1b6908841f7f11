"""SHAP values of single rows by the explainer that fits the model: exact for trees and lines, sampled for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.tally.levels import plain
from nbdeploy.validate.checks.explainability.answer import Answer, Coding
from nbdeploy.validate.checks.explainability.origins import origins
from nbdeploy.validate.context import Context
from nbdeploy.validate.model import quietly

if TYPE_CHECKING:
    import pandas as pd

_TREES = ("HistGradientBoosting", "GradientBoosting", "RandomForest", "ExtraTrees", "DecisionTree")
_LINES = ("LogisticRegression", "LinearRegression", "Ridge", "Lasso", "ElasticNet", "LinearSVC")
_BACKGROUND = 100
_SAMPLED_BACKGROUND = 20
_SAMPLED_ROWS = 40


@dataclass(frozen=True)
class Attributions:
    """Shares of an output by feature: `base` + Σ `values` should give `output` in every row.

    Parameters
    ----------
    values
        Shape (rows, features), in the model's own features.
    base, output
        Shape (rows,), on `scale`.
    """

    values: NDArray[np.float64]
    base: NDArray[np.float64]
    output: NDArray[np.float64]
    explainer: Literal["tree", "linear", "permutation"]
    scale: str

    @property
    def residual(self) -> float:
        """The largest gap between an output and the sum of its shares."""
        return float(np.abs(self.base + self.values.sum(axis=1) - self.output).max())


def attributions(context: Context, rows: pd.DataFrame, asked: Answer, *, seed: int) -> Attributions:
    """Return SHAP values (Lundberg and Lee 2017) of `rows`; the sampling explainer takes only the first 40.

    A tree or linear model at the end of a pipeline is explained behind its preprocessing, and the shares of the columns
    that were made of one feature are added up.
    """
    model = context.model
    estimator = model.estimator if model is not None and model.flavor == "sklearn" else None
    steps = getattr(estimator, "steps", None)
    final = steps[-1][1] if steps else estimator
    before = estimator[:-1] if steps and len(steps) > 1 else None
    kind = _kind(final, context.objective.task)
    names = list(context.features)
    if estimator is not None and kind is not None:
        from_features = origins(before, names) if before is not None else np.arange(len(names))
        if from_features is not None:
            made = _matrix(before, rows[names])
            if made.shape[1] == len(from_features):
                behind = _matrix(before, context.sample(_BACKGROUND, "background")[names])
                return _exact(kind, final, made, behind, from_features, len(names), context)
    return _sampled(context, rows.iloc[:_SAMPLED_ROWS], asked, seed)


def _kind(final: Any, task: str) -> Literal["tree", "linear"] | None:
    name = type(final).__name__
    if task == "multiclass" or not hasattr(final, "n_features_in_"):
        return None
    if name.startswith(_TREES) and not np.any(getattr(final, "is_categorical_", False)):
        return "tree"
    return "linear" if name in _LINES else None


def _matrix(before: Any, rows: pd.DataFrame) -> NDArray[np.float64]:
    with quietly():
        made = rows if before is None else before.transform(rows)
    dense = made.toarray() if hasattr(made, "toarray") else made
    return np.asarray(dense, dtype=np.float64)


def _exact(
    kind: Literal["tree", "linear"],
    final: Any,
    made: NDArray[np.float64],
    behind: NDArray[np.float64],
    from_features: NDArray[np.int64],
    features: int,
    context: Context,
) -> Attributions:
    import shap

    with quietly():
        explainer = shap.TreeExplainer(final) if kind == "tree" else shap.LinearExplainer(final, behind)
        values = np.asarray(
            explainer.shap_values(made, check_additivity=False) if kind == "tree" else explainer(made).values
        )
        base = np.atleast_1d(np.asarray(explainer.expected_value, dtype=float))
        output, scale = _output(final, made, context)
    at = _positive(final, context)
    if values.ndim == 3:  # one layer a class: probabilities of a forest or a tree
        values, base = values[:, :, at], base[[at]]
    elif at == 0 and context.objective.task == "binary":
        values, base = -values, -base  # margins are of the second class
    added = np.zeros((len(made), features))
    np.add.at(added.T, from_features, values.T)
    return Attributions(added, np.full(len(made), base[0]), output, kind, scale)


def _positive(final: Any, context: Context) -> int:
    if context.objective.task != "binary":
        return 0
    return [plain(one) for one in final.classes_].index(context.objective.positive_class)


def _output(final: Any, made: NDArray[np.float64], context: Context) -> tuple[NDArray[np.float64], str]:
    """Return what the explainer explains: the margin where the model has one, else the probability."""
    if context.objective.task == "regression":
        return np.asarray(final.predict(made), dtype=float), "target"
    at = _positive(final, context)
    if hasattr(final, "decision_function"):
        margin = np.asarray(final.decision_function(made), dtype=float)
        return (margin if at == 1 else -margin), "log-odds"
    return np.asarray(final.predict_proba(made)[:, at], dtype=float), "probability"


def _sampled(context: Context, rows: pd.DataFrame, asked: Answer, seed: int) -> Attributions:
    import shap

    coding = Coding.of(context.data, context.features)
    behind = coding.encode(context.sample(_SAMPLED_BACKGROUND, "background"))
    explained = coding.encode(rows)

    def ask(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        return asked.call(coding.decode(np.asarray(matrix)))

    with quietly():
        masker = shap.maskers.Independent(behind, max_samples=len(behind))
        explainer = shap.explainers.Permutation(ask, masker, seed=seed)
        told = explainer(explained, max_evals=2 * len(coding.names) + 1, silent=True)
    base = np.broadcast_to(np.asarray(told.base_values, dtype=float), (len(explained),)).copy()
    scale = "probability" if asked.is_share else "target" if context.objective.task == "regression" else "raw"
    return Attributions(np.asarray(told.values, dtype=float), base, ask(explained), "permutation", scale)


def ranked(values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the places of features by the size of their shares, largest first; ties by place."""
    return np.argsort(-np.abs(np.asarray(values)), kind="stable")
