"""How results look: one small description, shown as HTML, Markdown or plain text.

The HTML survives the sanitiser of an untrusted notebook: no style, script, svg, role or aria, only structure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any


@dataclass(frozen=True)
class Table:
    """Rows under headers."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Shown:
    """A title, sentences, tables and what to do next, in that order."""

    title: str
    lines: Sequence[str] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    next: Sequence[str] = ()
    html_extra: str = field(default="", repr=False)

    def html(self) -> str:
        """Return an HTML fragment; every foreign text is escaped."""
        parts = [f"<h4>{escape(self.title)}</h4>"]
        parts += [f"<p>{escape(line)}</p>" for line in self.lines]
        for table in self.tables:
            head = "".join(f"<th>{escape(name)}</th>" for name in table.headers)
            body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
            parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
        parts.append(self.html_extra)
        parts += [f"<p><em>{escape(note)}</em></p>" for note in self.notes]
        if self.next:
            items = "".join(f"<li><code>{escape(step)}</code></li>" for step in self.next)
            parts.append(f"<p><strong>Next</strong></p><ul>{items}</ul>")
        return "".join(parts)

    def markdown(self) -> str:
        """Return Markdown with pipes and angle brackets made harmless."""
        parts = [f"#### {_plain(self.title)}", *(_plain(line) for line in self.lines)]
        for table in self.tables:
            rows = [table.headers, ["---"] * len(table.headers), *table.rows]
            cells = ["| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
            parts.append("\n".join(cells))
        parts += [f"*{_plain(note)}*" for note in self.notes]
        if self.next:
            parts.append("**Next**\n\n" + "\n".join(f"- `{step}`" for step in self.next))
        return "\n\n".join(parts)

    def text(self) -> str:
        """Return plain text that says all that the HTML says."""
        parts = [self.title, *self.lines]
        parts += [_columns(table) for table in self.tables]
        parts += [*self.notes]
        if self.next:
            parts.append("Next:\n" + "\n".join(f"  {step}" for step in self.next))
        return "\n".join(part for part in parts if part)


class Result:
    """What a verb returns: facts as attributes, shown by one description."""

    def show(self) -> Shown:
        """Describe the result."""
        raise NotImplementedError(f"{type(self).__name__} says how it looks")

    def facts(self) -> dict[str, Any]:
        """Return what a program would want, as JSON can hold it."""
        return {}

    def __str__(self) -> str:
        return self.show().text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        del include, exclude  # IPython filters again
        shown = self.show()
        return {
            "text/html": shown.html(),
            "text/markdown": shown.markdown(),
            "text/plain": shown.text(),
            "application/json": self.facts(),
        }


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("\n", " ")


def _columns(table: Table) -> str:
    rows = [list(table.headers), *(list(row) for row in table.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.headers))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(["  " + line for line in (lines[0], "  ".join("─" * width for width in widths), *lines[1:])])
