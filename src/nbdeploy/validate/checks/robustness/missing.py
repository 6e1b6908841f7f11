"""A value that does not come: how often the decision then turns round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nbdeploy.stats.binomial import shared_level
from nbdeploy.validate.checks.columns import numeric
from nbdeploy.validate.checks.drawing import dots, heading, panels, rows_height
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import WILSON, rate_interval
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd


def missing_inputs(context: Context) -> Shown:
    """Record the share of decisions that flip when the most telling input is replaced by its commonest value.

    Each input is replaced in turn, in all sampled rows: a quantity by its median, anything else by its mode. The input
    that flips most decides, so the limits are simultaneous over inputs.
    """
    if context.objective.task == "regression":
        return Shown(text="Not measured: decisions flip, and a regression makes none.")
    if context.model is None:
        context.not_available("needs the model; only its predictions were given", "missing_flip_rate")
        return Shown(text="Not measured: it needs the model.")
    rows = context.sample(1000 if context.draft else 4000, "missing")[list(context.features)]
    before = np.asarray(context.model.decide(rows))
    quantities = set(numeric(context.data, context.features))
    each = shared_level(context.objective.level, len(context.features))
    columns: list[dict[str, Any]] = []
    for name in context.features:
        common = _commonest(context.data[name], quantity=name in quantities)
        if common is None:
            continue
        flipped = int((np.asarray(context.model.decide(_replaced(rows, name, common))) != before).sum())
        columns.append(
            {
                "column": name,
                "replacement": common,
                "rate": flipped / len(rows),
                "interval": rate_interval(flipped, len(rows), each),
            }
        )
    if not columns:
        context.not_available("no input has any value", "missing_flip_rate")
        return Shown(text="Not measured: no input has any value.")
    columns.sort(key=lambda one: (-one["rate"], one["column"]))
    found = context.record(
        "missing_flip_rate",
        columns[0]["rate"],
        interval=(max(one["interval"][0] for one in columns), max(one["interval"][1] for one in columns)),
        level=context.objective.level,
        method=f"{WILSON}, Bonferroni over {len(columns)} inputs",
        n=len(rows),
        denominator=len(rows),
        sample=len(rows),
        data={"columns": columns},
        note=f"The input that flips most: {columns[0]['column']}.",
    )
    shown = columns[:15]
    figure, (axis,) = panels(height=rows_height(len(shown)))
    dots(axis, [one["column"] for one in shown], [one["rate"] for one in shown], [one["interval"] for one in shown])
    heading(axis, "Decisions that flip when one input is replaced by its commonest value")
    axis.set_xlim(left=0)
    axis.xaxis.set_major_formatter(lambda share, _: f"{share:.1%}")
    return Shown(figure, measured([found]), alternative="decision flips by missing input")


def _commonest(column: pd.Series, *, quantity: bool) -> Any:
    """Return the median of a quantity as a value of the column's own type, the mode of anything else; None if empty."""
    known = column.dropna()
    if known.empty:
        return None
    if not quantity:
        return known.mode().iloc[0]
    middle = known.quantile(0.5, interpolation="nearest")
    return middle.item() if hasattr(middle, "item") else middle


def _replaced(rows: pd.DataFrame, name: str, value: Any) -> pd.DataFrame:
    replaced = rows.copy()
    replaced[name] = value
    replaced[name] = replaced[name].astype(rows[name].dtype)
    return replaced
