"""Probabilities of several classes: is each class ranked above the others, and are the probabilities honest?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbdeploy.documents.catalog import measure
from nbdeploy.stats.curves import reliability_of_bins, roc_curve
from nbdeploy.stats.intervals import estimate
from nbdeploy.validate.checks.drawing import dots, heading, panels, rows_height
from nbdeploy.validate.checks.performance.reliability import bins_of, draw
from nbdeploy.validate.checks.performance.scored import without_scores
from nbdeploy.validate.checks.shown import Shown, Table, measured, number, span
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    from nbdeploy.stats.tally import ProbabilityTally

_AREAS = ("roc_auc_ovr", "roc_auc_ovr_weighted", "average_precision_macro", "average_precision_weighted")
_HONESTY = ("expected_calibration_error", "classwise_calibration_error", "brier_score", "log_loss")
_OF_EACH = ("roc_auc", "average_precision", "expected_calibration_error")
TOLD = 40
"""Classes that are told one by one, the worst first."""
DRAWN = 9
"""Classes that have a picture of their own, those with most rows first."""


def discrimination_by_class(context: Context) -> Shown:
    """Record the areas under the curves of each class against the rest, averaged over classes, with those of each."""
    missing = without_scores(context, *_AREAS)
    if missing is not None:
        return missing
    lines = each_class(context)
    curves = {str(line["class"]): line for line in _commonest(lines)}
    tally = context.tallies.probabilities()
    for name, one in zip(tally.classes, tally.each, strict=True):
        if str(name) in curves:
            curve = roc_curve(one)
            curves[str(name)]["curve"] = {key: curve[key] for key in ("false_positive_rate", "true_positive_rate")}
    found = [
        context.recompute(metric, data={"classes": lines} if metric == "roc_auc_ovr" else None) for metric in _AREAS
    ]
    figure, axes = panels(2, height=rows_height(len(lines)))
    for axis, metric, title in zip(axes, _OF_EACH, ("ROC AUC by class", "Average precision by class"), strict=False):
        dots(
            axis,
            [str(line["class"]) for line in lines],
            [line[metric]["value"] for line in lines],
            [line[metric]["interval"] for line in lines],
        )
        heading(axis, title)
    return Shown(figure, _table(lines), _told(found), alternative="areas under the curves of each class")


def calibration_by_class(context: Context) -> Shown:
    """Record the errors of the probabilities, with the reliability of the likeliest class, by that class.

    A picture for each class, of the rows for which it is the likeliest: top-label calibration (Gupta and Ramdas 2022).
    """
    missing = without_scores(context, *_HONESTY)
    if missing is not None:
        return missing
    tally, level = context.tallies.probabilities(), context.objective.level
    top = tally.top.sum(axis=0)
    of_each = [
        {"class": name, "n": int(rows[:, 0].sum()), "bins": bins_of(reliability_of_bins(rows, level))}
        for name, rows in zip(tally.classes, top, strict=True)
    ]
    data = {"bins": bins_of(reliability_of_bins(top.sum(axis=0), level)), "by_class": _commonest(of_each)}
    found = [context.recompute(name, data=data if name == _HONESTY[0] else None) for name in _HONESTY]
    figure, axes = panels(1 + len(data["by_class"]), height=2.9, columns=2)
    draw(axes[0], data["bins"], "Calibration of the likeliest class")
    for axis, one in zip(axes[1:], data["by_class"], strict=True):
        draw(axis, one["bins"], f"Where {one['class']} is likeliest")
    return Shown(figure, measured(found), alternative="reliability curves of the likeliest class, by class")


def each_class(context: Context) -> list[dict[str, Any]]:
    """Return, for each class, its rows and what its score is worth against the rest; the worst ranked first."""
    tally = context.tallies.probabilities()
    lines = [_line(tally, at, context.objective.level) for at in range(len(tally.classes))]
    return sorted(lines, key=lambda line: (line["roc_auc"]["value"] is None, line["roc_auc"]["value"] or 0))[:TOLD]


def _line(tally: ProbabilityTally, at: int, level: float) -> dict[str, Any]:
    line: dict[str, Any] = {"class": tally.classes[at], "n": int(tally.labelled[:, at].sum())}
    for metric in _OF_EACH:
        one = estimate(tally.each[at], metric, level)
        line[metric] = {"value": one.value, "interval": one.interval}
    return line


def _commonest(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the classes that are drawn: those with most rows, none without any."""
    return sorted((line for line in lines if line["n"]), key=lambda line: -line["n"])[:DRAWN]


def _table(lines: list[dict[str, Any]]) -> Table:
    rows = (
        (
            str(line["class"]),
            f"{line['n']:,}",
            *(f"{number(line[metric]['value'])} ({span(line[metric]['interval'])})" for metric in _OF_EACH),
        )
        for line in lines
    )
    return Table(("Class", "Rows", "ROC AUC", "Average precision", "Calibration error"), tuple(rows))


def _label(metric: str) -> str:
    entry = measure("performance", metric)
    return metric if entry is None else entry.label


def _told(found: list[Any]) -> str:
    return "; ".join(
        f"{_label(one.metric)} {number(one.value)} ({span(one.interval)})"
        if one.value is not None
        else str(one.undefined)
        for one in found
    )
