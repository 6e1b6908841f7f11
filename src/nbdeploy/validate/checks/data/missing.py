"""Missing values."""

from __future__ import annotations

from nbdeploy.validate.checks.drawing import bars, heading, panels, rows_height, text_width
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context


def missing_values(context: Context) -> Shown:
    """Record the share of empty cells, and for each column its own."""
    empty = context.data.isna().sum()
    cells = int(context.data.size)
    found = context.record(
        "missing_share",
        float(empty.sum()) / cells if cells else None,
        n=len(context.data),
        denominator=cells,
        method="counted in all cells",
        data={
            "columns": [
                {"column": str(name), "missing": int(count), "n": len(context.data)}
                for name, count in empty.sort_values(ascending=False, kind="stable").head(40).items()
            ]
        },
        undefined=None if cells else "there are no cells",
    )
    incomplete = empty[empty > 0].sort_values(ascending=False, kind="stable").head(20)
    if incomplete.empty:
        return Shown(table=measured([found]), text=f"No cell of the {context.data.shape[1]} columns is empty.")
    figure, (axis,) = panels(height=rows_height(len(incomplete)))
    bars(axis, text_width([str(name) for name in incomplete.index]), (incomplete / len(context.data)).tolist())
    heading(axis, "Share of empty cells, by column")
    axis.xaxis.set_major_formatter(lambda share, _: f"{share:.1%}")
    return Shown(figure, measured([found]), alternative="share of empty cells by column")
