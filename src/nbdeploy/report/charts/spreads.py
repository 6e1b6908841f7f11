"""How errors are spread in each group: the median, the middle half and the middle nine tenths."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from nbdeploy.documents.finding import Finding
from nbdeploy.report import figures, wording
from nbdeploy.report.charts.canvas import Axis, Canvas, half, short, wider
from nbdeploy.report.charts.layout import Layout, both

SIDES = tuple(f"residual_quantile_{percent}" for percent in ("05", "25", "50", "75", "95"))
RIGHT = 156


@dataclass(frozen=True)
class Spread:
    """One row of the chart: the five quantiles of a group's errors, and how many rows they are of."""

    name: str
    sides: tuple[float, ...]
    n: int
    excluded: bool = False

    @property
    def text(self) -> str:
        """What stands beside the row."""
        return f"{figures.number(self.sides[2])}  (n {self.n:,})"


def spreads(findings: Sequence[Finding]) -> Markup:
    """Draw the quantiles of the error of every group, the lowest median first, all rows on top.

    Parameters
    ----------
    findings
        One for each of `SIDES`, of the same groups; empty where one is missing.
    """
    by_metric = {finding.metric: finding for finding in findings}
    if not set(SIDES) <= set(by_metric):
        return Markup("")
    rows = _groups(by_metric)
    whole = [wording.of_all_rows(by_metric[side]).value for side in SIDES]
    if all(value is not None for value in whole):
        n = sum(group.n for group in by_metric[SIDES[2]].by_group)
        rows.insert(0, Spread("All rows", tuple(float(value) for value in whole if value is not None), n))
    if not rows or not all(math.isfinite(side) for row in rows for side in row.sides):
        return Markup("")
    return both(lambda layout: _drawn(rows, layout), [row.name for row in rows], RIGHT)


def _groups(by_metric: Mapping[str, Finding]) -> list[Spread]:
    found: list[Spread] = []
    for group in by_metric[SIDES[2]].by_group:
        same = [next((g for g in by_metric[side].by_group if g.group == group.group), None) for side in SIDES]
        sides = tuple(float(one.value) for one in same if one is not None and one.value is not None)
        if len(sides) == len(SIDES):
            found.append(Spread(wording.within(group.group), sides, group.n, group.excluded))
    return sorted(found, key=lambda row: (row.excluded, row.sides[2]))


def _drawn(rows: Sequence[Spread], layout: Layout) -> Markup:
    step, down = (40, 18) if layout.above else (28, 0)
    height = 6 + step * len(rows)
    canvas = Canvas(layout.width, height + 26, "Errors of each group: median, middle half, middle nine tenths")
    low, high = wider((min(0.0, *(row.sides[0] for row in rows)), max(0.0, *(row.sides[-1] for row in rows))))
    axis = Axis(low, high, layout.left + 8, layout.width - (12 if layout.above else layout.right))
    for tick in axis.ticks():
        canvas.line((axis(tick), 4), (axis(tick), height), "c-overall" if tick == 0 else "c-grid")
        over = axis(tick) + half(short(tick)) > layout.width
        at = layout.width if over else axis(tick)
        canvas.text((at, height + 18), short(tick), "c-tick", anchor="end" if over else "middle")
    for index, row in enumerate(rows):
        _row(canvas, axis, 6 + step * index, row, layout, down)
    return canvas.svg()


def _row(  # noqa: PLR0917 - where, then what
    canvas: Canvas, axis: Axis, top: float, row: Spread, layout: Layout, down: float
) -> None:
    y = top + down + 14
    named = top + 15 if layout.above else y + 4
    anchor = "start" if layout.above else "end"
    canvas.text((layout.left, named), row.name, "c-text", anchor=anchor, room=layout.room(row.text))
    low, quarter, middle, three, high = (axis(side) for side in row.sides)
    if row.excluded:
        canvas.line((low, y), (high, y), "c-whisker is-excluded")
    else:
        canvas.rect(low, y - 8, high - low, 16, "c-band")
        canvas.rect(quarter, y - 8, three - quarter, 16, "c-bar", tip=f"{row.name}: {row.text}")
    canvas.circle((middle, y), 4.5, "c-dot is-excluded" if row.excluded else "c-mark")
    at = layout.width - 6 if layout.above else layout.width - layout.right + 14
    canvas.text((at, named), row.text, "c-number", anchor="end" if layout.above else "start", room=layout.beside)
