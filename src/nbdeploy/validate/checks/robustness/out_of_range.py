"""Rows that the model has to answer beyond anything it has seen."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from nbdeploy.validate.checks.columns import as_floats, numeric
from nbdeploy.validate.checks.shown import Shown, Table, measured, number
from nbdeploy.validate.checks.uncertainty import EXACT, rate_interval
from nbdeploy.validate.context import Context
from nbdeploy.validate.given import TableName

_SHOWN = 15


def out_of_range(context: Context) -> Shown:
    """Record the share of rows with any numeric input outside the range of the training (or reference) data."""
    against: TableName = "reference" if context.train is None else "train"
    seen = context.reference if context.train is None else context.train
    names = [] if seen is None else [c for c in context.features if c in seen.columns and c in context.data.columns]
    quantities = () if seen is None else numeric(seen, names)
    if seen is None or not quantities:
        context.not_available("no training or reference data with numeric inputs was given", "out_of_range_share")
        return Shown(text="Not measured: neither training nor reference data with numeric inputs was given.")
    tallies = context.columns(against)
    ranges = {name: (tallies[name].low, tallies[name].high) for name in quantities if tallies[name].finite}
    k, columns = _outside(context, ranges)
    n = context.rows
    found = context.record(
        "out_of_range_share",
        k / n,
        interval=rate_interval(k, n, context.objective.level),
        level=context.objective.level,
        method=EXACT,
        n=n,
        denominator=n,
        data={"columns": columns[:100], "against": against},
    )
    beyond_any = tuple(
        (one["column"], number(one["low"]), number(one["high"]), number(one["outside"]))
        for one in columns
        if one["outside"]
    )
    if not beyond_any:
        return Shown(table=measured([found]))
    table = Table(("Column", "Lowest seen", "Highest seen", "Rows outside"), beyond_any[:_SHOWN])
    return Shown(table=table, text=f"{number(k)} of {number(n)} rows lie outside in any column.")


def _outside(context: Context, ranges: dict[str, tuple[float, float]]) -> tuple[int, list[dict[str, Any]]]:
    """Count in all rows those outside any range, and those outside each, the most first."""
    rows, counted = 0, Counter(dict.fromkeys(ranges, 0))
    for part in context.batches("data", list(ranges)) if ranges else ():
        anywhere = np.zeros(len(part), dtype=bool)
        for name, (low, high) in ranges.items():
            values = as_floats(part[name])
            beyond = (values < low) | (values > high)
            counted[name] += int(beyond.sum())
            anywhere |= beyond
        rows += int(anywhere.sum())
    return rows, [
        {"column": name, "low": ranges[name][0], "high": ranges[name][1], "outside": outside, "n": context.rows}
        for name, outside in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
