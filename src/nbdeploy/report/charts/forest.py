"""Values with their intervals under each other: the groups of a metric, or several disparities against their gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from nbdeploy.documents.finding import Finding
from nbdeploy.documents.gate import GateCondition
from nbdeploy.documents.measurement import GroupValue
from nbdeploy.documents.record import Interval
from nbdeploy.report import figures, wording
from nbdeploy.report.charts.canvas import Axis, Canvas, half, short
from nbdeploy.report.charts.layout import Layout, both
from nbdeploy.report.charts.ranges import allowed, column_reach, finite, whisker
from nbdeploy.report.charts.text import width


@dataclass(frozen=True)
class Line:
    """One row of a forest plot; without `text` it is a heading."""

    name: str
    value: float | None = None
    interval: Interval | None = None
    tone: str = ""
    text: str = ""
    gate: GateCondition | None = None
    aside: bool = False  # a remark, which may run across the plot


@dataclass(frozen=True)
class Plan:
    """What a forest plot shares between its rows: the scale, lines across all rows, and a gate for all of them."""

    title: str
    reach: tuple[float, float]
    how: figures.Scale
    mark: float | None = None
    gate: GateCondition | None = None


RIGHT = 132
MOST, LOWEST, HIGHEST = 24, 12, 3
"""Groups that a forest plot draws at most; of more, so many at either end."""


def forest(finding: Finding) -> Markup:
    """Draw a group metric, one line a group, with the overall value and any gate as vertical lines.

    Of more than `MOST` groups it draws the lowest and the highest, which hold the pair that decides a comparison, and
    says how many stand in the table alone.
    """
    how = figures.scale(finding.section, finding.metric)
    groups = sorted(finding.by_group, key=lambda g: (g.excluded, g.value is None, g.value or 0))
    compared = [g for g in groups if not g.excluded and g.value is not None]
    if len(groups) <= MOST:
        lines = [_group_line(g, how) for g in groups]
    elif len(compared) <= LOWEST + HIGHEST:
        lines = [
            *(_group_line(g, how) for g in compared),
            *_untold(len(groups) - len(compared), "too small"),
        ]
    else:
        lines = [
            *(_group_line(g, how) for g in compared[:LOWEST]),
            *_untold(len(compared) - LOWEST - HIGHEST, "between"),
            *(_group_line(g, how) for g in compared[-HIGHEST:]),
            *_untold(len(groups) - len(compared), "too small"),
        ]
    plan = Plan(wording.name(finding), column_reach(finding), how, wording.of_all_rows(finding).value, finding.gate)
    return plot(plan, lines)


def _group_line(group: GroupValue, how: figures.Scale) -> Line:
    rows = group.denominator if group.denominator is not None else group.n
    tone = "is-excluded" if group.excluded else "is-none"
    written = f"{figures.number(group.value, how)}  (n {rows:,})"
    return Line(wording.within(group.group), group.value, group.interval, tone, written)


def _untold(many: int, which: str) -> list[Line]:
    """Return a line that says how many groups are left to the table; none where none are."""
    return [Line(f"… {wording.counted(many, 'group')} {which}: in the table below", aside=True)] if many else []


def compared(findings: Sequence[Finding]) -> Markup:
    """Draw several disparities of one kind under each other, by measure, each with its own gate's allowed side."""
    known = [f for f in findings if f.value is not None]
    if not known:
        return Markup("")
    ratio = all(f.metric.endswith("_ratio") for f in known)
    top = 1.0 if ratio else _top(known)
    lines: list[Line] = []
    for metric in dict.fromkeys(f.metric for f in known):
        same = [f for f in known if f.metric == metric]
        lines.append(Line(wording.label(same[0].section, metric)))
        lines += [
            Line(
                wording.subject(f) or "overall",
                f.value,
                f.interval,
                f"is-{f.verdict or 'none'}",
                wording.value(f),
                f.gate,
            )
            for f in same
        ]
    return plot(Plan("Disparities between groups", (0.0, top), figures.Scale(), 1.0 if ratio else 0.0), lines)


def _top(differences: Sequence[Finding]) -> float:
    """Return the end of the axis: of shares at most 1, of errors what their unit gives.

    A bound far beyond all that was measured would press everything else against 0; it is left outside.
    """
    measured = max(*finite([v for f in differences for v in (f.value, *(f.interval or ()))]), 1e-9)
    bounds = [bound for f in differences for bound in wording.bounds(f.gate) if bound <= 3 * measured]
    top = max(measured, *bounds, 0.0) * 1.15
    return top if measured > 1 else min(max(top, 0.115), 1.0)


def plot(plan: Plan, lines: Sequence[Line]) -> Markup:
    """Draw a forest plot, once for wide pages and once for narrow ones."""
    right = max(RIGHT, *(width(line.text) + 18 for line in lines))  # a number is never cut
    return both(lambda layout: _drawn(plan, lines, layout), [line.name for line in lines if not line.aside], right)


def _drawn(plan: Plan, lines: Sequence[Line], layout: Layout) -> Markup:
    step, down = (40, 18) if layout.above else (28, 0)
    tops, height = [], 6
    for line in lines:
        tops.append(height)
        height += step if line.text else 28
    canvas = Canvas(layout.width, height + 26, plan.title)
    right = layout.right if not layout.above else 12
    axis = Axis(*plan.reach, layout.left + 8, layout.width - right)
    for tick in axis.ticks():
        canvas.line((axis(tick), 4), (axis(tick), height), "c-grid")
        shown = f"{short(tick * 100)}\u00a0%" if plan.how.percent else short(tick)
        over = axis(tick) + half(shown) > layout.width
        at = layout.width if over else axis(tick)
        canvas.text((at, height + 18), shown, "c-tick", anchor="end" if over else "middle")
    if plan.gate is not None:
        allowed(canvas, axis, plan.gate, 4, height)
    if plan.mark is not None:
        canvas.line((axis(plan.mark), 2), (axis(plan.mark), height), "c-overall")
    for top, line in zip(tops, lines, strict=True):
        if line.text:
            _row(canvas, axis, top, line, layout, down)
        else:
            canvas.text((layout.left if layout.above else 4, top + 19), line.name, "c-name")
    return canvas.svg()


def _row(  # noqa: PLR0917 - where, then what
    canvas: Canvas, axis: Axis, top: float, line: Line, layout: Layout, down: float
) -> None:
    y = top + down + 14
    named = top + 15 if layout.above else y + 4
    canvas.text(
        (layout.left, named),
        line.name,
        "c-text",
        anchor="start" if layout.above else "end",
        room=layout.room(line.text),
    )
    if line.gate is not None:
        allowed(canvas, axis, line.gate, y - 9, y + 9)
    if line.value is None:
        canvas.text((axis.start, y + 4), "undefined", "c-tick")
    whisker(canvas, axis, y, line.value, line.interval, line.tone)
    at = layout.width - 6 if layout.above else layout.width - layout.right + 14
    canvas.text((at, named), line.text, "c-number", anchor="end" if layout.above else "start", room=layout.beside)
