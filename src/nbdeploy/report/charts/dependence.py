"""How the average answer follows single features: curves along quantities, dots beside the names of levels."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from nbdeploy.documents.finding import Finding
from nbdeploy.report.charts.canvas import Axis, Canvas, Point, frame, numbers, short, wider
from nbdeploy.report.charts.text import width

MOST = 6
WIDTH, STEP, TOP, HEIGHT = 340, 20, 26, 240
LONGEST = 148
"""Pixels that the names of levels take at most."""
LINES = 20


def partial_dependence(finding: Finding) -> Markup:
    """Draw, for each of the leading features, the average answer along its range; thin lines are sampled rows."""
    features = finding.data["features"][:MOST]
    every = [
        value
        for one in features
        for value in (*numbers(one["average"]), *(v for line in one.get("lines", [])[:LINES] for v in numbers(line)))
    ]
    reach = (min(every), max(every))
    answer = f"Average {finding.data.get('answer') or 'answer'}"
    parts = [
        _levels(one, answer, wider(reach)) if one.get("kind") == "category" else _curve(one, answer, reach)
        for one in features
    ]
    return Markup('<div class="many">{}</div>').format(Markup("").join(parts))


def _curve(one: dict[str, Any], answer: str, reach: Point) -> Markup:
    name, grid = str(one["feature"]), numbers(one["grid"])
    plot = frame(f"Partial dependence of {name}", name, answer, (grid[0], grid[-1]), reach, height=HEIGHT)
    for line in one.get("lines", [])[:LINES]:
        plot.curve(list(zip(grid, numbers(line), strict=True)), "c-faint")
    plot.curve(list(zip(grid, numbers(one["average"]), strict=True)), "c-line strong")
    return plot.canvas.svg()


def _levels(one: dict[str, Any], answer: str, reach: Point) -> Markup:
    """Draw levels under each other, highest answer first: their names are longer than an axis has room for."""
    name, known = str(one["feature"]), [str(level) for level in one["grid"]]
    left = max(min(max(map(width, known)) + 4, LONGEST), 44)
    bottom = TOP + STEP * len(known)
    canvas = Canvas(WIDTH, max(bottom + 44, HEIGHT), f"Partial dependence of {name}")
    axis = Axis(*reach, left + 10, WIDTH - 12)
    canvas.text((4, 15), name, "c-name")
    for tick in axis.ticks(4):
        canvas.line((axis(tick), TOP), (axis(tick), bottom), "c-grid")
        canvas.text((axis(tick), bottom + 16), short(tick), "c-tick", anchor="middle")
    canvas.line((left + 10, bottom), (WIDTH - 12, bottom), "c-axis")
    canvas.text(((left + WIDTH) / 2, bottom + 36), answer, "c-name", anchor="middle", room=WIDTH - left)
    ranked = sorted(zip(numbers(one["average"]), known, strict=True), key=lambda pair: -pair[0])
    for index, (value, level) in enumerate(ranked):
        y = TOP + STEP * index + STEP / 2
        canvas.text((left, y + 4), level, "c-text", anchor="end", room=left)
        canvas.circle((axis(value), y), 5, "c-dot is-none", f"{level}: {short(round(value, 4))}")
    return canvas.svg()
