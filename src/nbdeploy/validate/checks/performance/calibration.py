"""Do things given 30 % happen three times in ten?"""

from __future__ import annotations

from typing import Any

from nbdeploy.stats.curves import histogram, reliability
from nbdeploy.validate.checks.drawing import BLUE, FAINT, ORANGE, heading, legend, panels
from nbdeploy.validate.checks.performance.scored import without_scores
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context

_TENTHS = 10


def calibration(context: Context) -> Shown:
    """Record calibration error, Brier score and log loss, with the reliability curve and the spread of the scores."""
    missing = without_scores(context, "expected_calibration_error", "brier_score", "log_loss")
    if missing is not None:
        return missing
    tally = context.score_tally()
    points: dict[str, Any] = dict(reliability(tally, context.objective.level))
    spread: dict[str, Any] = dict(histogram(tally))
    bins: list[dict[str, Any]] = [
        {
            "low": max(tenth, 0) / _TENTHS,
            "high": (max(tenth, 0) + 1) / _TENTHS,
            "mean_score": mean,
            "rate": share,
            "n": int(n or 0),
            "interval": (low, high),
        }
        for mean, share, n, low, high in zip(
            points["mean_score"], points["share"], points["n"], points["lower"], points["upper"], strict=True
        )
        # The bins are (a, b]; a mean on its upper edge belongs to the bin below.
        for tenth in [-(-round((mean or 0) * _TENTHS, 9) // 1) - 1]
    ]
    edges = [*spread["lower"], *spread["upper"][-1:]]
    drawn = {"edges": edges, "negative": spread["negatives"], "positive": spread["positives"]}
    found = [
        context.recompute("expected_calibration_error", data={"bins": bins}),
        context.recompute("brier_score", data={"histogram": drawn}),
        context.recompute("log_loss"),
    ]
    figure, (left, right) = panels(2, height=3.1)
    left.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2, linestyle=(0, (3, 2)))
    for one in bins:
        left.plot([one["mean_score"]] * 2, one["interval"], color=BLUE, linewidth=2, alpha=0.45, solid_capstyle="butt")
    left.plot([one["mean_score"] for one in bins], [one["rate"] for one in bins], "o-", color=BLUE, markersize=5)
    heading(left, "Calibration")
    left.set(xlabel="Score given", ylabel="Share that happened", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
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
