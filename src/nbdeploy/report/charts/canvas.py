"""A small drawing surface for SVG inside the card.

The card's charts are written directly rather than with matplotlib, for three reasons: an auditor must get the same
bytes from ``card.json`` years later, whatever drawing library is installed then; one drawing has to serve light, dark
and print, which only style sheet classes can do; and text stays text, to be read aloud, searched and enlarged. Shapes
carry classes (``templates/card/card.css`` gives them colours); coordinates are rounded to a tenth of a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from nbdeploy.report.charts.text import cut
from nbdeploy.report.inert import upright, visible

Point = tuple[float, float]

FONT = {"c-text": 13, "c-number": 13, "c-name": 12.7, "c-tick": 11, "c-of": 11, "c-count": 17.5}
"""Font sizes of the style sheet in pixels; those of bold text are larger here, since it is wider."""


def _at(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


@dataclass(frozen=True)
class Axis:
    """A linear scale from data to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the pixel of a value; values beyond the axis stop at its ends."""
        inside = min(max(value, self.low), self.high)
        return self.start + (inside - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Return round numbers inside the axis, about as many as asked."""
        raw = (self.high - self.low) / about
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if raw <= power * factor * 1.0001)
        first = math.ceil(self.low / step - 1e-9)
        return [round(index * step, 12) for index in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass
class Canvas:
    """Collects shapes; `svg` returns them. `title` is what a screen reader says."""

    width: float
    height: float
    title: str
    kind: str = "chart"
    _shapes: list[Markup] = field(default_factory=list)
    _texts: list[Markup] = field(default_factory=list)

    def line(self, start: Point, end: Point, cls: str) -> None:
        """Draw a straight line."""
        self._add("line", cls, x1=start[0], y1=start[1], x2=end[0], y2=end[1])

    def rect(
        self, x: float, y: float, width: float, height: float, cls: str, *, tip: str = "", opacity: float = 1
    ) -> None:
        """Draw a rectangle; `tip` shows when the pointer rests on it."""
        extra = Markup('fill-opacity="{}"').format(f"{opacity:.2f}") if opacity < 1 else Markup("")
        self._add("rect", cls, tip, extra, x=x, y=y, width=max(width, 0), height=max(height, 0))

    def circle(self, centre: Point, radius: float, cls: str, tip: str = "") -> None:
        """Draw a circle."""
        self._add("circle", cls, tip, cx=centre[0], cy=centre[1], r=radius)

    def path(self, points: Sequence[Point], cls: str, *, closed: bool = False) -> None:
        """Draw a line through points."""
        if points:
            course = "L".join(f"{_at(x)} {_at(y)}" for x, y in points)
            self._shapes.append(Markup('<path class="{}" d="M{}{}"/>').format(cls, course, "Z" if closed else ""))

    def text(
        self, at: Point, content: str, cls: str = "c-text", *, anchor: str = "start", room: float | None = None
    ) -> None:
        """Write text, in at most `room` pixels; foreign text is shown, never interpreted.

        What was cut stands whole in the text's title, which a pointer shows.
        """
        shown = visible(content)
        written = cut(shown, self.width if room is None else room, FONT.get(cls.split(maxsplit=1)[0], 13))
        full = Markup("<title>{}</title>").format(shown) if written != shown else Markup("")
        self._texts.append(
            Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}{}</text>').format(
                cls, _at(at[0]), _at(at[1]), anchor, full, upright(written)
            )
        )

    def vertical_text(self, at: Point, content: str) -> None:
        """Write the name of a vertical axis, turned to read upwards."""
        self._texts.append(
            Markup(
                '<text class="c-name" text-anchor="middle" transform="translate({} {}) rotate(-90)">{}</text>'
            ).format(_at(at[0]), _at(at[1]), cut(visible(content), self.height - 8, FONT["c-name"]))
        )

    def svg(self) -> Markup:
        """Return the drawing, text on top: in outlines where a style sheet was stripped, which says what is filled."""
        return Markup(
            '<svg class="{}" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}" '
            'fill="none" stroke="currentColor">{}<g fill="currentColor" stroke="none">{}</g></svg>'
        ).format(
            self.kind,
            _at(self.width),
            _at(self.height),
            _at(self.width),
            _at(self.height),
            visible(self.title),
            Markup("").join(self._shapes),
            Markup("").join(self._texts),
        )

    def _add(self, tag: str, cls: str, tip: str = "", extra: Markup = Markup(""), **numbers: float) -> None:  # noqa: B008 - immutable
        # Names are ours and numbers are numbers; what is foreign is escaped.
        placed = " ".join(f'{name}="{_at(number)}"' for name, number in numbers.items())
        inside = f"<title>{escape(visible(tip))}</title>" if tip else ""
        shape = f'<{tag} class="{escape(cls)}" {placed} {extra}>{inside}</{tag}>'
        self._shapes.append(Markup(shape))  # noqa: S704 - see above


@dataclass(frozen=True)
class Frame:
    """The plotting area inside a canvas, with its two axes."""

    canvas: Canvas
    x: Axis
    y: Axis

    def at(self, x: float, y: float) -> Point:
        """Return the pixel of a data point."""
        return self.x(x), self.y(y)

    def curve(self, points: Sequence[Point], cls: str) -> None:
        """Draw a line through data points."""
        self.canvas.path([self.at(x, y) for x, y in points], cls)

    def band(self, lower: Sequence[Point], upper: Sequence[Point], cls: str = "c-band") -> None:
        """Fill the area between two lines."""
        self.canvas.path([self.at(x, y) for x, y in [*upper, *reversed(lower)]], cls, closed=True)


def frame(
    title: str,
    x_name: str,
    y_name: str,
    x_range: tuple[float, float] = (0, 1),
    y_range: tuple[float, float] = (0, 1),
    *,
    width: float = 340,
    height: float = 300,
    x_labels: Sequence[tuple[float, str]] | None = None,
    mirrored: bool = False,
    percent: bool = False,
) -> Frame:
    """Make a canvas with labelled axes and a light grid.

    `x_labels` stand at their places instead of round numbers. The ticks of a `mirrored` vertical axis grow both ways
    from 0; those of one in `percent` are shares written as percentages.
    """
    canvas = Canvas(width, height, title)
    left, right, top, bottom = 54, 12, 10, 44
    x = Axis(*wider(x_range), left, width - right)
    y = Axis(*wider(y_range), height - bottom, top)
    for tick in y.ticks():
        canvas.line((left, y(tick)), (width - right, y(tick)), "c-grid")
        counted = abs(tick) if mirrored else tick
        canvas.text((left - 6, y(tick) + 4), share(counted) if percent else short(counted), "c-tick", anchor="end")
    for place, said in x_labels if x_labels is not None else [(tick, short(tick)) for tick in x.ticks()]:
        canvas.line((x(place), height - bottom), (x(place), height - bottom + 4), "c-axis")
        over = x(place) + half(said) > width
        at = (width - 2 if over else x(place), height - bottom + 16)
        canvas.text(at, said, "c-tick", anchor="end" if over else "middle", room=90)
    canvas.line((left, height - bottom), (width - right, height - bottom), "c-axis")
    middle = left + (width - right - left) / 2
    canvas.text((middle, height - 8), x_name, "c-name", anchor="middle", room=2 * (width - middle))
    canvas.vertical_text((13, top + (height - bottom - top) / 2), y_name)
    return Frame(canvas, x, y)


def short(value: float) -> str:
    """Write a tick."""
    return f"{value:,.6g}".replace("-", "−")


def share(value: float) -> str:
    """Write the tick of a share."""
    return f"{short(round(value * 100, 10))}\u00a0%"


def half(tick: str) -> float:
    """Return half of the pixels that a tick takes, in the widest of the usual system fonts."""
    return 3.7 * len(tick)


def wider(limits: tuple[float, float]) -> tuple[float, float]:
    """Return limits that an axis can have: apart even where all values are alike.

    Raises
    ------
    ValueError
        One of them is not finite.
    """
    low, high = limits
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("an axis needs finite ends")
    if high - low > 1e-12 * max(abs(low), abs(high), 1e-12):
        return low, high
    pad = abs(low) * 0.1 or 0.5
    return low - pad, high + pad


def numbers(values: object, *, most: int = 2000) -> list[float]:
    """Return a list of finite numbers from a finding's free-form data.

    Raises
    ------
    ValueError, TypeError
        Not a list, too long, or something in it is no finite number.
    """
    if not isinstance(values, (list, tuple)) or len(values) > most:
        raise ValueError("not a list of numbers that can be drawn")
    found = [float(value) for value in values]
    if not all(math.isfinite(value) for value in found):
        raise ValueError("a number is not finite")
    return found
