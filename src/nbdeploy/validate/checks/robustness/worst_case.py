"""The worst that a small change can do: a search for the move of one or two inputs that turns the decision round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.validate.checks.columns import as_floats, numeric
from nbdeploy.validate.checks.drawing import BLUE, bars, heading, panels, rows_height
from nbdeploy.validate.checks.robustness.asking import Asking, Moved, ask, metric_of, not_asked
from nbdeploy.validate.checks.robustness.moving import Reach, put, reach
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

STATED = 0.1
"""Largest move, in spreads of the column, that the measure is defined at."""

_STRENGTHS = (0.05, 0.1, 0.2)
_STEPS = tuple(sign * strength for strength in _STRENGTHS for sign in (-1, 1))
_MOST_ASKED = 30_000
"""Moved rows that the first round may ask about; many inputs mean fewer rows, and the interval then says so."""


@dataclass(frozen=True)
class _Tried:
    """What moves did to each row, shape (moves, rows): the change, and how far they push towards one, if known."""

    change: NDArray[np.float64]
    push: NDArray[np.float64] | None


def worst_case(context: Context) -> Shown:
    """Record the share of decisions that some move of one or two numeric inputs by a tenth of their spread turns round.

    Every single move is tried; with scores the one that goes furthest towards the threshold is kept and every second
    input is moved as well (a greedy search, so the true share is at least this one).
    """
    metric = metric_of(context, "worst_case")
    known = {name: reach(context.data[name]) for name in numeric(context.data, context.features)}
    reaches = {name: one for name, one in known.items() if one is not None and one.spread > 0}
    if context.model is not None and not reaches:
        context.not_available("the model has no numeric input that could move", metric)
        return Shown(text="Not measured: the model has no numeric input that could move.")
    rows = min(500, max(_MOST_ASKED // (len(_STEPS) * max(len(reaches), 1)), 50))
    asking = ask(context, "worst case", metric, most=rows)
    return not_asked(context) if asking is None else _record(asking, metric, reaches)


def _record(asking: Asking, metric: str, reaches: dict[str, Reach]) -> Shown:
    context, key, n = asking.context, asking.key, len(asking.rows)
    moves = [(name, step) for name in reaches for step in _STEPS]
    first = _tried(asking, [Moved(_moved(asking.rows, name, reaches[name], step), (name,)) for name, step in moves])
    sizes = np.array([abs(step) for _, step in moves])
    strengths: list[dict[str, Any]] = [
        {"strength": strength, **asking.told(first.change[sizes <= strength].max(axis=0))} for strength in _STRENGTHS
    ]
    small = sizes <= STATED
    names = np.array([name for name, _ in moves])
    columns: list[dict[str, Any]] = [
        {"column": name, key: float(first.change[small & (names == name)].max(axis=0).mean())} for name in reaches
    ]
    columns.sort(key=lambda one: -one[key])
    one_input = first.change[small].max(axis=0)
    both = _second(asking, reaches, [move for move, near in zip(moves, small, strict=True) if near], first, small)
    worst = one_input if both is None else np.maximum(one_input, both)
    told = asking.told(worst)
    found = context.record(
        metric,
        told[key],
        interval=told["interval"],
        level=context.objective.level,
        method=f"{asking.method}; {'one input' if both is None else 'up to two inputs'} moved by at most "
        f"{STATED:g} spreads, found by search, so at least so large",
        n=n,
        denominator=None if asking.regression else n,
        sample=n,
        data={"strengths": strengths, "columns": columns[:60], "inputs": 1 if both is None else 2},
    )
    figure = _draw(asking, strengths, columns, None if both is None else told)
    return Shown(figure, measured([found]), alternative="worst change by size of the move and by input")


def _second(
    asking: Asking, reaches: dict[str, Reach], moves: list[tuple[str, float]], first: _Tried, small: NDArray[np.bool_]
) -> NDArray[np.float64] | None:
    """Return the largest change when a second input moves as well; None where no first move is known to be best."""
    if first.push is None or len(reaches) < 2:
        return None
    best = first.push[small].argmax(axis=0)
    start = asking.rows.copy()
    taken = np.array([moves[at][0] for at in best])
    steps = np.array([moves[at][1] for at in best])
    for name, known in reaches.items():
        put(start, name, known.moved(as_floats(asking.rows[name]), np.where(taken == name, steps, 0.0)))
    steps_again = [step for step in _STEPS if abs(step) == STATED]
    again = [(name, step) for name in reaches for step in steps_again]
    moved = [
        Moved(_moved(start, name, reaches[name], step, ~np.equal(taken, name)), tuple(reaches)) for name, step in again
    ]
    return np.asarray(_tried(asking, moved).change.max(axis=0))


def _moved(
    rows: pd.DataFrame, name: str, known: Reach, step: float, only: NDArray[np.bool_] | None = None
) -> pd.DataFrame:
    moved = rows.copy()
    by = np.full(len(rows), step) if only is None else np.where(only, step, 0.0)
    put(moved, name, known.moved(as_floats(rows[name]), by))
    return moved


def _tried(asking: Asking, moved: Sequence[Moved]) -> _Tried:
    if asking.regression:
        change = np.stack(asking.changes(moved))
        return _Tried(change, change)
    start = asking.scores
    if start is None:
        return _Tried(np.stack(asking.changes(moved)), None)
    threshold = asking.context.objective.decision_threshold
    scores = np.stack(asking.scored(moved))
    flipped = (scores >= threshold) != (start >= threshold)
    return _Tried(flipped.astype(np.float64), (scores - start) * np.where(start >= threshold, -1, 1))


def _draw(
    asking: Asking, strengths: list[dict[str, Any]], columns: list[dict[str, Any]], two: dict[str, Any] | None
) -> Any:
    key = asking.key
    shown = [one for one in columns if one[key]][:10] or columns[:3]
    figure, (left, right) = panels(2, height=max(2.6, rows_height(len(shown))))
    x = [one["strength"] for one in strengths]
    limits = [one["interval"] or (one[key], one[key]) for one in strengths]
    left.fill_between(x, [low for low, _ in limits], [high for _, high in limits], color=BLUE, alpha=0.16, linewidth=0)
    left.plot(x, [one[key] for one in strengths], "o-", color=BLUE, markersize=4)
    if two is not None:
        left.plot([STATED], [two[key]], "D", color=BLUE, markersize=6)
        left.annotate("two inputs", (STATED, two[key]), textcoords="offset points", xytext=(8, -3), fontsize=8.5)
    heading(left, "Largest shift (spreads)" if asking.regression else "Decisions that can be turned")
    left.set(xlabel="Largest move, in spreads of the input", xlim=(0, None), ylim=(0, None))
    bars(right, [one["column"] for one in shown], [one[key] for one in shown])
    heading(right, f"By one input, at {STATED:g}")
    if not asking.regression:
        left.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        right.xaxis.set_major_formatter(lambda share, _: f"{share:.1%}")
    return figure
