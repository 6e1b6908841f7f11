"""Does the model rank the positive rows above the negative ones?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbdeploy.stats.curves import pr_curve, roc_curve
from nbdeploy.stats.rates import confusion, rates
from nbdeploy.validate.checks.drawing import BLUE, FAINT, ORANGE, heading, panels
from nbdeploy.validate.checks.performance.scored import without_scores
from nbdeploy.validate.checks.performance.several import discrimination_by_class
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nbdeploy.documents.measurement import Measurement


def discrimination(context: Context) -> Shown:
    """Record the area under the ROC curve and the average precision, with both curves."""
    if context.objective.task == "multiclass":
        return discrimination_by_class(context)
    missing = without_scores(context, "roc_auc", "average_precision")
    if missing is not None:
        return missing
    scores, decisions, positive = context.tallies.scores(), context.tallies.classes(), context.objective.positive_class
    at = {
        "threshold": context.objective.decision_threshold,
        "false_positive_rate": float(rates(decisions, "false_positive_rate", positive=positive).value.sum()),
        "true_positive_rate": float(rates(decisions, "true_positive_rate", positive=positive).value.sum()),
    }
    roc: dict[str, Any] = dict(roc_curve(scores))
    pr: dict[str, Any] = dict(pr_curve(scores))
    counts = confusion(decisions, positive)
    base = float((counts.tp + counts.fn).sum()) / max(scores.rows, 1)
    ranks = context.recompute(
        "roc_auc", data={"curve": {name: roc[name] for name in ("false_positive_rate", "true_positive_rate")}, "at": at}
    )
    precision = context.recompute(
        "average_precision", data={"curve": {name: pr[name] for name in ("recall", "precision")}, "base_rate": base}
    )
    figure, (left, right) = panels(2, height=3.3)
    left.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2, linestyle=(0, (3, 2)))
    left.plot(roc["false_positive_rate"], roc["true_positive_rate"], color=BLUE)
    left.plot([at["false_positive_rate"]], [at["true_positive_rate"]], "o", color=ORANGE, markersize=6, zorder=3)
    left.annotate(
        f"threshold {at['threshold']:g}",
        (at["false_positive_rate"], at["true_positive_rate"]),
        xytext=(9, -11),
        textcoords="offset points",
        fontsize=8.5,
        color=ORANGE,
    )
    _square(left, _titled("ROC curve", "AUC", ranks), "False positive rate", "True positive rate")
    right.axhline(base, color=FAINT, linewidth=1.2, linestyle=(0, (3, 2)))
    right.plot(pr["recall"], pr["precision"], color=BLUE)
    _square(right, _titled("Precision and recall", "AP", precision), "Recall", "Precision")
    return Shown(figure, measured([ranks, precision]), alternative="ROC curve and precision-recall curve")


def _titled(title: str, short: str, found: Measurement) -> str:
    return title if found.value is None else f"{title} · {short} {found.value:.3f}"


def _square(axis: Axes, title: str, x: str, y: str) -> Any:
    heading(axis, title)
    axis.set(xlabel=x, ylabel=y, xlim=(-0.015, 1.015), ylim=(-0.015, 1.03))
    axis.set_aspect("equal")
