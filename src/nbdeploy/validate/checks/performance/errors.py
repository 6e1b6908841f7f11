"""How far a regression is off, and which way."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbdeploy.validate.checks.drawing import BLUE, FAINT, QUIET, heading, panels
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import mean_interval
from nbdeploy.validate.context import Context


def prediction_errors(context: Context) -> Shown:
    """Record a regression's errors, with their histogram and the mean truth by tenths of the prediction."""
    if context.objective.task != "regression":
        return Shown(text=f"Does not apply: errors are of a regression, and this is {context.objective.task}.")
    truth, said = (context.predictions[name].to_numpy(dtype=float) for name in ("label", "predicted"))
    counts, edges = np.histogram(said - truth, bins=30)
    bins = _tenths(truth, said, context.objective.level)
    found = [
        context.recompute("mean_absolute_error"),
        context.recompute("root_mean_squared_error", data={"histogram": {"edges": edges, "counts": counts}}),
        context.recompute("mean_error"),
        context.recompute("r2", data={"bins": bins}),
    ]
    figure, (left, right) = panels(2, height=3.0)
    left.bar(edges[:-1], counts, width=np.diff(edges) * 0.94, align="edge", color=BLUE, alpha=0.88)
    left.axvline(0, color=QUIET, linewidth=1, linestyle=(0, (3, 2)))
    heading(left, "Errors")
    left.set(xlabel="Prediction − truth", ylabel="Rows")
    left.grid(visible=False, axis="x")
    reach = [min(one["mean_predicted"] for one in bins), max(one["mean_predicted"] for one in bins)]
    right.plot(reach, reach, color=FAINT, linewidth=1.2, linestyle=(0, (3, 2)))
    for one in bins:
        if one["interval"] is not None:
            right.plot(
                [one["mean_predicted"]] * 2, one["interval"], color=BLUE, linewidth=2, alpha=0.45, solid_capstyle="butt"
            )
    right.plot(
        [one["mean_predicted"] for one in bins], [one["mean_truth"] for one in bins], "o-", color=BLUE, markersize=5
    )
    heading(right, "Truth by tenths of the prediction")
    right.set(xlabel="Mean prediction", ylabel="Mean truth")
    return Shown(figure, measured(found), alternative="histogram of errors and truth by prediction")


def _tenths(truth: np.ndarray[Any, Any], said: np.ndarray[Any, Any], level: float) -> list[dict[str, Any]]:
    parts = [part for part in np.array_split(np.argsort(said, kind="stable"), 10) if len(part)]
    return [
        {
            "mean_predicted": float(said[part].mean()),
            "mean_truth": float(truth[part].mean()),
            "n": len(part),
            "interval": mean_interval(truth[part], level)[0],
        }
        for part in parts
    ]
