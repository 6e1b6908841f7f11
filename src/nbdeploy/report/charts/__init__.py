"""Which charts a finding has, and how each is drawn from the findings named in the card."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files

from markupsafe import Markup

from nbdeploy.documents.finding import Finding
from nbdeploy.documents.measurement import GroupValue
from nbdeploy.documents.record import Record
from nbdeploy.report.charts import bars, counts, curves, dependence, forest, money, ranges, rows, spreads, tradeoff


class Chart(Record):
    """A chart of one finding: what it is called, how it is read, and what of the finding's data it needs."""

    name: str
    metric: str
    needs: str
    title: str
    reading: str


_DRAW: dict[str, Callable[[Finding], Markup]] = {
    "confusion": counts.confusion,
    "roc": curves.roc,
    "roc_by_class": curves.roc_by_class,
    "precision_recall": curves.precision_recall,
    "reliability": curves.reliability,
    "reliability_by_class": curves.reliability_by_class,
    "scores": counts.score_histogram,
    "thresholds": curves.thresholds,
    "errors": counts.histogram,
    "mean_predicted": curves.mean_predicted,
    "importance": bars.importance,
    "shap": bars.shap,
    "proxies": bars.proxies,
    "partial_dependence": dependence.partial_dependence,
    "strengths": curves.strengths,
    "column_flips": bars.column_flips,
    "distances": curves.distances,
    "telling": bars.telling,
    "missing": bars.missing,
    "drift": bars.drift,
    "shapes": counts.shapes,
    "examples": rows.examples,
    "latency": counts.histogram,
    "residuals": curves.residuals,
    "gains": money.gains,
    "cost_curve": money.cost_curve,
    "tradeoff": tradeoff.tradeoff,
}


WIDE = frozenset(
    {
        "importance",
        "shap",
        "partial_dependence",
        "examples",
        "column_flips",
        "missing",
        "drift",
        "shapes",
        "telling",
        "proxies",
        "gains",
        "tradeoff",
        "roc_by_class",
        "reliability_by_class",
    }
)
"""Charts that need the width of the page."""


@cache
def _charts() -> tuple[Chart, ...]:
    table = tomllib.loads((files("nbdeploy.report.charts") / "charts.toml").read_text("utf-8"))
    return tuple(Chart(**entry) for entry in table["chart"])


_UNDRAWABLE = (KeyError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError, OverflowError)
"""What free-form data of an edited notebook can raise while it is drawn. The table beside the chart still tells it."""


def charts_for(finding: Finding) -> tuple[Chart, ...]:
    """Return the charts whose points the finding really holds."""
    if finding.features or finding.slice:
        return ()
    return tuple(chart for chart in _charts() if chart.metric == finding.metric and _drawn(chart, finding))


def _drawn(chart: Chart, finding: Finding) -> Markup:
    if not finding.data.get(chart.needs):
        return Markup("")
    try:
        return _DRAW[chart.name](finding)
    except _UNDRAWABLE:
        return Markup("")


def draw(name: str, findings: Sequence[Finding]) -> Markup:
    """Draw a chart of the card; empty where nothing can be drawn.

    Parameters
    ----------
    name
        A chart's name, ``compared`` for disparities under each other, ``forest`` for a metric by group, or ``spreads``
        for quantiles of the error by group.
    """
    if not findings:
        return Markup("")
    if name == "compared":
        return forest.compared(findings)
    if name == "forest":
        return forest.forest(findings[0])
    if name == "spreads":
        return spreads.spreads(findings)
    found = next((c for c in _charts() if c.name == name and c.metric == findings[0].metric), None)
    return _drawn(found, findings[0]) if found else Markup("")


def gate_line(finding: Finding) -> Markup:
    """Draw one gated finding as a line for a table."""
    return ranges.gate_line(finding)


def group_cell(value: GroupValue, finding: Finding) -> Markup:
    """Draw one group's value on the scale of its column."""
    return ranges.group_cell(value, finding)
