"""How much worse the model gets when a feature is shuffled."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.binomial import normal_quantile
from nbdeploy.stats.tally.levels import plain
from nbdeploy.validate.checks.drawing import bars, heading, panels, rows_height
from nbdeploy.validate.checks.explainability.answer import NEEDS_MODEL, Answer, answer, input_coding
from nbdeploy.validate.checks.explainability.coded import coded_answers
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

Values = NDArray[np.float64]
Shuffled = Callable[[int, NDArray[np.int64]], NDArray[Any]]


@dataclass(frozen=True)
class Importance:
    """The mean loss of quality when `feature` is shuffled, with limits."""

    feature: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Importances:
    """All features, most important first, with what quality is measured by."""

    scoring: str
    features: tuple[Importance, ...]
    rows: int
    repeats: int


def permutation_importance(context: Context) -> Shown:
    """Record the largest permutation importance, and all of them for the chart."""
    found = importances(context)
    if found is None:
        context.not_available(NEEDS_MODEL, "permutation_importance")
        return Shown(text="Not measured: it needs the model.")
    if not found.features:
        context.not_available(f"{found.scoring} is undefined in the sampled rows", "permutation_importance")
        return Shown(text=f"Not measured: {found.scoring} is undefined in the sampled rows.")
    top = found.features[0]
    recorded = context.record(
        "permutation_importance",
        top.mean,
        interval=(top.low, top.high),
        level=context.objective.level,
        method=f"loss of {found.scoring} over {found.repeats} shuffles, normal limits over rows and shuffles",
        n=found.rows,
        sample=found.rows,
        data={"scoring": found.scoring, "features": [vars(one) for one in found.features]},
        note=f"The most important feature: {top.feature}.",
    )
    shown = found.features[:20]
    figure, (axis,) = panels(height=rows_height(len(shown)))
    bars(axis, [f.feature for f in shown], [f.mean for f in shown], [(f.low, f.high) for f in shown])
    heading(axis, "Permutation importance")
    axis.set_xlabel(f"Loss of {found.scoring} when the feature is shuffled")
    return Shown(figure, measured([recorded]), alternative="permutation importance by feature")


@lru_cache(maxsize=1)
def importances(context: Context) -> Importances | None:
    """Return the permutation importance (Breiman 2001) of every feature; None without a model.

    Quality is the area under the ROC curve where there are scores, accuracy of other decisions, R² of a regression.
    Each is a mean over rows, or nearly so, of a contribution: the limits add the variance of the contributions' mean
    loss over rows to that between shuffles.
    """
    asked = answer(context)
    model = context.model
    if asked is None or model is None:
        return None
    rows = context.sample(400 if context.draft else 1500, "importance")
    repeats = 2 if context.draft else 4
    truth = context.predictions["label"].to_numpy()[rows.index.to_numpy()]
    inputs = rows[list(context.features)]
    scoring, contributions = _quality(context, truth)
    if scoring == "accuracy":
        before, ask = contributions(np.asarray(model.decide(inputs))), _by_frame(inputs, model.decide)
    else:
        before, ask = contributions(asked.call(inputs)), _by_code(context, asked, inputs)
    if np.isnan(before).any():
        return Importances(scoring, (), len(rows), repeats)
    z = normal_quantile(context.objective.level)
    found = []
    for at, name in enumerate(context.features):
        rng = context.rng(f"shuffle {name}")
        orders = np.concatenate([rng.permutation(len(rows)) for _ in range(repeats)])
        answers = ask(at, orders).reshape(repeats, len(rows))
        loss = np.stack([before - contributions(one) for one in answers])
        means, each = loss.mean(axis=1), loss.mean(axis=0)
        error = math.sqrt(each.var(ddof=1) / len(each) + means.var(ddof=1) / repeats)
        mean = float(means.mean())
        found.append(Importance(name, mean, mean - z * error, mean + z * error))
    found.sort(key=lambda one: (-one.mean, one.feature))
    return Importances(scoring, tuple(found), len(rows), repeats)


def _by_frame(inputs: pd.DataFrame, call: Callable[[pd.DataFrame], Any]) -> Shuffled:
    """Return a function of a column's place and one or more orders of its rows, one after another, that asks `call`."""

    def ask(at: int, orders: NDArray[np.int64]) -> NDArray[Any]:
        shuffled = inputs.take(np.tile(np.arange(len(inputs)), len(orders) // len(inputs))).reset_index(drop=True)
        name = inputs.columns[at]
        shuffled[name] = inputs[name].take(orders).array
        return np.asarray(call(shuffled))

    return ask


def _by_code(context: Context, asked: Answer, inputs: pd.DataFrame) -> Shuffled:
    """Return the same on coded rows, which are quicker to answer; a missing number has no code, and then on frames."""
    if inputs.isna().to_numpy().any():
        return _by_frame(inputs, asked.call)
    coding = input_coding(context)
    matrix = coding.encode(inputs)
    quick = coded_answers(context, asked, coding, matrix)

    def ask(at: int, orders: NDArray[np.int64]) -> NDArray[Any]:
        mixed = np.tile(matrix, (len(orders) // len(matrix), 1))
        mixed[:, at] = matrix[orders, at]
        return quick(mixed)

    return ask


def _quality(context: Context, truth: NDArray[np.generic]) -> tuple[str, Callable[[NDArray[np.generic]], Values]]:
    """Return the name of the quality and a function that gives each row's contribution; their mean is the quality."""
    objective = context.objective
    if objective.task == "regression":
        known = truth.astype(float)
        spread = float(known.var())
        return (
            "R²",
            lambda given: 1 - (known - given.astype(float)) ** 2 / spread if spread else np.full(len(known), np.nan),
        )
    if objective.task == "binary" and "score" in context.predictions:
        positive = np.array([plain(label) == objective.positive_class for label in truth])
        return "ROC AUC", lambda given: placements(positive, given.astype(float))
    return "accuracy", lambda given: (np.asarray(given) == truth).astype(float)


def placements(positive: NDArray[np.bool_], scores: Values) -> Values:
    """Return each row's contribution to the area under the ROC curve, so that their mean is the area.

    A positive's is the share of negatives below it, a negative's the share of positives above it (DeLong, DeLong and
    Clarke-Pearson 1988). Deviations from the area are weighted by the inverse share of the row's class, which makes the
    variance of their mean DeLong's. NaN where a class is missing.
    """
    from scipy.stats import rankdata

    p, n = int(positive.sum()), int((~positive).sum())
    if not p or not n:
        return np.full(len(scores), np.nan)
    overall = rankdata(scores)
    share = np.empty(len(scores))
    share[positive] = (overall[positive] - rankdata(scores[positive])) / n
    share[~positive] = 1 - (overall[~positive] - rankdata(scores[~positive])) / p
    weight = np.where(positive, len(scores) / p, len(scores) / n)
    area = float(share[positive].mean())
    return area + weight * (share - area)
