"""Accuracy against disparity: what treating groups alike would cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from markupsafe import Markup

from nbdeploy.documents.finding import Finding
from nbdeploy.report.charts.canvas import Frame, Point, frame, numbers
from nbdeploy.report.charts.text import width

_PLAIN = "another threshold"

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""


def tradeoff(finding: Finding) -> Markup:
    """Draw every way to decide: to the left groups are treated more alike, further up more decisions are right."""
    return Markup('<div class="roomy">{}</div><div class="narrow" hidden>{}</div>').format(
        _drawn(finding, 860), _drawn(finding, 360)
    )


def _drawn(finding: Finding, wide: float) -> Markup:
    data = finding.data
    points = [one for one in data["points"] if one["disparity"] is not None]
    reached = [float(end) for one in points for end in numbers(one["interval"] or [one["disparity"]])]
    height = [float(end) for one in points for end in numbers(one["accuracy_interval"])]
    room = (max(height) - min(height)) * 0.12 or 0.05
    name = str(data["compared"]).replace("_", " ")
    plot = frame(
        "The price of treating groups alike",
        f"{name.capitalize()} by {data['feature']}",
        "Accuracy",
        (0.0, max(reached) * 1.08 or 0.1),
        (max(min(height) - room, 0.0), min(max(height) + room, 1.0)),
        width=wide,
        height=360,
        percent=True,
    )
    named = sorted((one for one in points if one["kind"] != _PLAIN), key=lambda one: -float(one["accuracy"]))
    taken: list[Box] = []
    for one in [*(one for one in points if one["kind"] == _PLAIN), *named]:
        taken += _point(plot, one)
    for one in named:
        taken.append(_label(plot, one, taken))
    return plot.canvas.svg()


def _point(plot: Frame, one: dict[str, Any]) -> Iterator[Box]:
    """Draw a point with its whiskers, and return what they cover."""
    x, y = plot.at(float(one["disparity"]), float(one["accuracy"]))
    tone = "is-excluded" if one["kind"] == _PLAIN else ""
    low, high = (plot.y(end) for end in numbers(one["accuracy_interval"]))
    left, right = (plot.x(end) for end in numbers(one["interval"] or [one["disparity"]] * 2))
    plot.canvas.line((x, low), (x, high), f"c-whisker {tone}")
    plot.canvas.line((left, y), (right, y), f"c-whisker {tone}")
    plot.canvas.circle((x, y), 5, f"c-dot {tone}", str(one["method"]))
    yield x - 6, y - 6, x + 6, y + 6
    yield x - 1, high, x + 1, low
    yield left, y - 1, right, y + 1


def _label(plot: Frame, one: dict[str, Any], taken: list[Box]) -> Box:
    """Name a point at the nearest place that covers least of what is drawn, and return the place."""
    point, text = plot.at(float(one["disparity"]), float(one["accuracy"])), str(one["kind"])
    places = list(_places(plot, point, width(text)))
    best = min(places, key=lambda box: (sum(_covered(box, other) for other in taken), places.index(box)))
    left, top, right, bottom = best
    plot.canvas.text((left, bottom - 4), text, "c-text", room=right - left + 1)
    beside = left - point[0] if left > point[0] else point[0] - right
    if max(beside, abs((top + bottom) / 2 - point[1])) > 30:
        plot.canvas.line(point, (min(max(point[0], left), right), top if top > point[1] else bottom), "c-faint")
    return best


def _places(plot: Frame, point: Point, long: float) -> Iterable[Box]:
    """Yield where a label may stand: beside its point, then further above and below, inside of the plot."""
    x, y = point
    for down in (-16, 16, -32, 32, -48, 48, -64, 64, -80, 80):
        for left in (x + 9, x - 9 - long, x - long / 2, x + 40, x - 40 - long, x + 80, x - 80 - long):
            inside = plot.x.start <= left and left + long <= plot.x.end
            if inside and plot.y.end <= y + down - 9 and y + down + 9 <= plot.y.start:
                yield left, y + down - 9, left + long, y + down + 9
    # A drawing too small for all of that still names its points.
    yield max(min(x + 9, plot.x.end - long), 0.0), y - 25, max(min(x + 9 + long, plot.x.end), long), y - 7


def _covered(box: Box, other: Box) -> float:
    across = min(box[2], other[2]) - max(box[0], other[0])
    down = min(box[3], other[3]) - max(box[1], other[1])
    return across * down if across > 0 and down > 0 else 0.0
