"""A value that does not come: how often the decision then turns round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbdeploy.validate.checks.columns import numeric
from nbdeploy.validate.checks.robustness.asking import Moved, ask, metric_of, not_asked
from nbdeploy.validate.checks.robustness.worst_input import record_worst
from nbdeploy.validate.checks.shown import Shown
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd


def missing_inputs(context: Context) -> Shown:
    """Record how answers change when the most telling input is replaced by its commonest value.

    Each input is replaced in turn, in all sampled rows: a quantity by its median, anything else by its mode.
    """
    metric = metric_of(context, "missing")
    asking = ask(context, "missing", metric, most=2000)
    if asking is None:
        return not_asked(context)
    quantities = set(numeric(context.data, context.features))
    common = {name: _commonest(context.data[name], quantity=name in quantities) for name in context.features}
    common = {name: value for name, value in common.items() if value is not None}
    if not common:
        context.not_available("no input has any value", metric)
        return Shown(text="Not measured: no input has any value.")
    changes = asking.changes([Moved(_replaced(asking.rows, name, value), (name,)) for name, value in common.items()])
    columns = [
        {"column": name, "replacement": value, **asking.told(change, len(common))}
        for (name, value), change in zip(common.items(), changes, strict=True)
    ]
    title = "Predictions that shift" if asking.regression else "Decisions that flip"
    method = "each input replaced by its commonest value"
    return record_worst(asking, metric, columns, f"{title} when one input is replaced by its commonest value", method)


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
