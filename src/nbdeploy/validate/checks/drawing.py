"""The house style of the charts in notebooks: quiet axes, one accent, colours that everybody can tell apart."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette (2008), whose hues stay apart under every common colour blindness.
BLUE, ORANGE, GREEN, PINK, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
INK, QUIET, FAINT, RULE = "#22262B", "#69717A", "#C9CFD6", "#E6E9ED"

WIDTH = 7.6
"""Inches; at half the stored resolution this fits the narrowest notebook."""

PIXELS_PER_INCH = 160
"""Of the stored picture; it is shown at half that many, so that it is sharp on dense screens."""

_RUNS = 3
"""zlib's strategy Z_RLE."""

_STYLE: dict[str, Any] = {
    "figure.facecolor": "white",  # a transparent picture is unreadable in a dark notebook
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": QUIET,
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": QUIET,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
}


def panels(
    count: int = 1, *, height: float = 3.0, columns: int | None = None, heights: Sequence[float] | None = None
) -> tuple[Figure, list[Axes]]:
    """Return a figure of `count` panels, `columns` in a line; a line is `height` inches tall, or as `heights` say."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = columns or count
    lines = -(-count // columns)
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type] # its stubs list every key as a literal
        size = (WIDTH, sum(heights or [height] * lines))
        figure = Figure(figsize=size, dpi=PIXELS_PER_INCH, layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.subplots(lines, columns, squeeze=False, height_ratios=heights)
    axes = [axis for line in grid for axis in line]
    for spare in axes[count:]:
        spare.set_axis_off()
    return figure, axes[:count]


def picture(figure: Figure) -> bytes:
    """Return a figure of `panels` as a PNG file, the same bytes each time.

    It is laid out and drawn once: `Figure.savefig` goes through all texts four times.
    """
    from PIL import Image

    for axis in figure.axes:
        for unnamed in (axis.xaxis, axis.yaxis):
            if not unnamed.label.get_text():
                unnamed.set_label_coords(0.5, 0.5)  # else the labels of its ticks are measured to find it a place
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
        figure.set_layout_engine("none")
    canvas: Any = figure.canvas
    canvas.draw()
    drawn = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB")
    file = io.BytesIO()
    # Charts are runs of equal pixels: counting them packs tighter than looking for likenesses, in half the time.
    drawn.save(file, "png", dpi=(PIXELS_PER_INCH, PIXELS_PER_INCH), compress_type=_RUNS)
    return file.getvalue()


def heading(axis: Axes, text: str) -> None:
    """Put a title on a chart, bold and flush left."""
    axis.set_title(text, loc="left", fontsize=10, fontweight="bold", color=INK, pad=9, y=1.0)


def legend(axis: Axes, *names: Sequence[str], **where: Any) -> None:
    """Put a legend on a chart, without a frame."""
    axis.legend(*names, frameon=False, fontsize=8.5, labelcolor=INK, **where)


def text_width(labels: Sequence[str], limit: int = 34) -> list[str]:
    """Return labels cut to `limit` characters, so that one long name does not squeeze the chart."""
    return [label if len(label) <= limit else label[: limit - 1] + "…" for label in labels]


def bars(
    axis: Axes,
    labels: Sequence[str],
    values: Sequence[float],
    intervals: Sequence[tuple[float | None, float | None] | None] | None = None,
    *,
    colour: str = BLUE,
    highlight: Sequence[bool] | None = None,
) -> None:
    """Draw horizontal bars, the first on top, with whiskers where an interval is given; highlighted ones in orange."""
    places = range(len(labels))
    colours = [ORANGE if highlight and highlight[i] else colour for i in places]
    axis.barh(list(places), list(values), height=0.62, color=colours, alpha=0.88)
    rows, lows, highs = _known(intervals or ())
    axis.hlines(rows, lows, highs, color=INK, linewidth=1.1, capstyle="butt")
    axis.plot([*lows, *highs], [*rows, *rows], "|", color=INK, markersize=5)
    named_rows(axis, labels)


def dots(
    axis: Axes,
    labels: Sequence[str],
    values: Sequence[float | None],
    intervals: Sequence[tuple[float | None, float | None] | None],
    *,
    hollow: Sequence[bool] | None = None,
) -> None:
    """Draw values with whiskers, one line each, the first on top; hollow and grey where told so."""
    colours = [QUIET if hollow and hollow[place] else BLUE for place in range(len(labels))]
    rows, lows, highs = _known(intervals)
    axis.hlines(rows, lows, highs, colors=[colours[row] for row in rows], linewidth=2, alpha=0.55, capstyle="butt")
    told = [(value, place) for place, value in enumerate(values) if value is not None]
    for weak in (False, True):
        mine = [(value, place) for value, place in told if (colours[place] == QUIET) == weak]
        colour = QUIET if weak else BLUE
        axis.plot(
            [value for value, _ in mine],
            [place for _, place in mine],
            "o",
            color=colour,
            markersize=5.5,
            markerfacecolor="white" if weak else colour,
        )
    named_rows(axis, labels)


def _known(intervals: Sequence[tuple[float | None, float | None] | None]) -> tuple[list[int], list[float], list[float]]:
    """Return the rows that have an interval, and its ends."""
    found = [
        (row, one[0], one[1])
        for row, one in enumerate(intervals)
        if one is not None and one[0] is not None and one[1] is not None
    ]
    return [row for row, _, _ in found], [low for _, low, _ in found], [high for _, _, high in found]


def named_rows(axis: Axes, labels: Sequence[str]) -> None:
    """Put names on the rows of a chart, the first on top."""
    axis.set_yticks(range(len(labels)), text_width(labels))
    axis.set_ylim(len(labels) - 0.4, -0.6)
    axis.grid(visible=False, axis="y")
    axis.tick_params(axis="y", left=False)


def rows_height(rows: int, *, least: float = 1.5) -> float:
    """Return a height in inches that gives every row of a chart the same room."""
    return max(least, 0.8 + 0.24 * rows)
