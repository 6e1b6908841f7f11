"""How the average answer moves with one feature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.validate.checks.columns import as_floats, numeric
from nbdeploy.validate.checks.drawing import BLUE, FAINT, dots, heading, panels, text_width
from nbdeploy.validate.checks.explainability.answer import NEEDS_MODEL, Answer, answer
from nbdeploy.validate.checks.explainability.identifiers import showable
from nbdeploy.validate.checks.explainability.importance import importances
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import mean_interval
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

_FEATURES = 4
_POINTS = 12
_LEVELS = 10
_LINES = 20
_FEWEST = 50
"""Rows off the commonest value from which points along them are no single person's."""


def partial_dependence(context: Context) -> Shown:
    """Record the partial dependence (Friedman 2001) of the four most important features.

    The value is the largest rise of the average answer between two points of a feature's range; a quantity's range runs
    from its 2nd to its 98th percentile, of the rest where most rows share one value. Thin lines are single rows: where
    they cross, an average misleads.
    """
    ranked, asked = importances(context), answer(context)
    if ranked is None or asked is None:
        context.not_available(NEEDS_MODEL, "partial_dependence")
        return Shown(text="Not measured: it needs the model.")
    rows = context.sample(60 if context.draft else 200, "dependence")[list(context.features)]
    shown = showable(context.data, context.features)
    names = ([one.feature for one in ranked.features if one.feature in shown] or shown)[:_FEATURES]
    if not names:
        context.not_available("every input looks like an identifier", "partial_dependence")
        return Shown(text="Not measured: every input looks like an identifier.")
    quantities = set(numeric(context.data, context.features))
    curves = [_curve(context, rows, name, asked, quantity=name in quantities) for name in names]
    each = [
        (one["rows"][:, int(np.argmax(one["average"]))] - one["rows"][:, int(np.argmin(one["average"]))])
        for one in curves
    ]
    widest = int(np.argmax([gap.mean() for gap in each]))
    limits, method = mean_interval(each[widest], context.objective.level)
    found = context.record(
        "partial_dependence",
        float(each[widest].mean()),
        interval=limits,
        level=context.objective.level,
        method=f"{method}, between the lowest and the highest point",
        n=len(rows),
        sample=len(rows),
        data={"answer": asked.name, "features": [_told(one) for one in curves]},
        note=f"The feature with the largest effect: {curves[widest]['feature']}.",
    )
    return Shown(_draw(curves, asked), measured([found]), alternative="partial dependence of the top features")


def _curve(context: Context, rows: pd.DataFrame, name: str, asked: Answer, *, quantity: bool) -> dict[str, Any]:
    grid: list[Any]
    if quantity:
        grid = _along(as_floats(context.data[name]))
    else:
        grid = context.data[name].value_counts().head(_LEVELS).index.tolist()
    stacked = rows.take(np.tile(np.arange(len(rows)), len(grid))).reset_index(drop=True)
    stacked[name] = _like(rows[name], [value for value in grid for _ in range(len(rows))])
    answers: NDArray[np.float64] = asked.call(stacked).reshape(len(grid), len(rows)).T
    return {"feature": name, "quantity": quantity, "grid": grid, "average": answers.mean(axis=0), "rows": answers}


def _along(values: NDArray[np.float64]) -> list[float]:
    """Return points along a quantity, as dense as its rows; where most share one value, that and points along the rest.

    Two points would make a straight line of what the model does between them.
    """
    known = values[~np.isnan(values)]
    shares = np.linspace(0.02, 0.98, _POINTS)
    points = np.unique(np.quantile(known, shares, method="nearest"))
    if len(points) < _POINTS // 2:
        distinct, rows = np.unique(known, return_counts=True)
        rest = known[known != distinct[rows.argmax()]]
        if len(rest) >= _FEWEST:
            spread = np.quantile(rest, shares[1:], method="nearest")
            points = np.unique([distinct[rows.argmax()], *points, *spread])
    return [float(point) for point in points]


def _like(column: pd.Series, values: list[Any]) -> pd.Series:
    """Return values in a column's own type, so that the model sees what it was trained on."""
    import pandas as pd

    return pd.Series(values).astype(column.dtype)


def _told(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "feature": one["feature"],
        "kind": "numeric" if one["quantity"] else "category",
        "grid": one["grid"],
        "average": one["average"],
        "lines": one["rows"][:_LINES].tolist() if one["quantity"] else [],
    }


def _draw(curves: list[dict[str, Any]], asked: Answer) -> Any:
    from matplotlib.collections import LineCollection

    figure, axes = panels(len(curves), height=2.5, columns=2)
    reach = [value for one in curves for value in (one["average"].min(), one["average"].max())]
    air = (max(reach) - min(reach)) * 0.35 or 0.1
    shared = (min(reach) - air, max(reach) + air)
    if asked.is_share:
        shared = (max(shared[0], -0.02), min(shared[1], 1.02))
    for axis, one in zip(axes, curves, strict=True):
        if one["quantity"]:
            # All in one: as single lines they take half of the time to draw the figure.
            lines = [np.column_stack([one["grid"], line]) for line in one["rows"][:_LINES]]
            axis.add_collection(LineCollection(lines, colors=FAINT, linewidths=0.7))
            axis.plot(one["grid"], one["average"], color=BLUE, linewidth=2.4)
            axis.set_ylim(shared)
            axis.set_ylabel(asked.name)
        else:
            order = np.argsort(-one["average"])
            labels = text_width([str(one["grid"][at]) for at in order], 22)
            dots(axis, labels, one["average"][order].tolist(), [None] * len(order))
            axis.set_xlim(shared)  # else a feature that moves answers little would look like one that moves them much
            axis.set_xlabel(asked.name)
        heading(axis, text_width([one["feature"]], 30)[0])
    return figure
