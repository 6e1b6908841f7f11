"""Do things given 30 % happen three times in ten?"""

from __future__ import annotations

from typing import Any

from nbdeploy.stats.curves import histogram, reliability
from nbdeploy.validate.checks.drawing import BLUE, FAINT, ORANGE, heading, legend, panels
from nbdeploy.validate.checks.performance.reliability import bins_of, draw
from nbdeploy.validate.checks.performance.scored import without_scores
from nbdeploy.validate.checks.performance.several import calibration_by_class
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context


def calibration(context: Context) -> Shown:
    """Record calibration error, Brier score and log loss, with the reliability curve and the spread of the scores."""
    if context.objective.task == "multiclass":
        return calibration_by_class(context)
    missing = without_scores(context, "expected_calibration_error", "brier_score", "log_loss")
    if missing is not None:
        return missing
    tally = context.tallies.scores()
    bins = bins_of(reliability(tally, context.objective.level))
    spread: dict[str, Any] = dict(histogram(tally))
    edges = [*spread["lower"], *spread["upper"][-1:]]
    drawn = {"edges": edges, "negative": spread["negatives"], "positive": spread["positives"]}
    found = [
        context.recompute("expected_calibration_error", data={"bins": bins}),
        context.recompute("brier_score", data={"histogram": drawn}),
        context.recompute("log_loss"),
    ]
    figure, (left, right) = panels(2, height=3.1)
    draw(left, bins, "Calibration")
    width = edges[1] - edges[0] if len(edges) > 1 and edges[0] is not None and edges[1] is not None else 1
    middles = [edge + width / 2 for edge in spread["lower"] if edge is not None]
    right.bar(middles, spread["negatives"], width=width * 0.92, color=FAINT, label="truly negative")
    right.bar(
        middles,
        spread["positives"],
        width=width * 0.92,
        color=BLUE,
        alpha=0.88,
        bottom=spread["negatives"],
        label="truly positive",
    )
    right.axvline(context.objective.decision_threshold, color=ORANGE, linewidth=1.4)
    heading(right, "Scores (line: threshold)")
    right.set(xlabel="Score given", ylabel="Rows")
    legend(right)
    right.grid(visible=False, axis="x")
    return Shown(figure, measured(found), alternative="reliability curve and histogram of scores")
