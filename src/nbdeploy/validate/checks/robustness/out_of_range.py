"""Rows that the model has to answer beyond anything it has seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbdeploy.validate.checks.columns import as_floats, numeric
from nbdeploy.validate.checks.shown import Shown, Table, measured, number
from nbdeploy.validate.checks.uncertainty import WILSON, rate_interval
from nbdeploy.validate.context import Context


def out_of_range(context: Context) -> Shown:
    """Record the share of rows with any numeric input outside the range of the training (or reference) data."""
    seen = context.reference if context.train is None else context.train
    names = [] if seen is None else [c for c in context.features if c in seen.columns and c in context.data.columns]
    quantities = () if seen is None else numeric(seen, names)
    if seen is None or not quantities:
        context.not_available("no training or reference data with numeric inputs was given", "out_of_range_share")
        return Shown(text="Not measured: neither training nor reference data with numeric inputs was given.")
    outside = np.zeros(len(context.data), dtype=bool)
    columns: list[dict[str, Any]] = []
    for name in quantities:
        known, values = as_floats(seen[name]), as_floats(context.data[name])
        if np.isnan(known).all():
            continue
        low, high = float(np.nanmin(known)), float(np.nanmax(known))
        beyond = (values < low) | (values > high)
        outside |= beyond
        columns.append({"column": name, "low": low, "high": high, "outside": int(beyond.sum()), "n": len(values)})
    columns.sort(key=lambda one: (-one["outside"], one["column"]))
    k, n = int(outside.sum()), len(outside)
    found = context.record(
        "out_of_range_share",
        k / n,
        interval=rate_interval(k, n, context.objective.level),
        level=context.objective.level,
        method=WILSON,
        n=n,
        denominator=n,
        data={"columns": columns, "against": "reference" if context.train is None else "train"},
    )
    beyond_any = tuple(
        (one["column"], number(one["low"]), number(one["high"]), number(one["outside"]))
        for one in columns
        if one["outside"]
    )
    if not beyond_any:
        return Shown(table=measured([found]))
    return Shown(table=Table(("Column", "Lowest seen", "Highest seen", "Rows outside"), beyond_any[:15]))
