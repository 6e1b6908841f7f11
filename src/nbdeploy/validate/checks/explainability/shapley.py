"""SHAP over many rows: which features move the answers, and whether the shares add up."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from nbdeploy.validate.checks.drawing import GREEN, bars, heading, panels, rows_height
from nbdeploy.validate.checks.explainability.answer import NEEDS_MODEL, answer
from nbdeploy.validate.checks.explainability.attributions import Attributions, attributions
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import mean_interval
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd


def shap_importance(context: Context) -> Shown:
    """Record how well SHAP values add up to the output that they explain, and their mean size by feature."""
    explained = explained_rows(context)
    if explained is None:
        context.not_available(NEEDS_MODEL, "shap_additivity_residual")
        return Shown(text="Not measured: it needs the model.")
    _, shares = explained
    size = np.abs(shares.shares)
    features = []
    for at, name in enumerate(context.features):
        limits, _ = mean_interval(size[:, at], context.objective.level)
        features.append({"feature": name, "mean_abs": float(size[:, at].mean()), "interval": limits})
    features.sort(key=lambda one: -float(str(one["mean_abs"])))
    found = context.record(
        "shap_additivity_residual",
        shares.residual,
        method=f"SHAP {shares.explainer} explainer, on the scale of the {shares.scale}",
        n=len(size),
        sample=len(size),
        data={"explainer": shares.explainer, "scale": shares.scale, "features": features},
    )
    shown = features[:20]
    figure, (axis,) = panels(height=rows_height(len(shown)))
    sizes = [float(str(one["mean_abs"])) for one in shown]
    bars(axis, [str(one["feature"]) for one in shown], sizes, colour=GREEN)
    heading(axis, "Mean size of SHAP values")
    axis.set_xlabel(f"Mean share of the {shares.scale}, {len(size)} rows")
    return Shown(figure, measured([found]), alternative="mean size of SHAP values by feature")


@lru_cache(maxsize=1)
def explained_rows(context: Context) -> tuple[pd.DataFrame, Attributions] | None:
    """Return sampled rows with their SHAP values; None without a model. The first rows also go to LIME."""
    asked = answer(context)
    if asked is None:
        return None
    rows = context.sample(60 if context.draft else 300, "explained")
    mixed = rows.iloc[context.rng("explained order").permutation(len(rows))]
    seed = int(context.rng("shap").integers(2**31))
    shares = attributions(context, mixed, asked, seed=seed)
    return mixed.iloc[: len(shares.shares)], shares
