"""Small errors of measurement: how often they turn a decision round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nbdeploy.validate.checks.columns import as_floats, numeric
from nbdeploy.validate.checks.drawing import BLUE, bars, heading, panels, rows_height
from nbdeploy.validate.checks.robustness.asking import Asking, Moved, ask, not_asked
from nbdeploy.validate.checks.robustness.moving import put, reach
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

STRENGTHS = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Standard deviations of the noise, in standard deviations of the column."""

STATED = 0.1
"""The strength that the measures are defined at."""

_METHOD = "normal noise of 0.1 standard deviations on numeric inputs, kept within the range seen"


def noise(context: Context) -> Shown:
    """Record how answers change when all numeric inputs move a little at once, and each of them alone.

    Noise is normal and kept within the range seen; whole numbers stay whole, codes and texts stay as they are. A value
    that more than half of the rows share stays as well: it says that there is nothing (no capital gain), and that is
    not measured with an error.
    """
    metric = "prediction_shift" if context.objective.task == "regression" else "flip_rate"
    movable = numeric(context.data, context.features)
    if context.model is not None and not movable:
        context.not_available("the model has no numeric input that could move", metric)
        return Shown(text="Not measured: the model has no numeric input that could move.")
    asking = ask(context, "noise", metric)
    return not_asked(context) if asking is None else _record(asking, metric, movable)


def _record(asking: Asking, metric: str, movable: Sequence[str]) -> Shown:
    context, n, key = asking.context, len(asking.rows), asking.key
    wanted = [(tuple(movable), strength) for strength in STRENGTHS] + [((name,), STATED) for name in movable]
    moved = [
        Moved(
            moved_rows(asking.rows, names, strength, context.data, context.rng(f"noise {strength} {','.join(names)}")),
            names,
        )
        for names, strength in wanted
    ]
    changes = asking.changes(moved)
    strengths: list[dict[str, Any]] = [
        {"strength": strength, **asking.told(change)} for strength, change in zip(STRENGTHS, changes, strict=False)
    ]
    alone = zip(movable, changes[len(STRENGTHS) :], strict=True)
    columns: list[dict[str, Any]] = [{"column": name, key: float(change.mean())} for name, change in alone]
    columns.sort(key=lambda one: -one[key])
    stated = next(one for one in strengths if one["strength"] == STATED)
    found = context.record(
        metric,
        stated[key],
        interval=stated["interval"],
        level=context.objective.level,
        method=f"{asking.method}; {_METHOD}",
        n=n,
        denominator=None if asking.regression else n,
        sample=n,
        data={"strengths": strengths, "columns": columns},
    )
    return Shown(_draw(asking, strengths, columns), measured([found]), alternative="change by noise and by column")


def moved_rows(
    rows: pd.DataFrame, columns: Sequence[str], strength: float, seen: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Return a copy of `rows` with normal noise on `columns`, in standard deviations of what was `seen`."""
    moved = rows.copy()
    for name in columns:
        known = reach(seen[name])
        if known is not None:
            put(moved, name, known.moved(as_floats(rows[name]), rng.normal(0, strength, len(rows))))
    return moved


def _draw(asking: Asking, strengths: list[dict[str, Any]], columns: list[dict[str, Any]]) -> Any:
    key = asking.key
    shown = [one for one in columns if one[key]][:10] or columns[:3]
    figure, (left, right) = panels(2, height=max(2.6, rows_height(len(shown))))
    x = [one["strength"] for one in strengths]
    limits = [one["interval"] or (one[key], one[key]) for one in strengths]
    left.fill_between(x, [low for low, _ in limits], [high for _, high in limits], color=BLUE, alpha=0.16, linewidth=0)
    left.plot(x, [one[key] for one in strengths], "o-", color=BLUE, markersize=4)
    heading(left, "Mean shift of the prediction (spreads)" if asking.regression else "Decisions that flip")
    left.set(xlabel="Noise, in standard deviations of each input", xlim=(0, None), ylim=(0, None))
    bars(right, [one["column"] for one in shown], [one[key] for one in shown])
    heading(right, f"One input alone, at {STATED:g}")
    if not asking.regression:
        left.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        right.xaxis.set_major_formatter(lambda share, _: f"{share:.1%}")
    return figure
