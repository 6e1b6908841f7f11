"""How the classes of the target are spread."""

from __future__ import annotations

from nbdeploy.validate.checks.data.distribution import distribution
from nbdeploy.validate.checks.drawing import bars, heading, legend, panels, rows_height
from nbdeploy.validate.checks.shown import Shown, measured, number
from nbdeploy.validate.context import Context
from nbdeploy.validate.given import TableName

_MOST = 50


def class_balance(context: Context) -> Shown:
    """Record the share of the rarest class, and the rows of each class here and in the training data."""
    target = context.objective.target
    if context.objective.task == "regression":
        lies = distribution(context, "data", target)
        return Shown(
            text=f"The target {target} runs from {number(lies.low)} to {number(lies.high)}, median "
            f"{number(float(lies.quantiles([0.5])[0]))}."
        )
    here = _classes(context, "data")
    known = context.train is not None and target in context.train.columns
    before = _classes(context, "train") if known else None
    rows = sum(here.values())
    found = context.record(
        "minority_share",
        min(here.values()) / rows if rows else None,
        n=rows,
        denominator=rows,
        method="counted in all rows",
        data={
            "classes": [
                {"class": name, "n": n, "train_n": None if before is None else before.get(name, 0)}
                for name, n in list(here.items())[:_MOST]
            ]
        },
        undefined=None if rows else "there are no rows",
    )
    shown = list(here)[:_MOST]
    figure, (axis,) = panels(height=rows_height(len(shown), least=1.3))
    bars(axis, [f"{target} = {name}" for name in shown], [here[name] / rows for name in shown])
    if before is not None:
        shares = [before.get(name, 0) / max(sum(before.values()), 1) for name in shown]
        axis.plot(
            shares, range(len(shown)), "D", color="white", markeredgecolor="black", markersize=6, label="training data"
        )
        legend(axis, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    axis.set_xlim(0, 1)
    axis.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    heading(axis, "Share of rows in each class")
    return Shown(figure, measured([found]), alternative="share of rows in each class")


def _classes(context: Context, table: TableName) -> dict[str, int]:
    """Return the rows of each class, the commonest first."""
    counts = context.columns(table)[context.objective.target].counts or {}
    return {str(name): n for name, n in sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))}
