"""Where the name of a line stands: beside the line itself, as far from all other lines as it can be."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from nbdeploy.report.charts.canvas import FONT, Frame, Point
from nbdeploy.report.charts.text import width

_AWAY = (11, 16, 22, 28, 34)
"""Pixels between the middle of a name and its line: more where the line is steep."""

_TRIED, _TALL, _ENOUGH = 40, 12, 9


def label_lines(plot: Frame, lines: Sequence[tuple[str, str, Sequence[Point]]], taken: Sequence[Point] = ()) -> None:
    """Write the name of each line above or below it, where most room is.

    Parameters
    ----------
    lines
        Name, class of the text, and data points by rising first coordinate.
    taken
        Pixels where other text stands already.
    """
    courses = [[plot.at(x, y) for x, y in points] for *_, points in lines]
    places = list(taken)
    for (name, cls, _), course in zip(lines, courses, strict=True):
        if not course:
            continue
        wide = width(name, FONT["c-tick"])
        start, end = max(course[0][0], plot.x.start) + wide / 2 + 4, min(course[-1][0], plot.x.end) - wide / 2 - 4
        along = [start + (end - start) * step / _TRIED for step in range(_TRIED + 1)]
        tried = [(x, _height(course, x) + away * side) for away in _AWAY for x in along for side in (-1, 1)]
        best = max(tried, key=lambda place: _clear(place, wide, courses, places, plot))  # the first, so the nearest
        plot.canvas.text((best[0], best[1] + 4), name, cls, anchor="middle")
        places.append(best)


def _clear(
    place: Point, wide: float, courses: Sequence[Sequence[Point]], places: Sequence[Point], plot: Frame
) -> float:
    """Return how far the nearest line or text is from text at a place, in pixels; more than enough is no better."""
    x, y = place
    if not plot.y.end + _TALL / 2 <= y <= plot.y.start - _TALL / 2:
        return -1.0
    inside = [x + wide * part for part in (-0.5, -0.25, 0, 0.25, 0.5)]
    lines = []
    for course in filter(None, courses):
        above = [_height(course, at) - y for at in inside]
        crossed = min(above) < 0 < max(above)  # also where it falls too steeply to be met at these places
        lines.append(0.0 if crossed else min(map(abs, above)))
    texts = [max(abs(other[0] - x) - wide, abs(other[1] - y) - _TALL / 2) for other in places]
    return min([float(_ENOUGH), *lines, *texts])


def _height(course: Sequence[Point], x: float) -> float:
    """Return the height of a line at `x`; beyond its ends it goes on level."""
    after = bisect_left(course, (x,))
    if after in (0, len(course)):
        return course[min(after, len(course) - 1)][1]
    (x0, y0), (x1, y1) = course[after - 1], course[after]
    return y0 if x1 == x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)
