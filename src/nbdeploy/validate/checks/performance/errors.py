"""How far a regression is off, and which way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.metrics import ERROR_QUANTILES
from nbdeploy.validate.checks.drawing import BLUE, FAINT, QUIET, heading, panels
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import mean_interval
from nbdeploy.validate.context import Context

Values = NDArray[np.float64]
_TOLD = 5
"""Parts and cells of fewer rows are not told: they would show single people's truths."""


def prediction_errors(context: Context) -> Shown:
    """Record a regression's errors, with their histogram and the mean truth by tenths of the prediction."""
    if context.objective.task != "regression":
        return Shown(text=f"Does not apply: errors are of a regression, and this is {context.objective.task}.")
    truth, said = (context.predictions[name].to_numpy(dtype=float) for name in ("label", "predicted"))
    errors, level = said - truth, context.objective.level
    counts, edges = np.histogram(errors, bins=30)
    bins = _tenths(truth, said, level)
    found = [
        context.recompute("mean_absolute_error"),
        context.recompute("root_mean_squared_error", data={"histogram": {"edges": edges, "counts": counts}}),
        context.recompute("mean_error", data={"residuals": _spread(said, errors)}),
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
    held = f"The pictures are of {context.held:,} sampled rows." if context.held < context.rows else ""
    return Shown(figure, measured(found), held, alternative="histogram of errors and truth by prediction")


def residuals(context: Context) -> Shown:
    """Record quantiles of the error over all rows, and show those of the rows at hand along the prediction."""
    if context.objective.task != "regression":
        return Shown(text=f"Does not apply: errors are of a regression, and this is {context.objective.task}.")
    truth, said = (context.predictions[name].to_numpy(dtype=float) for name in ("label", "predicted"))
    errors = said - truth
    parts, found = _spread(said, errors), [context.recompute(metric) for metric in ERROR_QUANTILES]
    figure, (axis,) = panels(height=3.0)
    counts, across, up = np.histogram2d(said, errors, bins=24)
    shown = np.where(counts >= _TOLD, counts, np.nan)
    axis.pcolormesh(across, up, shown.T, cmap="Greys", vmin=0, vmax=2 * float(counts.max()), zorder=0)
    axis.axhline(0, color=QUIET, linewidth=1, linestyle=(0, (3, 2)))
    along = [one["mean_predicted"] for one in parts]
    for low, high, shade in (("q05", "q95", 0.14), ("q25", "q75", 0.26)):
        axis.fill_between(
            along, [one[low] for one in parts], [one[high] for one in parts], color=BLUE, alpha=shade, linewidth=0
        )
    axis.plot(along, [one["q50"] for one in parts], "o-", color=BLUE, markersize=4)
    heading(axis, "Errors by prediction: median, middle half, middle nine tenths")
    axis.set(xlabel="Prediction", ylabel="Prediction − truth")
    held = f"The picture is of {context.held:,} sampled rows, the table of all." if context.held < context.rows else ""
    return Shown(figure, measured(found), held, alternative="errors along the range of the prediction")


def _spread(said: Values, errors: Values) -> list[dict[str, Any]]:
    """Return quantiles of the errors by tenths of the prediction."""
    found = []
    for part in _parts(said):
        low, quarter, middle, three, high = np.quantile(errors[part], [0.05, 0.25, 0.5, 0.75, 0.95])
        found.append(
            {
                "mean_predicted": float(said[part].mean()),
                "n": len(part),
                "q05": low,
                "q25": quarter,
                "q50": middle,
                "q75": three,
                "q95": high,
            }
        )
    return found


def _tenths(truth: Values, said: Values, level: float) -> list[dict[str, Any]]:
    return [
        {
            "mean_predicted": float(said[part].mean()),
            "mean_truth": float(truth[part].mean()),
            "n": len(part),
            "interval": mean_interval(truth[part], level)[0],
        }
        for part in _parts(said)
    ]


def _parts(said: Values) -> list[NDArray[np.intp]]:
    """Return the places of the rows in tenths of the prediction, or in larger parts that hold five rows each."""
    return np.array_split(np.argsort(said, kind="stable"), max(min(10, len(said) // _TOLD), 1))
