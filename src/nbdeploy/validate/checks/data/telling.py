"""Inputs that tell the outcome by themselves: often the outcome in disguise, written down after it was known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.binomial import normal_quantile, shared_level
from nbdeploy.validate.checks.areas import separation
from nbdeploy.validate.checks.columns import finite_floats, levels, numeric
from nbdeploy.validate.checks.drawing import QUIET, dots, heading, panels, rows_height
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

TELLING = {"single_feature_auc": 0.98, "single_feature_r2": 0.95}
"""Strength from which on an input is pointed out: hardly any honest one reaches it alone."""

_MOST_BINS = 64
_MOST_ROWS = 20_000
_LEAST_ROWS = 50
_LEAST_OF_CLASS = 10
_SHOWN = 15


def target_leakage(context: Context) -> Shown:
    """Record how well the best single input tells the target, on rows that it was not learnt on.

    Each input is cut into at most 64 bins (quantiles of its values, or its levels), and a row's score is the mean
    target of its bin in the other half of the rows: a one-column tree, judged where it was not learnt. Classes: the
    area under the ROC curve, of many classes that of the class told best. Regression: the squared correlation.
    """
    regression = context.objective.task == "regression"
    metric = "single_feature_r2" if regression else "single_feature_auc"
    names = [name for name in context.features if name in context.data.columns and name != context.objective.target]
    rows = context.sample(_MOST_ROWS // 4 if context.draft else _MOST_ROWS, "target leakage")
    target = context.predictions["label"].iloc[rows.index.to_numpy()]
    outcomes = _outcomes(context, target)
    learnt = halves(target, context.rng("halves"), stratified=not regression)
    if not names or not outcomes or len(rows) < _LEAST_ROWS:
        reason = (
            f"{len(rows)} rows are too few to learn on one half and judge on the other"
            if names and outcomes
            else "there is nothing to tell"
        )
        context.not_available(reason, metric)
        return Shown(text=f"Not measured: {reason}.")
    quantities = set(numeric(rows, names))
    each = shared_level(context.objective.level, len(names) * len(outcomes))
    found = [
        strength(name, bins_of(rows[name], quantity=name in quantities), outcomes, learnt, each, regression=regression)
        for name in names
    ]
    found.sort(key=lambda one: (-one["value"], one["column"]))
    return _record(context, metric, found, (len(rows), int((~learnt).sum())), len(outcomes))


def _record(context: Context, metric: str, found: list[dict[str, Any]], rows: tuple[int, int], outcomes: int) -> Shown:
    telling = [one["column"] for one in found if one["value"] >= TELLING[metric]]
    what = "the target" if outcomes == 1 else f"one class of {outcomes}, {found[0]['class']},"
    note = (
        f"{', '.join(telling[:3])} {'tells' if len(telling) == 1 else 'tell'} {what} almost alone: make sure that "
        f"{'it is' if len(telling) == 1 else 'they are'} known before the outcome."
        if telling
        else f"The input that tells most: {found[0]['column']}."
    )
    how = "Fisher z" if metric == "single_feature_r2" else "DeLong, logit"
    how += f", Bonferroni over {len(found) * outcomes} comparisons"
    recorded = context.record(
        metric,
        found[0]["value"],
        interval=(max(one["interval"][0] for one in found), max(one["interval"][1] for one in found)),
        level=context.objective.level,
        method=f"{how}; learnt on one half of the rows, judged on the other",
        n=rows[1],
        denominator=rows[1],
        sample=rows[0],
        data={"columns": found[:40], "telling": telling, "at": TELLING[metric]},
        note=note,
    )
    shown = found[:_SHOWN]
    figure, (axis,) = panels(height=rows_height(len(shown)))
    dots(axis, [one["column"] for one in shown], [one["value"] for one in shown], [one["interval"] for one in shown])
    axis.axvline(TELLING[metric], color=QUIET, linewidth=1, linestyle=(0, (3, 2)))
    axis.set_xlim(0 if metric == "single_feature_r2" else 0.4, 1.01)
    measure = "squared correlation" if metric == "single_feature_r2" else "area under the ROC curve"
    heading(axis, f"How well one input alone tells the target ({measure})")
    return Shown(figure, measured([recorded]), note, alternative="strength of each input alone")


def _outcomes(context: Context, target: pd.Series) -> dict[str, NDArray[np.float64]]:
    """Return what is to be told by name, each of shape (rows,): the number, or 0/1 for each class (one of two)."""
    if context.objective.task == "regression":
        values = target.to_numpy(dtype=np.float64)
        return {context.objective.target: values} if np.ptp(values) else {}
    counts = target.value_counts()
    classes = list(counts[counts >= _LEAST_OF_CLASS].index)
    wanted = [context.objective.positive_class] if context.objective.task == "binary" else classes
    return {str(one): np.equal(target.to_numpy(), one).astype(np.float64) for one in wanted if one in classes}


def halves(target: pd.Series, rng: np.random.Generator, *, stratified: bool) -> NDArray[np.bool_]:
    """Return which rows are learnt on: one half, each class in its share. Cross-validation would leave no row unused,
    and areas from it vary more than any interval knows: idle inputs would seem to tell something six times too often.
    """
    order = rng.permutation(len(target))
    if stratified:
        codes = target.astype("category").cat.codes.to_numpy()
        order = order[np.argsort(codes[order], kind="stable")]
    learnt = np.zeros(len(target), dtype=bool)
    learnt[order[::2]] = True
    return learnt


def bins_of(column: pd.Series, *, quantity: bool) -> NDArray[np.int64]:
    """Return the bin of each row; what is missing has a bin of its own, since it can tell the target as well."""
    if quantity:
        values = finite_floats(column)
        cuts = np.unique(np.nanquantile(values, np.linspace(0, 1, _MOST_BINS)[1:-1]))
        return np.where(np.isnan(values), len(cuts) + 1, np.searchsorted(cuts, values, side="left"))
    texts = levels(column)
    common = texts.value_counts().index[: _MOST_BINS - 1]
    places = {level: at for at, level in enumerate(common)}
    return np.asarray(texts.map(lambda text: places.get(text, len(common))), dtype=np.int64)


def strength(
    name: str,
    bins: NDArray[np.int64],
    outcomes: dict[str, NDArray[np.float64]],
    learnt: NDArray[np.bool_],
    level: float,
    *,
    regression: bool,
) -> dict[str, Any]:
    """Return how well a column's bins tell the outcome that they tell best, with limits, on the rows not learnt on."""
    best: dict[str, Any] = {}
    for name_of, outcome in outcomes.items():
        score, judged = _told(bins, outcome, learnt), outcome[~learnt]
        if regression:
            value, limits = _explained(score, judged, level)
        else:
            counts = separation(judged > 0, score)
            value, limits = counts.area.value, counts.interval(level)[0]
        if not best or value > best["value"]:
            best = {"column": name, "value": value, "interval": limits, "class": name_of}
    return best


def _told(bins: NDArray[np.int64], outcome: NDArray[np.float64], learnt: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the mean outcome of each judged row's bin among the rows learnt on, drawn to their mean by one row."""
    size = int(bins.max()) + 1
    sums = np.bincount(bins[learnt], outcome[learnt], minlength=size)
    rows = np.bincount(bins[learnt], minlength=size)
    means = (sums + outcome[learnt].mean()) / (rows + 1)
    found: NDArray[np.float64] = means[bins[~learnt]]
    return found


def _explained(
    score: NDArray[np.float64], outcome: NDArray[np.float64], level: float
) -> tuple[float, tuple[float, float]]:
    """Return the squared correlation, 0 where it is negative, with limits by Fisher's (1921) z."""
    if not np.ptp(score):
        return 0.0, (0.0, 0.0)
    r = float(np.corrcoef(score, outcome)[0, 1])
    z, half = math.atanh(min(max(r, -1 + 1e-12), 1 - 1e-12)), normal_quantile(level) / math.sqrt(len(score) - 3)
    low, high = (max(math.tanh(end), 0.0) ** 2 for end in (z - half, z + half))
    return max(r, 0.0) ** 2, (low, high)
