"""What another threshold would change."""

from __future__ import annotations

import numpy as np

from nbdeploy.stats.curves import threshold_curve
from nbdeploy.validate.checks.drawing import BLUE, GREEN, ORANGE, PINK, QUIET, heading, legend, panels
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context


def thresholds(context: Context) -> Shown:
    """Record F1, with precision, recall and the share called positive at every threshold."""
    if context.objective.task != "binary":
        return Shown(text=f"Does not apply: F1 is of a binary task, and this is {context.objective.task}.")
    if "score" not in context.predictions:
        return Shown(table=measured([context.recompute("f1")]), text="Without scores there is no other threshold.")
    points = threshold_curve(context.score_tally())
    precision, recall = (np.array(points[name], dtype=float) for name in ("precision", "recall"))
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    curve = {name: points[name] for name in ("threshold", "precision", "recall", "selection_rate")} | {"f1": f1}
    ready = context.objective.predicted is not None
    at = None if ready else context.objective.decision_threshold
    found = context.recompute("f1", data={"curve": curve, "at": at})
    figure, (axis,) = panels(height=2.9)
    shown = (("precision", "Precision", BLUE), ("recall", "Recall", GREEN), ("f1", "F1", PINK))
    for name, label, colour in shown:
        axis.plot(curve["threshold"], curve[name], color=colour, label=label)
    axis.plot(
        curve["threshold"], curve["selection_rate"], color=QUIET, linestyle=(0, (4, 2)), label="Share called positive"
    )
    if at is not None:
        axis.axvline(at, color=ORANGE, linewidth=1.4)
        axis.annotate(f"{at:g}", (at, 1.02), xytext=(4, 0), textcoords="offset points", color=ORANGE, fontsize=8.5)
    heading(axis, "If the threshold were another")
    axis.set(xlabel="Threshold", ylim=(0, 1.08))
    legend(axis, loc="center left", bbox_to_anchor=(1, 0.5))
    return Shown(figure, measured([found]), alternative="precision, recall and F1 by threshold")
