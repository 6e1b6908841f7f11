"""Accuracy against disparity: what treating groups alike would cost."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from nbdeploy.documents.finding import Finding
from nbdeploy.report.charts.canvas import Frame, frame, numbers

_PLAIN = "another threshold"


def tradeoff(finding: Finding) -> Markup:
    """Draw every way to decide: to the left groups are treated more alike, further up more decisions are right."""
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
        width=560,
        height=330,
    )
    named = sorted((one for one in points if one["kind"] != _PLAIN), key=lambda one: -float(one["accuracy"]))
    for one in points:
        if one["kind"] == _PLAIN:
            _point(plot, one, 0)
    for place, one in enumerate(named):
        _point(plot, one, 16 if place % 2 else -9)
    return plot.canvas.svg()


def _point(plot: Frame, one: dict[str, Any], below: float) -> None:
    x, y = plot.at(float(one["disparity"]), float(one["accuracy"]))
    tone = "is-excluded" if one["kind"] == _PLAIN else ""
    low, high = numbers(one["accuracy_interval"])
    plot.canvas.line((x, plot.y(low)), (x, plot.y(high)), f"c-whisker {tone}")
    if one["interval"]:
        left, right = numbers(one["interval"])
        plot.canvas.line((plot.x(left), y), (plot.x(right), y), f"c-whisker {tone}")
    plot.canvas.circle((x, y), 5, f"c-dot {tone}", str(one["method"]))
    if tone:
        return
    right_side = x > plot.x.end - 190
    at = (x - 9, y + below) if right_side else (x + 9, y + below)
    plot.canvas.text(at, str(one["kind"]), "c-text", anchor="end" if right_side else "start", limit=40)
