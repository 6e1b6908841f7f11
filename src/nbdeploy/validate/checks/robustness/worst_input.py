"""What the changes of single inputs have in common: each changed in turn, the worst of them decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbdeploy.validate.checks.drawing import dots, heading, panels, rows_height
from nbdeploy.validate.checks.robustness.asking import Asking, simultaneous
from nbdeploy.validate.checks.shown import Shown, measured

SHOWN = 15
_MOST = 60
"""Changes that are kept in the evidence, the worst first."""


def record_worst(asking: Asking, metric: str, changes: Sequence[dict[str, Any]], title: str, method: str) -> Shown:
    """Record the largest of several changes with limits that hold for all of them together.

    Parameters
    ----------
    changes
        Each with ``column``, perhaps ``change`` in words, the value under the asking's key, and ``interval``.
    title
        Of the chart.
    method
        What was done to the inputs.
    """
    key, n = asking.key, len(asking.rows)
    ordered = sorted(changes, key=lambda one: (-one[key], one["column"], one.get("change", "")))
    worst = ordered[0]
    found = asking.context.record(
        metric,
        worst[key],
        interval=simultaneous(ordered),
        level=asking.context.objective.level,
        method=f"{asking.method}, Bonferroni over {len(ordered)} changes; {method}",
        n=n,
        denominator=None if asking.regression else n,
        sample=n,
        data={"columns": ordered[:_MOST]},
        note=f"The change that matters most: {named(worst)}.",
    )
    each = {one["column"]: one for one in reversed(ordered)}
    shown = sorted(each.values(), key=ordered.index)[:SHOWN]
    figure, (axis,) = panels(height=rows_height(len(shown)))
    dots(axis, [named(one) for one in shown], [one[key] for one in shown], [one["interval"] for one in shown])
    heading(axis, title)
    axis.set_xlim(left=0)
    if not asking.regression:
        axis.xaxis.set_major_formatter(lambda share, _: f"{share:.1%}")
    more = f"Drawn is the worst change of {len(shown)} inputs, of {len(ordered)} changes tried."
    return Shown(figure, measured([found]), text=more if len(shown) < len(ordered) else "", alternative=title.lower())


def named(one: dict[str, Any]) -> str:
    """Return a change by the name of its column and what was done to it."""
    return " ".join(filter(None, (str(one["column"]), one.get("change"))))
