"""How good are the decisions, and which way do they err?"""

from __future__ import annotations

from typing import Any

import numpy as np

from nbdeploy.documents.measurement import Measurement
from nbdeploy.validate.checks.drawing import INK, heading, panels, text_width
from nbdeploy.validate.checks.performance import by_class
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context
from nbdeploy.validate.verdict.recomputable import is_recomputable

_BINARY = ("precision", "recall", "specificity", "balanced_accuracy", "matthews_corrcoef")
_MULTICLASS = (
    "balanced_accuracy",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "precision_weighted",
    "recall_weighted",
    "f1_weighted",
    "matthews_corrcoef",
)
_DRAWN_CLASSES = 12


def decision_quality(context: Context) -> Shown:
    """Record the metrics of decisions that the task has."""
    if context.objective.task == "regression":
        return Shown(text="Does not apply: a regression makes no decisions.")
    if context.objective.task == "binary":
        return Shown(table=measured([context.recompute(name) for name in _BINARY]))
    lines = by_class.by_class(context)
    found = [context.recompute(name, data={"classes": lines} if name == "f1_macro" else None) for name in _MULTICLASS]
    return Shown(table=measured(found))


def class_quality(context: Context) -> Shown:
    """Show how well each of several classes is told from the others; recorded with the macro averages."""
    if context.objective.task != "multiclass":
        return Shown(text=f"Does not apply: it is of several classes, and this is {context.objective.task}.")
    lines = by_class.by_class(context)
    return Shown(by_class.drawn(lines), by_class.table(lines), alternative="recall and precision of each class")


def confusion(context: Context) -> Shown:
    """Record accuracy, with the counts of truth against decision."""
    if context.objective.task == "regression":
        return Shown(text="Does not apply: a regression makes no decisions.")
    tally = context.tallies.classes()
    counts = tally.counts.sum(axis=0)
    classes = [str(name) for name in tally.classes]
    found = context.recompute("accuracy", data={"confusion": {"classes": list(tally.classes), "counts": counts}})
    figure = _draw(classes, counts) if len(classes) <= _DRAWN_CLASSES else None
    return Shown(figure, measured([found]), alternative="rows by truth and decision")


def gated_slices(context: Context) -> Shown:
    """Record every performance metric that a gate asks of a slice or of one group."""
    found: list[Measurement] = []
    for metric, gate in context.objective.gates.get("performance", {}).items():
        if not is_recomputable("performance", metric):
            continue  # what is measured on rows at hand has a check of its own, by groups too
        if gate.slice is not None:
            found.append(context.recompute(metric, slice=gate.slice))
        elif isinstance(gate.group, tuple):
            found.append(context.recompute(metric, features=gate.group))
    if not found:
        return Shown(text="No gate asks for a part of the rows.")
    return Shown(table=measured(found))


def _draw(classes: list[str], counts: np.ndarray[Any, Any]) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    size = len(classes)
    figure, (axis,) = panels(height=min(1.6 + 0.45 * size, 5.5))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap=LinearSegmentedColormap.from_list("quiet", ["#F4F7FA", "#0072B2"]), vmin=0, vmax=1)
    for row in range(size):
        for column in range(size):
            dark = shares[row, column] > 0.55
            axis.text(
                column,
                row,
                f"{counts[row, column]:,}\n{shares[row, column]:.0%}",
                ha="center",
                va="center",
                fontsize=9 if size < 6 else 7,
                color="white" if dark else INK,
            )
    labels = text_width(classes, 16)
    axis.set_xticks(range(size), labels)
    axis.set_yticks(range(size), labels)
    heading(axis, "Truth against decision, shares of each true class")
    axis.set(xlabel="Decision", ylabel="Truth")
    axis.grid(visible=False)
    axis.tick_params(length=0)
    for side in axis.spines.values():
        side.set_visible(False)
    return figure
