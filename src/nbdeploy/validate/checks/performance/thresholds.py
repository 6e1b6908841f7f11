"""What another threshold would change."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbdeploy.stats.binomial import clopper_pearson
from nbdeploy.stats.curves import threshold_curve
from nbdeploy.validate.checks.drawing import BLUE, GREEN, ORANGE, PINK, QUIET, heading, legend, panels
from nbdeploy.validate.checks.shown import Shown, Table, measured, number, span
from nbdeploy.validate.context import Context

_TOLD = 9
"""Thresholds in the table, evenly spaced over the shares called positive."""


def thresholds(context: Context) -> Shown:
    """Record F1, with precision, recall and the share called positive at every threshold, and their intervals."""
    if context.objective.task != "binary":
        return Shown(text=f"Does not apply: F1 is of a binary task, and this is {context.objective.task}.")
    if "score" not in context.predictions:
        return Shown(table=measured([context.recompute("f1")]), text="Without scores there is no other threshold.")
    curve, bands = _curve(context)
    at = None if context.objective.predicted is not None else context.objective.decision_threshold
    found = context.recompute("f1", data={"curve": curve, "bands": bands, "at": at})
    figure, (axis,) = panels(height=2.9)
    for name, label, colour in (("precision", "Precision", BLUE), ("recall", "Recall", GREEN), ("f1", "F1", PINK)):
        axis.plot(curve["threshold"], curve[name], color=colour, label=label)
        if name in bands:
            axis.fill_between(curve["threshold"], *bands[name], color=colour, alpha=0.16, linewidth=0)
    axis.plot(
        curve["threshold"], curve["selection_rate"], color=QUIET, linestyle=(0, (4, 2)), label="Share called positive"
    )
    if at is not None:
        axis.axvline(at, color=ORANGE, linewidth=1.4)
        axis.annotate(f"{at:g}", (at, 1.02), xytext=(4, 0), textcoords="offset points", color=ORANGE, fontsize=8.5)
    heading(axis, "If the threshold were another")
    axis.set(xlabel="Threshold", ylim=(0, 1.08))
    legend(axis, loc="center left", bbox_to_anchor=(1, 0.5))
    f1 = f"F1 at the threshold in force: {number(found.value)} ({span(found.interval)})."
    return Shown(figure, _table(curve, bands, at), f1, alternative="precision, recall and F1 by threshold")


def _curve(context: Context) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return points of the curves, and the exact limits of precision and recall at each."""
    tally = context.tallies.scores()
    points = threshold_curve(tally)
    threshold, precision, recall, called = (
        np.array(points[name], dtype=float) for name in ("threshold", "precision", "recall", "selection_rate")
    )
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    selected = called * tally.rows
    positives = float(tally.counts[:, 1].sum())
    hits = np.rint(precision * selected)
    curve = {"threshold": threshold, "precision": precision, "recall": recall, "f1": f1, "selection_rate": called}
    return curve, {
        "precision": clopper_pearson(hits, np.rint(selected), context.objective.level),
        "recall": clopper_pearson(hits, np.full_like(hits, positives), context.objective.level),
    }


def _table(curve: dict[str, Any], bands: dict[str, Any], at: float | None) -> Table:
    rising = np.argsort(curve["threshold"])
    places = set(np.linspace(0, len(rising) - 1, _TOLD).round().astype(int).tolist())
    if at is not None:  # the first threshold at or above it decides as it does, or nearly where not all are drawn
        places.add(min(int(np.searchsorted(curve["threshold"][rising], at)), len(rising) - 1))
    rows = []
    for place in rising[sorted(places)]:
        shares = []
        for name in ("precision", "recall"):
            low, high = (float(side[place]) for side in bands[name])
            shares.append(f"{number(float(curve[name][place]))} ({span((low, high))})")
        rows.append((number(float(curve["threshold"][place])), *shares, number(float(curve["selection_rate"][place]))))
    return Table(("Threshold", "Precision", "Recall", "Called positive"), tuple(rows))
