"""Numbers far away from all others."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from nbdeploy.validate.checks.columns import as_floats, numeric
from nbdeploy.validate.checks.data.distribution import distribution
from nbdeploy.validate.checks.shown import Shown, Table, measured, number
from nbdeploy.validate.context import Context

_SHOWN = 15


def outliers(context: Context) -> Shown:
    """Record the share of numeric cells beyond Tukey's outer fences: three interquartile ranges outside the quartiles.

    A column whose middle half is one single value has no fences and is left out.
    """
    names = numeric(context.data, [name for name in context.features if name in context.data.columns])
    columns = _counted(context, _fences(context, names))
    if not columns:
        context.not_available("no numeric column varies in its middle half", "outlier_share")
        return Shown(text="Not measured: no numeric column varies in its middle half.")
    columns.sort(key=lambda one: (-one["outliers"] / one["n"], one["column"]))
    cells = sum(one["n"] for one in columns)
    found = context.record(
        "outlier_share",
        sum(one["outliers"] for one in columns) / cells,
        n=context.rows,
        denominator=cells,
        method="Tukey's outer fences, counted in all numeric cells",
        data={"columns": columns[:100]},
    )
    far = [one for one in columns if one["outliers"]]
    without = [name for name in names if name not in {one["column"] for one in columns}]
    left_out = f" Left out, for half of their values are one and the same: {', '.join(without)}." if without else ""
    if not far:
        text = f"No value of {len(columns)} numeric columns lies beyond its fences.{left_out}"
        return Shown(table=measured([found]), text=text)
    rows = tuple(
        (
            one["column"],
            number(one["low"]),
            number(one["high"]),
            number(one["outliers"]),
            f"{one['outliers'] / one['n']:.1%}",
        )
        for one in far[:_SHOWN]
    )
    table = Table(("Column", "Lower fence", "Upper fence", "Beyond", "Share"), rows)
    text = f"{found.value or 0:.2%} of {number(cells)} numeric cells lie beyond their fences.{left_out}"
    return Shown(table=table, text=text)


def _fences(context: Context, names: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    found = {}
    for name in names:
        lies = distribution(context, "data", name)
        if lies.n:
            lower, upper = lies.quantiles([0.25, 0.75])
            if upper > lower:
                found[name] = (float(lower - 3 * (upper - lower)), float(upper + 3 * (upper - lower)))
    return found


def _counted(context: Context, fences: dict[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """Count what lies beyond in all rows: a sketch knows quartiles well, and the few in the tails badly."""
    beyond: Counter[str] = Counter()
    known: Counter[str] = Counter()
    for part in context.batches("data", list(fences)) if fences else ():
        for name, (low, high) in fences.items():
            values = as_floats(part[name])
            beyond[name] += int(((values < low) | (values > high)).sum())
            known[name] += int((~np.isnan(values)).sum())
    return [
        {"column": name, "low": low, "high": high, "outliers": beyond[name], "n": known[name]}
        for name, (low, high) in fences.items()
    ]
