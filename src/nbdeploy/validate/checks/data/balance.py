"""How the classes of the target are spread."""

from __future__ import annotations

from nbdeploy.validate.checks.columns import levels
from nbdeploy.validate.checks.drawing import bars, heading, legend, panels, rows_height
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context


def class_balance(context: Context) -> Shown:
    """Record the share of the rarest class, and the rows of each class here and in the training data."""
    target = context.objective.target
    if context.objective.task == "regression":
        spread = context.predictions["label"].astype(float).describe()
        return Shown(
            text=f"The target {target} runs from {spread['min']:g} to {spread['max']:g}, median {spread['50%']:g}."
        )
    here = levels(context.predictions["label"]).value_counts()
    known = context.train is not None and target in context.train.columns
    before = levels(context.train[target]).value_counts() if context.train is not None and known else None
    rows = int(here.sum())
    found = context.record(
        "minority_share",
        float(here.min()) / rows if rows else None,
        n=rows,
        denominator=rows,
        method="counted in all rows",
        data={
            "classes": [
                {"class": str(name), "n": int(n), "train_n": None if before is None else int(before.get(name, 0))}
                for name, n in here.items()
            ]
        },
        undefined=None if rows else "there are no rows",
    )
    figure, (axis,) = panels(height=rows_height(len(here), least=1.3))
    bars(axis, [f"{target} = {name}" for name in here.index], (here / rows).tolist())
    if before is not None:
        shares = [float(before.get(name, 0)) / before.sum() for name in here.index]
        axis.plot(
            shares, range(len(here)), "D", color="white", markeredgecolor="black", markersize=6, label="training data"
        )
        legend(axis, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    axis.set_xlim(0, 1)
    axis.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    heading(axis, "Share of rows in each class")
    return Shown(figure, measured([found]), alternative="share of rows in each class")
