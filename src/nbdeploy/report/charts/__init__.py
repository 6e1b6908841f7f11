"""Which charts a finding has, and how each is drawn from the findings named in the card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from nbdeploy.documents.finding import Finding
from nbdeploy.documents.measurement import GroupValue
from nbdeploy.report.charts import bars, curves, ranges


@dataclass(frozen=True)
class Chart:
    """A chart of one finding: what it is called, how it is read, what draws it, and what of the data it needs."""

    name: str
    metric: str
    needs: str
    title: str
    reading: str
    draw: Callable[[Finding], Markup]


_CHARTS = (
    Chart("confusion", "accuracy", "confusion", "Right and wrong decisions", "Each row is a truth, each column what the model said; the diagonal is right.", bars.confusion),
    Chart("roc", "roc_auc", "curve", "Found against false alarms", "The further the line bends to the top left, the better it ranks. Dashed: guessing.", curves.roc),
    Chart("precision_recall", "average_precision", "curve", "Found against right", "How often the model is right when it says positive, as it is asked to find more.", curves.precision_recall),
    Chart("reliability", "expected_calibration_error", "bins", "Are its probabilities honest?", "On the dashed line, what it promises happens. Larger dots hold more rows.", curves.reliability),
    Chart("scores", "brier_score", "histogram", "Scores by truth", "The less the two sides overlap, the better the model tells them apart.", bars.score_histogram),
    Chart("thresholds", "f1", "curve", "What another threshold would give", "Solid: precision. Dashed: recall. Dotted: share called positive.", curves.thresholds),
    Chart("errors", "root_mean_squared_error", "histogram", "Size of the errors", "Left of 0 the model says too little, right of 0 too much.", bars.histogram),
    Chart("mean_predicted", "r2", "bins", "Prediction and truth", "On the dashed line the mean prediction equals the mean truth.", curves.mean_predicted),
    Chart("importance", "permutation_importance", "features", "What drives the model", "How much worse it gets when a feature is shuffled; the thin line is the interval.", bars.importance),
    Chart("shap", "shap_additivity_residual", "features", "Average contribution to an answer (SHAP)", "Mean size of each feature’s contribution, over the sampled rows.", bars.shap),
    Chart("partial_dependence", "partial_dependence", "features", "How answers follow the leading features", "Thick: the average answer along the feature’s range. Thin: single sampled rows.", curves.partial_dependence),
    Chart("strengths", "flip_rate", "strengths", "Decisions under noise", "Share of decisions that change as numeric inputs move further.", curves.strengths),
    Chart("strengths", "prediction_shift", "strengths", "Predictions under noise", "Mean change of the prediction as numeric inputs move further.", curves.strengths),
    Chart("column_flips", "flip_rate", "columns", "Which input is touchiest", "Share of decisions that change when one input alone moves by a tenth of its spread.", bars.column_flips),
    Chart("column_flips", "missing_flip_rate", "columns", "When one input is missing", "Share of decisions that change when it is replaced by its commonest value.", bars.column_flips),
    Chart("column_flips", "prediction_shift", "columns", "Which input is touchiest", "Mean change of the prediction when one input alone moves.", bars.column_flips),
    Chart("missing", "missing_share", "columns", "Where values are missing", "Share of empty cells, by column.", bars.missing),
    Chart("drift", "drifted_columns", "columns", "How far each column moved", "Population stability index against the reference or training rows.", bars.drift),
    Chart("shapes", "max_psi", "shapes", "The columns that moved most", "Filled: the evaluated rows. Outlined: the reference.", bars.shapes),
    Chart("latency", "latency_p95_ms", "histogram", "Time for one answer", "Single-row predictions, in milliseconds.", bars.histogram),
)  # fmt: skip

_UNDRAWABLE = (KeyError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError, OverflowError)
"""What free-form data of an edited notebook can raise while it is drawn. The table beside the chart still tells it."""


def charts_for(finding: Finding) -> tuple[Chart, ...]:
    """Return the charts whose points the finding really holds."""
    if finding.features or finding.slice:
        return ()
    return tuple(chart for chart in _CHARTS if chart.metric == finding.metric and _drawn(chart, finding))


def _drawn(chart: Chart, finding: Finding) -> Markup:
    if not finding.data.get(chart.needs):
        return Markup("")
    try:
        return chart.draw(finding)
    except _UNDRAWABLE:
        return Markup("")


def draw(name: str, findings: Sequence[Finding]) -> Markup:
    """Draw a chart of the card; empty where nothing can be drawn.

    Parameters
    ----------
    name
        A chart's name, ``compared`` for disparities under each other, or ``forest`` for a metric by group.
    """
    if not findings:
        return Markup("")
    if name == "compared":
        return ranges.compared(findings)
    if name == "forest":
        return ranges.forest(findings[0])
    found = next((c for c in _CHARTS if c.name == name and c.metric == findings[0].metric), None)
    return _drawn(found, findings[0]) if found else Markup("")


def gate_line(finding: Finding) -> Markup:
    """Draw one gated finding as a line for a table."""
    return ranges.gate_line(finding)


def group_cell(value: GroupValue, finding: Finding) -> Markup:
    """Draw one group's value on the scale of its column."""
    return ranges.group_cell(value, finding)
