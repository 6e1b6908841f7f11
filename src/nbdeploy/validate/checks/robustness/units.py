"""A slip of units: a number in cents instead of euros, in grams instead of kilograms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nbdeploy.validate.checks.columns import as_floats, numeric
from nbdeploy.validate.checks.robustness.asking import Moved, ask, metric_of, not_asked
from nbdeploy.validate.checks.robustness.worst_input import record_worst
from nbdeploy.validate.checks.shown import Shown
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

FACTORS = (10.0, 100.0, 0.1)


def unit_slips(context: Context) -> Shown:
    """Record how answers change when one numeric input is ten or a hundred times too large, or ten times too small.

    Beside each change stands the share of slipped values that the objective's contract would refuse: a slip that turns
    decisions round and passes the contract is one that nobody would notice.
    """
    metric = metric_of(context, "unit_slip")
    movable = [name for name in numeric(context.data, context.features) if _scales(context.data[name])]
    if context.model is not None and not movable:
        context.not_available("the model has no numeric input that could slip", metric)
        return Shown(text="Not measured: the model has no numeric input that could slip.")
    asking = ask(context, "unit slips", metric, most=2000)
    if asking is None:
        return not_asked(context)
    slips = [(name, factor) for name in movable for factor in FACTORS]
    moved = [slipped(asking.rows, name, factor) for name, factor in slips]
    changes = asking.changes([Moved(rows, (name,)) for (name, _), rows in zip(slips, moved, strict=True)])
    columns = [
        {
            "column": name,
            "change": f"× {factor:g}" if factor > 1 else f"÷ {1 / factor:g}",
            "refused": _refused(context, name, rows[name]),
            **asking.told(change, len(slips)),
        }
        for (name, factor), rows, change in zip(slips, moved, changes, strict=True)
    ]
    title = "Predictions that shift" if asking.regression else "Decisions that flip"
    return record_worst(
        asking, metric, columns, f"{title} when one input slips by a unit", "each numeric input × 10, × 100, ÷ 10"
    )


def slipped(rows: pd.DataFrame, name: str, factor: float) -> pd.DataFrame:
    """Return a copy of the rows with one column multiplied; whole numbers stay whole, and in their type's range."""
    from pandas.api.types import is_integer_dtype

    moved = rows.copy()
    values = as_floats(rows[name]) * factor
    if not is_integer_dtype(rows[name]):
        moved[name] = values
    elif rows[name].isna().any():
        moved[name] = np.round(values)
    else:
        limits = np.iinfo(rows[name].to_numpy().dtype)
        moved[name] = np.clip(np.round(values), limits.min, limits.max).astype(limits.dtype)
    return moved


def _scales(column: pd.Series) -> bool:
    values = as_floats(column)
    return bool(np.nanmax(np.abs(values), initial=0.0) > 0)


def _refused(context: Context, name: str, values: pd.Series) -> float | None:
    """Return the share of values that the contract would refuse; None where it says nothing of a range."""
    declared = context.objective.contract.get(name)
    if declared is None or (declared.range is None and declared.allowed is None):
        return None
    numbers: Any = as_floats(values)
    outside = np.zeros(len(numbers), dtype=bool)
    if declared.range is not None:
        outside |= (numbers < declared.range[0]) | (numbers > declared.range[1])
    if declared.allowed is not None:
        outside |= ~values.isin(list(declared.allowed)).to_numpy()
    return float(outside.mean())
