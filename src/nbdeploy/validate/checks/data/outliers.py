"""Numbers far away from all others."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbdeploy.validate.checks.columns import as_floats, numeric
from nbdeploy.validate.checks.shown import Shown, Table, measured, number
from nbdeploy.validate.context import Context


def outliers(context: Context) -> Shown:
    """Record the share of numeric cells beyond Tukey's outer fences: three interquartile ranges outside the quartiles.

    A column whose middle half is one single value has no fences and is left out.
    """
    columns: list[dict[str, Any]] = []
    for name in numeric(context.data, [name for name in context.features if name in context.data.columns]):
        values = as_floats(context.data[name])
        values = values[~np.isnan(values)]
        if not len(values):
            continue
        lower, upper = np.quantile(values, [0.25, 0.75])
        if upper > lower:
            low, high = lower - 3 * (upper - lower), upper + 3 * (upper - lower)
            beyond = int(((values < low) | (values > high)).sum())
            columns.append(
                {"column": name, "low": float(low), "high": float(high), "outliers": beyond, "n": len(values)}
            )
    if not columns:
        context.not_available("no numeric column varies in its middle half", "outlier_share")
        return Shown(text="Not measured: no numeric column varies in its middle half.")
    columns.sort(key=lambda one: (-one["outliers"] / one["n"], one["column"]))
    cells = sum(one["n"] for one in columns)
    found = context.record(
        "outlier_share",
        sum(one["outliers"] for one in columns) / cells,
        n=len(context.data),
        denominator=cells,
        method="Tukey's outer fences, counted in all numeric cells",
        data={"columns": columns},
    )
    far = [one for one in columns if one["outliers"]]
    if not far:
        return Shown(
            table=measured([found]), text=f"No value of {len(columns)} numeric columns lies beyond its fences."
        )
    rows = tuple(
        (
            one["column"],
            number(one["low"]),
            number(one["high"]),
            number(one["outliers"]),
            f"{one['outliers'] / one['n']:.1%}",
        )
        for one in far[:15]
    )
    return Shown(table=Table(("Column", "Lower fence", "Upper fence", "Beyond", "Share"), rows))
