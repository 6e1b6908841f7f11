"""How well the model's inputs tell a sensitive feature that it may not even see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.measurement import Measurement
from nbdeploy.validate.checks.areas import separation
from nbdeploy.validate.checks.columns import FEW_VALUES, as_floats, levels, numeric
from nbdeploy.validate.checks.drawing import bars, heading, panels, rows_height
from nbdeploy.validate.checks.explainability.answer import NEEDS_MODEL, Coding
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

Values = NDArray[np.float64]
Codes = NDArray[np.int64]

_ROWS, _DRAFT_ROWS = 3000, 1000
_FOLDS = 3
_LEVELS = 8
_FEWEST = 20
"""Rows of a group, and rows of others, below which it is not asked how well they are told apart."""


@dataclass(frozen=True)
class Told:
    """How well one group is told from all others: areas under the ROC curve of out-of-fold scores."""

    group: str
    area: float
    interval: tuple[float, float]
    rows: int
    alone: dict[str, float]
    """The area that each input reaches by itself."""


def proxy_strength(context: Context) -> Shown:
    """Record for each sensitive feature how well the model's other inputs tell its groups apart.

    The value is the area under the ROC curve of boosted trees for the group that is told best, out of fold: 0.5 is
    guessing, 1 means that leaving the feature out hides nothing. A quantity is cut at its median.
    """
    if context.model is None or not context.objective.sensitive:
        reason = NEEDS_MODEL if context.model is None else "no sensitive feature is declared"
        context.not_available(reason, "proxy_strength")
        return Shown(text=f"Not measured: {reason}.")
    rows = context.sample(_DRAFT_ROWS if context.draft else _ROWS, "proxies")
    found = [_record(context, rows, name) for name in context.objective.sensitive]
    known = sorted((one for one in found if one.value is not None), key=lambda one: -(one.value or 0))
    if not known:
        context.not_available("no sensitive feature has two groups that are large enough", "proxy_strength")
        return Shown(table=measured(found))
    _headline(context, known)
    figure, (axis,) = panels(height=rows_height(len(known), least=1.3))
    labels = [", ".join(one.features) for one in known]
    bars(axis, labels, [(one.value or 0) - 0.5 for one in known], [_shifted(one.interval) for one in known])
    axis.set_xlim(-0.02, 0.52)
    axis.set_xticks([0, 0.1, 0.2, 0.3, 0.4, 0.5], ["0.5", "0.6", "0.7", "0.8", "0.9", "1"])
    axis.set_xlabel("0.5: guessing, 1: told without error (area under the ROC curve)")
    heading(axis, "How well the inputs tell a sensitive feature")
    said = "\n".join(f"{', '.join(one.features)}: {one.note}" for one in known)
    return Shown(figure, measured(found), said, alternative="how well the inputs tell each sensitive feature")


def _headline(context: Context, known: list[Measurement]) -> None:
    """Record the strongest once more, without its feature: what a gate that names none is of."""
    top = known[0]
    of = ", ".join(top.features)
    context.record(
        "proxy_strength",
        top.value,
        interval=top.interval,
        level=top.level,
        method=top.method,
        n=top.n,
        sample=top.n,
        data={
            "features": [
                {"feature": ", ".join(one.features), "area": one.value, "interval": one.interval, **one.data}
                for one in known
            ]
        },
        note=f"The sensitive feature that is told best: {of}. {top.note}",
    )


def _shifted(interval: Any) -> tuple[float, float] | None:
    return interval and (interval[0] - 0.5, interval[1] - 0.5)


def _record(context: Context, rows: pd.DataFrame, name: str) -> Measurement:
    inputs = [one for one in context.features if one != name]
    rows = rows[rows[name].notna()]
    groups = _groups(rows, name)
    if not inputs or not groups:
        reason = "the model has no other input" if not inputs else f"fewer than two groups of {_FEWEST} sampled rows"
        return context.record("proxy_strength", features=(name,), undefined=reason)
    comparisons = len(groups) * len(context.objective.sensitive)
    compared = f"Bonferroni over {comparisons} areas" if comparisons > 1 else "one area"
    told = _told(context, rows, inputs, groups, name)
    best = max(told, key=lambda one: one.area)
    alone = sorted(best.alone.items(), key=lambda pair: (-pair[1], pair[0]))
    return context.record(
        "proxy_strength",
        best.area,
        features=(name,),
        interval=best.interval,
        level=context.objective.level,
        method=f"out-of-fold area of boosted trees, DeLong, {compared}",
        n=len(rows),
        sample=len(rows),
        data={
            "groups": [{"group": one.group, "area": one.area, "interval": one.interval, "n": one.rows} for one in told],
            "of": best.group,
            "single": [{"feature": feature, "area": area} for feature, area in alone[:10]],
            "is_input": name in context.features,
        },
        note=f"{best.group} is told best; of single inputs by {_best_three(alone)}.",
    )


def _best_three(alone: list[tuple[str, float]]) -> str:
    return ", ".join(f"{feature} ({area:.2f})" for feature, area in alone[:3])


def _groups(rows: pd.DataFrame, name: str) -> dict[str, NDArray[np.bool_]]:
    """Return who belongs to each group that is large enough, the largest first; of two groups only the smaller."""
    if name in numeric(rows, [name]) and rows[name].nunique() > FEW_VALUES:
        values = as_floats(rows[name])
        found = {f"{name} above {np.median(values):.4g}": values > np.median(values)}
    else:
        texts = levels(rows[name])
        counts = texts.value_counts()
        kept = counts.index[-1:] if len(counts) == 2 else counts.index[:_LEVELS]
        found = {str(level): (texts == level).to_numpy() for level in kept}
    return {group: mine for group, mine in found.items() if min(mine.sum(), (~mine).sum()) >= _FEWEST}


def _told(
    context: Context, rows: pd.DataFrame, inputs: list[str], groups: dict[str, NDArray[np.bool_]], name: str
) -> list[Told]:
    coding = Coding.of(rows, inputs)
    matrix = coding.encode(rows)
    folds = context.rng(f"folds {name}").permutation(np.arange(len(rows)) % _FOLDS)
    level = 1 - (1 - context.objective.level) / (len(groups) * len(context.objective.sensitive))
    bins = {feature: _bins(matrix[:, at], quantity=at in coding.middles) for at, feature in enumerate(inputs)}
    coded = {at: bins[inputs[at]] for at in coding.levels}
    found = []
    for group, mine in groups.items():
        told = separation(mine, _scores(matrix, coded, mine, folds))
        alone = {feature: separation(mine, _shares(codes, mine, folds)).area.value for feature, codes in bins.items()}
        found.append(Told(group, told.area.value, told.interval(level)[0], int(mine.sum()), alone))
    return found


def _scores(matrix: Values, coded: dict[int, Codes], mine: NDArray[np.bool_], folds: Codes) -> Values:
    """Return each row's score by trees that were grown on the other folds.

    A score is its rank within its fold, since two fits do not share one scale.
    """
    from scipy.stats import rankdata
    from sklearn.ensemble import HistGradientBoostingClassifier

    scores = np.empty(len(mine))
    for fold in range(_FOLDS):
        out = folds == fold
        told = _with_shares(matrix, coded, mine, folds, fold)
        # Small steps and leaves: groups of a few dozen rows are told best so, and large ones no worse.
        trees = HistGradientBoostingClassifier(
            max_iter=30,
            max_leaf_nodes=4,
            min_samples_leaf=10,
            learning_rate=0.15,
            l2_regularization=1,
            early_stopping=False,
            random_state=0,
        )
        given = trees.fit(told[~out], mine[~out]).decision_function(told[out])
        scores[out] = rankdata(given) / out.sum()
    return scores


def _with_shares(
    matrix: Values, coded: dict[int, Codes], mine: NDArray[np.bool_], folds: Codes, left_out: int
) -> Values:
    """Return the matrix with the share of the group in place of each level's number, which has no order to split at.

    A row's shares come from folds other than its own and the one left out: no row's own group stands among its inputs.
    """
    made = matrix.copy()
    for fold in range(_FOLDS):
        rows, others = folds == fold, (folds != fold) & (folds != left_out)
        for at, codes in coded.items():
            made[rows, at] = _share_by_code(codes, mine, others)[codes[rows]]
    return made


def _bins(values: Values, *, quantity: bool) -> Codes:
    if not quantity:
        return values.astype(np.int64)
    return np.searchsorted(np.unique(np.quantile(values, np.linspace(0.05, 0.95, 19))), values, side="right")


def _shares(codes: Codes, mine: NDArray[np.bool_], folds: Codes) -> Values:
    """Return the share of the group among other folds' rows of the same bin."""
    scores = np.empty(len(mine))
    for fold in range(_FOLDS):
        out = folds == fold
        scores[out] = _share_by_code(codes, mine, ~out)[codes[out]]
    return scores


def _share_by_code(codes: Codes, mine: NDArray[np.bool_], rows: NDArray[np.bool_]) -> Values:
    """Return the share of the group among `rows` of each code, drawn to the whole by two rows."""
    hits = np.bincount(codes[rows], weights=mine[rows], minlength=codes.max() + 1)
    size = np.bincount(codes[rows], minlength=codes.max() + 1)
    shares: Values = (hits + 2 * mine[rows].mean()) / (size + 2)
    return shares
