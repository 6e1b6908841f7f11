"""Rows whose outcome contradicts what rows like them show: errors of recording, or rows put in to harm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.validate.checks.columns import finite_floats, numeric
from nbdeploy.validate.checks.drawing import bars, heading, panels, rows_height
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import EXACT, rate_difference_interval, rate_interval
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

_METRIC = "suspect_label_share"
_ROWS = 4000
_FOLDS = 4
_LEAST_KNOWN = 20
"""Values that a column must have to be learnt from: fewer could all fall into one fold."""

UNLIKELY, LESS_THAN_USUAL = 0.15, 0.5
"""A recorded class is contradicted where its probability is at most this, and at most this share of what is usual."""

_FENCE = 3.0
"""Interquartile ranges beyond the quartiles of the errors: Tukey's outer fence."""


def suspect_labels(context: Context) -> Shown:
    """Record the share of rows whose label a model that never saw them contradicts with confidence.

    Classes: the off-diagonal of the confident joint of Northcutt, Jiang and Chuang (2021), Journal of Artificial
    Intelligence Research 70:1373–1411, section 3: the probability of another class is at least what rows of that class
    get on average. Where outcomes can hardly be told, half of all rows are on it: so the recorded class must be
    unlikely besides, in itself and beside its share of all rows. Regression: the error lies beyond Tukey's outer
    fences. What happened against the odds counts too, so these are rows to look at, not errors proved.

    The training rows, where labels that were put in to harm would stand, are held to the same and told beside.
    """
    rows = context.sample(_ROWS // 4 if context.draft else _ROWS, "suspect labels")
    answers = context.predictions.iloc[rows.index.to_numpy()]
    found = _found(context, rows, answers["label"], "label folds")
    if isinstance(found, str):
        context.not_available(found, _METRIC)
        return Shown(text=f"Not measured: {found}.")
    return _record(context, found, _in_training(context, len(rows)), _model_errs(context, answers[found.judged]))


@dataclass(frozen=True)
class _Found:
    """Which rows of a sample were judged, which of these are suspects, and of which recorded and likely class."""

    judged: NDArray[np.bool_]
    suspect: NDArray[np.bool_]
    kinds: list[dict[str, Any]]


def _found(context: Context, rows: pd.DataFrame, label: pd.Series, folds: str) -> _Found | str:
    """Return the suspects among rows, or why none can be told."""
    names = [name for name in context.features if name in rows.columns and name != context.objective.target]
    judged = label.notna().to_numpy()
    if context.objective.task != "regression":
        counts = label.value_counts()
        judged = judged & label.isin(counts[counts >= 2 * _FOLDS].index).to_numpy()
    rows, label = rows[judged], label[judged]
    if not names or len(rows) < 100 or label.nunique() < 2:
        return f"{len(rows)} rows are too few to say what rows like them show"
    matrix, rng = _matrix(rows, names), context.rng(folds)
    if context.objective.task == "regression":
        return _Found(judged, _far_off(matrix, label.to_numpy(dtype=float), rng), [])
    return _Found(judged, *_contradicted(matrix, label, rng))


def _in_training(context: Context, n: int) -> dict[str, int] | None:
    """Return how many of so many training rows are suspects; None where it cannot be told."""
    train, target = context.train, context.objective.target
    if train is None or target not in train.columns:
        return None
    chosen = np.sort(context.rng("suspect training labels").permutation(len(train))[:n])
    rows = train.iloc[chosen]
    found = _found(context, rows, rows[target], "training label folds")
    return None if isinstance(found, str) else {"suspects": int(found.suspect.sum()), "rows": len(found.suspect)}


def _record(context: Context, of: _Found, training: dict[str, int] | None, wrong: NDArray[np.bool_]) -> Shown:
    k, n = int(of.suspect.sum()), len(of.suspect)
    also = int((of.suspect & wrong).sum())
    errs = int(wrong.sum())
    classes = context.objective.task != "regression"
    how = f"confident joint (Northcutt 2021), p ≤ {UNLIKELY:g}" if classes else "errors beyond Tukey's outer fences"
    data = {"suspects": k, "rows": n, "kinds": of.kinds[:20], "model_errs_on": also, "model_errs": errs}
    found = context.record(
        _METRIC,
        k / n,
        interval=rate_interval(k, n, context.objective.level),
        level=context.objective.level,
        method=f"{EXACT}; {how} of boosted trees, {_FOLDS}-fold cross-validated",
        n=n,
        denominator=n,
        sample=n,
        data=data | {"train": training},
    )
    said = [_beside(context, k, n, training)] if training is not None else []
    if k:
        of_errors = f", which are {also / errs:.0%} of its {errs:,} errors on these rows" if errs else ""
        said.append(f"The model under test contradicts {also:,} of these {k:,} labels too{of_errors}.")
    text = " ".join(said)
    if not of.kinds:
        return Shown(table=measured([found]), text=text)
    shown = of.kinds[:8]
    figure, (axis,) = panels(height=rows_height(len(shown)))
    bars(axis, [f"recorded {one['label']}, looks like {one['like']}" for one in shown], [one["rows"] for one in shown])
    heading(axis, "Rows whose label contradicts what rows like them show")
    return Shown(figure, measured([found]), text, alternative="suspect labels by recorded and likely class")


def _beside(context: Context, k: int, n: int, training: dict[str, int]) -> str:
    """Return what is said of the training rows: a difference beyond chance is where poisoned labels would show."""
    j, m = training["suspects"], training["rows"]
    low, high = rate_difference_interval(j, m, k, n, context.objective.level)
    told = f"Of {m:,} training rows {j / m:.1%} are such"
    if low > 0:
        return (
            f"{told}, more than chance explains: outcomes were recorded otherwise there, or some were put in to harm."
        )
    if high < 0:
        return f"{told}, fewer than chance explains: outcomes were recorded otherwise here, or some of these are wrong."
    return f"{told}."


def _matrix(rows: pd.DataFrame, names: list[str]) -> NDArray[np.float64]:
    """Return shape (rows, columns): numbers as they are, other values by how common they are; a tree asks no more."""
    quantities = set(numeric(rows, names))
    parts = []
    for name in names:
        if rows[name].notna().sum() < _LEAST_KNOWN:
            continue
        if name in quantities:
            parts.append(finite_floats(rows[name]))
        else:
            places = {level: at for at, level in enumerate(rows[name].value_counts().index)}
            parts.append(rows[name].map(places).to_numpy(dtype=np.float64, na_value=np.nan))
    return np.column_stack(parts) if parts else np.zeros((len(rows), 1))


def _contradicted(
    matrix: NDArray[np.float64], label: pd.Series, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], list[dict[str, Any]]]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    classes, codes = np.unique(label.to_numpy(), return_inverse=True)
    seed = int(rng.integers(2**31))
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    model = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=15, early_stopping=False, random_state=seed)
    chance = cross_val_predict(model, matrix, codes, cv=folds, method="predict_proba")
    looks_like = confident_class(chance, codes)
    recorded, usual = chance[np.arange(len(codes)), codes], np.bincount(codes) / len(codes)
    unlikely = recorded <= np.minimum(UNLIKELY, LESS_THAN_USUAL * usual[codes])
    suspect = (looks_like >= 0) & (looks_like != codes) & unlikely
    pairs, rows = np.unique(np.column_stack([codes, looks_like])[suspect], axis=0, return_counts=True)
    kinds = [
        {"label": str(classes[given]), "like": str(classes[like]), "rows": int(count)}
        for (given, like), count in zip(pairs, rows, strict=True)
    ]
    return suspect, sorted(kinds, key=lambda one: -one["rows"])


def confident_class(chance: NDArray[np.float64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the class that each row confidently looks like, −1 for none.

    Of the classes whose probability is at least the mean probability that rows labelled so get, the likeliest
    (Northcutt et al. 2021, equation 1).

    Parameters
    ----------
    chance
        Probabilities of shape (rows, classes) by a model that did not see the row.
    codes
        The recorded class of each row, as a column of `chance`.
    """
    thresholds = np.array([chance[codes == at, at].mean() for at in range(chance.shape[1])])
    sure = np.where(chance >= thresholds, chance, -1.0)
    return np.where(sure.max(axis=1) >= 0, sure.argmax(axis=1), -1)


def _far_off(matrix: NDArray[np.float64], target: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.model_selection import KFold, cross_val_predict

    seed = int(rng.integers(2**31))
    model = HistGradientBoostingRegressor(max_iter=60, max_leaf_nodes=15, early_stopping=False, random_state=seed)
    folds = KFold(_FOLDS, shuffle=True, random_state=seed)
    error = target - cross_val_predict(model, matrix, target, cv=folds)
    return _beyond(error)


def _beyond(error: NDArray[np.float64]) -> NDArray[np.bool_]:
    lower, upper = np.quantile(error, [0.25, 0.75])
    reach = _FENCE * (upper - lower)
    return np.asarray((error < lower - reach) | (error > upper + reach))


def _model_errs(context: Context, answers: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether the model under test contradicts the label as well: another class, or a number as far off."""
    if context.objective.task == "regression":
        return _beyond(answers["label"].to_numpy(dtype=float) - answers["predicted"].to_numpy(dtype=float))
    return np.asarray(answers["label"].to_numpy() != answers["predicted"].to_numpy())
