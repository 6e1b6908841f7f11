"""Small errors of measurement: how often they turn a decision round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nbdeploy.validate.checks.columns import as_floats, numeric
from nbdeploy.validate.checks.drawing import BLUE, bars, heading, panels, rows_height
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import WILSON, mean_interval, rate_interval
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
    if context.model is None:
        context.not_available("needs the model; only its predictions were given", metric)
        return Shown(text="Not measured: it needs the model.")
    rows = context.sample(1000 if context.draft else 4000, "noise")[list(context.features)]
    movable = numeric(context.data, context.features)
    if not movable:
        context.not_available("the model has no numeric input that could move", metric)
        return Shown(text="Not measured: the model has no numeric input that could move.")
    return (_shift if context.objective.task == "regression" else _flips)(context, rows, movable)


def _flips(context: Context, rows: pd.DataFrame, movable: Sequence[str]) -> Shown:
    model, level, n = context.model, context.objective.level, len(rows)
    assert model is not None  # noqa: S101 - noise() asked already; this tells the type checker
    before = np.asarray(model.decide(rows))

    def flipped(columns: Sequence[str], strength: float) -> int:
        moved = moved_rows(rows, columns, strength, context.data, context.rng(f"noise {strength} {','.join(columns)}"))
        return int((np.asarray(model.decide(moved)) != before).sum())

    strengths: list[dict[str, Any]] = []
    for strength in STRENGTHS:
        k = flipped(movable, strength)
        strengths.append({"strength": strength, "rate": k / n, "interval": rate_interval(k, n, level)})
    columns: list[dict[str, Any]] = [{"column": name, "rate": flipped([name], STATED) / n} for name in movable]
    columns.sort(key=lambda one: -one["rate"])
    stated = next(one for one in strengths if one["strength"] == STATED)
    found = context.record(
        "flip_rate",
        stated["rate"],
        interval=stated["interval"],
        level=level,
        method=f"{WILSON}; {_METHOD}",
        n=n,
        denominator=n,
        sample=n,
        data={"strengths": strengths, "columns": columns},
    )
    figure = _draw(strengths, "rate", columns, "Decisions that flip", percent=True)
    return Shown(figure, measured([found]), alternative="decision flips by strength of noise and by column")


def _shift(context: Context, rows: pd.DataFrame, movable: Sequence[str]) -> Shown:
    model, level, n = context.model, context.objective.level, len(rows)
    assert model is not None  # noqa: S101 - noise() asked already; this tells the type checker
    before = np.asarray(model.decide(rows), dtype=float)
    spread = float(np.std(before))
    if not spread:
        context.not_available("the model gives every row the same answer", "prediction_shift")
        return Shown(text="Not measured: the model gives every row the same answer.")

    def shifts(columns: Sequence[str], strength: float) -> Any:
        moved = moved_rows(rows, columns, strength, context.data, context.rng(f"noise {strength} {','.join(columns)}"))
        return np.abs(np.asarray(model.decide(moved), dtype=float) - before) / spread

    strengths: list[dict[str, Any]] = []
    method = ""
    for strength in STRENGTHS:
        each = shifts(movable, strength)
        limits, method = mean_interval(each, level)
        low = None if limits is None else (max(limits[0], 0.0), limits[1])
        strengths.append({"strength": strength, "shift": float(each.mean()), "interval": low})
    columns: list[dict[str, Any]] = [
        {"column": name, "shift": float(shifts([name], STATED).mean())} for name in movable
    ]
    columns.sort(key=lambda one: -one["shift"])
    stated = next(one for one in strengths if one["strength"] == STATED)
    found = context.record(
        "prediction_shift",
        stated["shift"],
        interval=stated["interval"],
        level=level,
        method=f"{method}; {_METHOD}",
        n=n,
        sample=n,
        data={"strengths": strengths, "columns": columns},
    )
    figure = _draw(strengths, "shift", columns, "Mean shift of the prediction (spreads)", percent=False)
    return Shown(figure, measured([found]), alternative="shift of predictions by strength of noise and by column")


def moved_rows(
    rows: pd.DataFrame, columns: Sequence[str], strength: float, seen: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Return a copy of `rows` with normal noise on `columns`, in standard deviations of what was `seen`."""
    moved = rows.copy()
    for name in columns:
        known = as_floats(seen[name])
        known = known[~np.isnan(known)]
        if not len(known):
            continue
        values = as_floats(rows[name])
        often, counts = np.unique(known, return_counts=True)
        usual = float(often[counts.argmax()]) if counts.max() > len(known) / 2 else np.nan
        spread = known[known != usual].std() if (known != usual).any() else 0.0
        noisy = np.clip(values + rng.normal(0, strength * spread, len(values)), known.min(), known.max())
        noisy = np.where(values == usual, values, noisy)
        whole = bool((known % 1 == 0).all())
        noisy = np.round(noisy) if whole else noisy
        moved[name] = noisy
        if not np.isnan(noisy).any():
            moved[name] = moved[name].astype(rows[name].dtype)
    return moved


def _draw(
    strengths: list[dict[str, Any]], key: str, columns: list[dict[str, Any]], title: str, *, percent: bool
) -> Any:
    shown = [one for one in columns if one[key]][:10] or columns[:3]
    figure, (left, right) = panels(2, height=max(2.6, rows_height(len(shown))))
    x = [one["strength"] for one in strengths]
    limits = [one["interval"] or (one[key], one[key]) for one in strengths]
    left.fill_between(x, [low for low, _ in limits], [high for _, high in limits], color=BLUE, alpha=0.16, linewidth=0)
    left.plot(x, [one[key] for one in strengths], "o-", color=BLUE, markersize=4)
    heading(left, title)
    left.set(xlabel="Noise, in standard deviations of each input", xlim=(0, None), ylim=(0, None))
    bars(right, [one["column"] for one in shown], [one[key] for one in shown])
    heading(right, f"One input alone, at {STATED:g}")
    if percent:
        left.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        right.xaxis.set_major_formatter(lambda share, _: f"{share:.1%}")
    return figure
