"""What a check shows in a notebook: a chart and a small table, stored as static outputs."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from nbdeploy.documents.catalog import measure
from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.record import Interval
from nbdeploy.validate.checks.drawing import PIXELS_PER_INCH, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Table:
    """Rows of short texts under column heads; numbers stand to the right."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_html(self) -> str:
        """Return a table without any style: it survives an untrusted notebook."""
        numeric = [all(_is_number(row[i]) for row in self.rows) for i in range(len(self.heads))]
        align = [' align="right"' if right else ' align="left"' for right in numeric]
        head = "".join(f"<th{a}>{escape(text)}</th>" for a, text in zip(align, self.heads, strict=True))
        body = "".join(
            "<tr>" + "".join(f"<td{a}>{escape(text)}</td>" for a, text in zip(align, row, strict=True)) + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def to_text(self) -> str:
        """Return the table in columns of plain text."""
        lines = [self.heads, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.heads))]
        return "\n".join(
            "  ".join(text.ljust(w) for text, w in zip(line, widths, strict=True)).rstrip() for line in lines
        )


@dataclass(frozen=True)
class Shown:
    """A chart, a table, a line of text: whichever a check has, in that order.

    It sends ready pictures to the notebook by itself, because the inline backend only draws figures where pyplot was
    set up in the same kernel, which is not so in one forked from a warm parent.
    """

    figure: Figure | None = None
    table: Table | None = None
    text: str = ""
    alternative: str = field(default="chart", kw_only=True)

    def bundles(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return (data, metadata) of each output, as Jupyter stores it."""
        found: list[tuple[dict[str, Any], dict[str, Any]]] = []
        if self.figure is not None:
            width, height = (round(inches * PIXELS_PER_INCH / 2) for inches in self.figure.get_size_inches())
            data = {"image/png": picture(self.figure), "text/plain": f"[{self.alternative}]"}
            found.append((data, {"image/png": {"width": width, "height": height, "alt": self.alternative}}))
        if self.table is not None:
            found.append(({"text/html": self.table.to_html(), "text/plain": self.table.to_text()}, {}))
        if self.text:
            tag = "pre" if "\n" in self.text else "p"
            found.append(({"text/html": f"<{tag}>{escape(self.text)}</{tag}>", "text/plain": self.text}, {}))
        return found

    def _ipython_display_(self) -> None:
        from base64 import b64encode

        from IPython.display import publish_display_data

        for data, metadata in self.bundles():
            stored = {
                kind: b64encode(part).decode() if isinstance(part, bytes) else part for kind, part in data.items()
            }
            publish_display_data(stored, metadata)  # type: ignore[no-untyped-call] # IPython leaves it bare

    def __repr__(self) -> str:
        return "\n\n".join(data["text/plain"] for data, _ in self.bundles())


def number(value: float | None, digits: int = 3) -> str:
    """Return a number as people read it: whole ones with thousands, else `digits` decimals; — for undefined."""
    if value is None or math.isnan(value):
        return "—"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if isinstance(value, int) or (float(value).is_integer() and abs(value) > 1):
        text = f"{value:,.0f}"
    elif 0 < abs(value) < 0.5 * 10**-digits:
        text = f"{value:.1g}"
    else:
        text = f"{value:.{digits}f}" if abs(value) < 100 else f"{value:,.{1 if abs(value) < 1000 else 0}f}"
    return text.replace("-", "−")


def span(interval: Interval | None) -> str:
    """Return an interval as ``0.71 to 0.83``, — where there is none."""
    return "—" if interval is None else f"{number(interval[0])} to {number(interval[1])}"


def without(one: Measurement) -> str:
    """Return why a measurement of the fairness section has no value, with measures named as people name them."""

    def told(found: re.Match[str]) -> str:
        known = measure("fairness", found["metric"])
        return f"rows that count for the {known.label.lower() if known else found['metric']}"

    return re.sub(r"rows that (?P<metric>\w+) divides by", told, one.undefined or "undefined")


def measured(found: Sequence[Measurement]) -> Table:
    """Return the table of measurements: what it is, value, interval, rows it rests on."""
    rows = []
    for one in found:
        entry = measure(one.section, one.metric)
        counted = entry is not None and entry.kind == "quantity" and one.value is not None and one.value.is_integer()
        value = number(int(one.value) if counted and one.value is not None else one.value)
        value += f" ({one.undefined or 'undefined'})" if one.value is None else ""
        unit = f" {entry.unit}" if entry is not None and entry.unit and one.value is not None else ""
        name = entry.label if entry is not None else one.metric
        name += f" by {' × '.join(one.features)}" if one.features else ""
        name += f" where {one.slice}" if one.slice else ""
        rest = one.denominator if one.denominator is not None else one.n
        rows.append((name, value + unit, span(one.interval), number(rest)))
    return Table(("Measure", "Value", f"Interval ({_levels(found)})", "Rows"), tuple(rows))


def _levels(found: Sequence[Measurement]) -> str:
    levels = sorted({one.level for one in found if one.level is not None})
    return ", ".join(f"{level:.0%}" for level in levels) or "none"


def _is_number(text: str) -> bool:
    return text == "—" or text.lstrip("−").replace(",", "").replace(".", "", 1).rstrip("%∞").isdigit() or text == "∞"
