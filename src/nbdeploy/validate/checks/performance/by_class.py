"""How well each of several classes is told from the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbdeploy.stats.intervals import estimate
from nbdeploy.validate.checks.drawing import dots, heading, panels, rows_height
from nbdeploy.validate.checks.shown import Table, number, span
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METRICS = ("precision", "recall", "specificity", "f1")
_TOLD = 40


def by_class(context: Context) -> list[dict[str, Any]]:
    """Return, for each class that a row has or is given, its rows and its metrics with intervals; worst recall first.

    At most 40 classes are told.
    """
    tally, found = context.tallies.classes(), []
    for place, name in enumerate(tally.classes):
        line: dict[str, Any] = {"class": name, "n": int(tally.counts[:, place].sum())}
        for metric in METRICS:
            one = estimate(tally, metric, context.objective.level, positive=name)
            line[metric] = {"value": one.value, "interval": one.interval, "n": one.denominator}
        found.append(line)
    return sorted(found, key=lambda line: (line["recall"]["value"] is None, line["recall"]["value"] or 0))[:_TOLD]


def table(lines: list[dict[str, Any]]) -> Table:
    """Return the classes as a table."""
    rows = (
        (
            str(line["class"]),
            f"{line['n']:,}",
            *(f"{number(line[metric]['value'])} ({span(line[metric]['interval'])})" for metric in METRICS),
        )
        for line in lines
    )
    return Table(("Class", "Rows", "Precision", "Recall", "Specificity", "F1"), tuple(rows))


def drawn(lines: list[dict[str, Any]]) -> Figure:
    """Draw precision and recall of each class."""
    figure, axes = panels(2, height=rows_height(len(lines)))
    for axis, metric, title in zip(
        axes, ("recall", "precision"), ("Recall by class", "Precision by class"), strict=True
    ):
        dots(
            axis,
            [str(line["class"]) for line in lines],
            [line[metric]["value"] for line in lines],
            [line[metric]["interval"] for line in lines],
        )
        axis.set_xlim(-0.02, 1.02)
        heading(axis, title)
    return figure
