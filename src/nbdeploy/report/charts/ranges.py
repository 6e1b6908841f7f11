"""A value with its interval against a gate, as a line for a table."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from nbdeploy.documents.finding import Finding
from nbdeploy.documents.gate import GateCondition
from nbdeploy.documents.measurement import GroupValue
from nbdeploy.documents.record import Interval, group_label
from nbdeploy.report import figures, wording
from nbdeploy.report.charts.canvas import Axis, Canvas, half

SPARK = 140
"""Pixels of a line beside a gate: what the narrowest table has, since text that is made smaller cannot be read."""


def finite(values: Sequence[float | None]) -> list[float]:
    """Return the values that are there and can be drawn."""
    return [value for value in values if value is not None and math.isfinite(value)]


def reach(values: Sequence[float | None], limits: tuple[float, float] = (-math.inf, math.inf)) -> tuple[float, float]:
    """Return an axis range around values, with air, inside what the measure can take."""
    known = finite(values)
    low, high = min(known), max(known)
    air = (high - low) * 0.18 or abs(high) * 0.2 or 0.1
    return max(low - air, limits[0]), min(high + air, limits[1])


def whisker(  # noqa: PLR0917 - where, then what
    canvas: Canvas, axis: Axis, y: float, value: float | None, interval: Interval | None, tone: str
) -> None:
    """Draw an interval as a line with ends, and the value in it as a dot; an open end runs out of the axis."""
    if interval is not None:
        low = axis.low if interval[0] is None else interval[0]
        high = axis.high if interval[1] is None else interval[1]
        canvas.line((axis(low), y), (axis(high), y), f"c-whisker {tone}")
        for end in finite([low, high]):
            if axis.low <= end <= axis.high:
                canvas.line((axis(end), y - 4), (axis(end), y + 4), f"c-whisker {tone}")
    if value is not None and math.isfinite(value):
        canvas.circle((axis(value), y), 4.5, f"c-dot {tone}")


def allowed(canvas: Canvas, axis: Axis, gate: GateCondition, top: float, bottom: float) -> None:
    """Shade the side that a gate allows, and draw its bounds."""
    low, high = gate.region
    start, end = axis(max(low, axis.low)), axis(min(high, axis.high))
    canvas.rect(start, top, end - start, bottom - top, "c-allowed")
    for edge in finite([low, high]):
        if not axis.low <= edge <= axis.high:
            continue
        canvas.line((axis(edge), top - 3), (axis(edge), bottom + 3), "c-bound")


def gate_line(finding: Finding) -> Markup:
    """Draw a finding against its gate: allowed side shaded, bound a line, value a dot, interval a whisker."""
    if finding.gate is None or not finite([finding.value]) or finding.gate.op == "==":
        return Markup("")
    bounds = wording.bounds(finding.gate)
    how = figures.scale(finding.section, finding.metric)
    limits = (*reach([finding.value, *(finding.interval or ()), *bounds], how.limits), 6, SPARK - 6)
    if limits[1] <= limits[0]:
        return Markup("")
    said = f"{wording.value(finding)}, {wording.interval(finding)}; the gate asks {wording.condition(finding)}"
    canvas = Canvas(SPARK, 34, said, "spark")
    axis = Axis(*limits)
    canvas.rect(axis.start, 6, axis.end - axis.start, 12, "c-track")
    allowed(canvas, axis, finding.gate, 6, 18)
    whisker(canvas, axis, 12, finding.value, finding.interval, f"is-{finding.verdict or 'none'}")
    for bound in bounds:
        written = figures.plain(bound, figures.Scale(percent=how.percent))
        at = min(max(axis(bound), half(written)), canvas.width - half(written))
        canvas.text((at, 31), written, "c-tick", anchor="middle")
    return canvas.svg()


def group_cell(value: GroupValue, finding: Finding) -> Markup:
    """Draw one group's value and interval on the scale that its column shares, the overall value as a thin line."""
    how = figures.scale(finding.section, finding.metric)
    said = f"{group_label(value.group)}: {figures.number(value.value, how)} {figures.span(value.interval, how)}"
    canvas = Canvas(84, 16, said, "spark")
    axis = Axis(*column_reach(finding), 5, 79)
    canvas.line((axis.start, 8), (axis.end, 8), "c-grid")
    overall = wording.of_all_rows(finding).value
    if overall is not None:
        canvas.line((axis(overall), 1), (axis(overall), 15), "c-overall")
    whisker(canvas, axis, 8, value.value, value.interval, "is-excluded" if value.excluded else "is-none")
    return canvas.svg()


def column_reach(finding: Finding) -> tuple[float, float]:
    """Return the scale that the groups of a metric share: 0 to 1 for rates, else what the values span."""
    if figures.scale(finding.section, finding.metric).percent:
        return 0.0, 1.0
    known = finite([v for g in finding.by_group for v in (g.value, *(g.interval or ()))])
    if not known:
        return 0.0, 1.0
    low, high = reach(known)
    return (low, high) if high > low else (low - 0.5, low + 0.5)
