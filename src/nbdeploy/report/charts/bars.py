"""Charts of lengths: importance, drift, missing values, the change that one column makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from nbdeploy.documents.finding import Finding
from nbdeploy.report import figures
from nbdeploy.report.charts.canvas import Axis, Canvas, numbers, short
from nbdeploy.report.charts.layout import Layout, both
from nbdeploy.report.charts.text import width

MOST = 20
RIGHT = 116


@dataclass(frozen=True)
class Bar:
    """One bar: its name, length, the number written beside it, and its interval."""

    name: str
    value: float
    text: str
    interval: tuple[float, float] | None = None
    stands_out: bool = False


def _bars(title: str, bars: Sequence[Bar], marks: Sequence[tuple[float, str]] = ()) -> Markup:
    """Draw horizontal bars, their numbers beside them, and `marks` as lines across."""
    shown = list(bars[:MOST])
    if not shown:
        raise ValueError("nothing to draw")
    right = max(RIGHT, *(width(bar.text) + 18 for bar in shown))  # a number is never cut
    return both(lambda layout: _drawn(title, shown, marks, layout), [bar.name for bar in shown], right)


def _drawn(title: str, bars: Sequence[Bar], marks: Sequence[tuple[float, str]], layout: Layout) -> Markup:
    ends = [v for bar in bars if bar.interval for v in bar.interval] + [mark for mark, _ in marks]
    values = [bar.value for bar in bars]
    low, high = min(0.0, *values, *ends), max(*values, *ends, 1e-9)
    step, down = (40, 16) if layout.above else (24, 0)
    canvas = Canvas(layout.width, step * len(bars) + (26 if marks else 10), title)
    axis = Axis(low, high, layout.left + 8, layout.width - layout.right)
    bottom = 4 + step * len(bars)
    canvas.line((axis(0), 2), (axis(0), bottom), "c-axis")
    for index, bar in enumerate(bars):
        y = 4 + step * index
        at = (layout.left, y + 13) if layout.above else (layout.left, y + 14)
        canvas.text(at, bar.name, "c-text", anchor="start" if layout.above else "end", room=layout.room(bar.text))
        start, end = sorted((axis(0), axis(bar.value)))
        tone = " stands-out" if bar.stands_out else ""
        canvas.rect(start, y + down + 3, end - start, 15, f"c-bar{tone}", tip=f"{bar.name}: {bar.text}")
        if bar.interval:
            whisker = [(axis(limit), y + down + 10) for limit in bar.interval]
            canvas.line(whisker[0], whisker[1], "c-whisker on-bar")
        said = (layout.width - 6, y + 13) if layout.above else (layout.width - layout.right + 14, y + 14)
        canvas.text(said, bar.text, "c-number", anchor="end" if layout.above else "start", room=layout.beside)
    for mark, told in marks:
        canvas.line((axis(mark), 2), (axis(mark), bottom), "c-bound")
        canvas.text((min(axis(mark), layout.width - 70), bottom + 15), told, "c-tick", anchor="middle")
    return canvas.svg()


def _interval(limits: Any) -> tuple[float, float] | None:
    if not limits or None in limits:
        return None
    low, high = numbers(limits)
    return low, high


def _percent(share: float) -> str:
    return figures.number(share, figures.Scale(percent=True))


def importance(finding: Finding) -> Markup:
    """Draw how much worse the model gets without each feature."""
    bars = [
        Bar(
            str(one["feature"]),
            float(one["mean"]),
            figures.number(float(one["mean"])),
            _interval([one.get("low"), one.get("high")]),
        )
        for one in finding.data["features"]
    ]
    return _bars("Importance of features", bars)


def shap(finding: Finding) -> Markup:
    """Draw the mean absolute SHAP value of each feature."""
    bars = [
        Bar(
            str(one["feature"]),
            float(one["mean_abs"]),
            figures.number(float(one["mean_abs"])),
            _interval(one.get("interval")),
        )
        for one in finding.data["features"]
    ]
    return _bars("Mean SHAP contribution", bars)


def drift(finding: Finding) -> Markup:
    """Draw the shift of each column, with the usual 0.2 mark."""
    bars = [
        Bar(
            str(one["column"]),
            float(one["psi"]),
            f"{figures.number(float(one['psi']))}{' drifted' if one.get('drifted') else ''}",
            stands_out=bool(one.get("drifted")),
        )
        for one in finding.data["columns"]
        if one.get("psi") is not None
    ]
    return _bars("Shift of each column", bars, [(0.2, "0.2, usually called large")])


def missing(finding: Finding) -> Markup:
    """Draw the share of empty cells of each column that has any."""
    shares = {
        str(one["column"]): int(one["missing"]) / int(one["n"]) for one in finding.data["columns"] if one["missing"]
    }
    return _bars("Missing values", [Bar(name, share, _percent(share)) for name, share in shares.items()])


def column_flips(finding: Finding) -> Markup:
    """Draw how far answers change when one column alone is moved, missing or wrong: of each column the worst change."""
    columns = finding.data["columns"]
    key = "rate" if "rate" in columns[0] else "shift"
    ordered = sorted(columns, key=lambda one: -float(one[key]))
    worst = {str(one["column"]): one for one in reversed(ordered)}
    bars = [
        Bar(
            " ".join(filter(None, (name, str(one.get("change") or "")))),
            float(one[key]),
            _percent(float(one[key])) if key == "rate" else short(round(float(one[key]), 4)),
            _interval(one.get("interval")),
        )
        for name, one in sorted(worst.items(), key=lambda pair: -float(pair[1][key]))
    ]
    return _bars("Change by column", bars)


def telling(finding: Finding) -> Markup:
    """Draw how well each input alone tells the target, with the mark from which on it is suspicious."""
    at = float(finding.data["at"])
    bars = [
        Bar(
            str(one["column"]),
            float(one["value"]),
            f"{float(one['value']):.3f}",
            _interval(one["interval"]),
            stands_out=float(one["value"]) >= at,
        )
        for one in finding.data["columns"]
    ]
    return _bars("Strength of each input alone", bars, [(at, f"{at:g}")])


def proxies(finding: Finding) -> Markup:
    """Draw how well the model's inputs tell each sensitive feature."""
    bars = [
        Bar(str(one["feature"]), float(one["area"]), f"{float(one['area']):.2f}", _interval(one.get("interval")))
        for one in finding.data["features"]
    ]
    return _bars("Proxies of sensitive features", bars, [(0.5, "0.5, guessing"), (1.0, "1")])
