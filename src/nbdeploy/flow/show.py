"""How results look: one small description, shown as HTML, Markdown or plain text.

The HTML survives the sanitiser of an untrusted notebook; see `nbdeploy.report.fragments`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from textwrap import wrap
from typing import Any

from markupsafe import Markup

from nbdeploy.errors import in_cell
from nbdeploy.report import fragments, inert

FACTS = "application/vnd.nbdeploy.v1+json"
"""The media type of a result's facts. JupyterLab prefers plain ``application/json`` to HTML: it would draw a tree."""

_WIDEST = 72
"""Letters of a cell in plain text; a longer one goes on below itself."""


@dataclass(frozen=True)
class Table:
    """Rows under headers.

    Parameters
    ----------
    advice
        What to do about each row: as many texts as there are rows, an empty one where there is nothing to do.
    code
        Headers whose cells are names that a reader types or compares letter by letter.
    """

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    advice: Sequence[str] = ()
    code: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", _inert(self.headers))
        object.__setattr__(self, "rows", tuple(_inert(row) for row in self.rows))
        object.__setattr__(self, "advice", _inert(self.advice))

    def advised(self) -> Iterator[tuple[Sequence[str], str]]:
        """Yield the rows that something is to be done about, each with what that is."""
        return ((row, advice) for row, advice in zip(self.rows, self.advice, strict=False) if advice)


@dataclass(frozen=True)
class Shown:
    """A title, sentences, tables and what to do next, in that order."""

    title: str
    lines: Sequence[str] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    next: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", *_inert([self.title]))
        for name in ("lines", "notes", "next"):
            object.__setattr__(self, name, _inert(getattr(self, name)))

    def in_cell(self) -> Shown:
        """Return it with its commands as a cell takes them."""
        tables = [replace(table, advice=[in_cell(text) for text in table.advice]) for table in self.tables]
        lines, notes, steps = ([in_cell(text) for text in texts] for texts in (self.lines, self.notes, self.next))
        return replace(self, lines=lines, tables=tables, notes=notes, next=steps)

    def html(self) -> str:
        """Return an HTML fragment; every foreign text is escaped."""
        parts = [fragments.title(self.title), fragments.lines(self.lines)]
        for table in self.tables:
            parts.append(fragments.table(table.headers, table.rows, code=table.code))
            parts.append(fragments.advice(table.advised()))
        parts += [fragments.notes(self.notes), fragments.steps(self.next)]
        return str(Markup("").join(parts))

    def markdown(self) -> str:
        """Return Markdown with pipes and angle brackets made harmless."""
        parts = [f"#### {_plain(self.title)}", *(_plain(line) for line in self.lines)]
        for table in self.tables:
            rows = [table.headers, ["---"] * len(table.headers), *table.rows]
            cells = ["| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
            parts.append("\n".join(cells))
            parts += [f"- **{_plain(row[0])}**: {_plain(advice)}" for row, advice in table.advised()]
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
        shown = self.show().in_cell()
        return {
            "text/html": shown.html(),
            "text/markdown": shown.markdown(),
            "text/plain": shown.text(),
            FACTS: self.facts(),
        }


def _inert(texts: Iterable[str]) -> tuple[str, ...]:
    """Write out what hides or reorders characters: people, data and ledgers speak here, terminals obey them."""
    return tuple(inert.visible(text) for text in texts)


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("\n", " ")


def _columns(table: Table) -> str:
    rows = [[_wrapped(cell) for cell in row] for row in (table.headers, *table.rows)]
    widths = [max(len(line) for row in rows for line in row[column]) for column in range(len(table.headers))]
    head, *body = ([_line(cells, widths) for cells in zip_longest(*row, fillvalue="")] for row in rows)
    lines = [*head, "  ".join("─" * width for width in widths)]
    for told, advice in zip_longest(body, table.advice, fillvalue=""):
        lines += [*told, f"  → {advice}"] if advice else [*told]
    return "\n".join("  " + line for line in lines)


def _wrapped(cell: str) -> list[str]:
    """Return a cell in lines that fit a page; a long word, such as a digest, stays whole."""
    if len(cell) <= _WIDEST:
        return [cell]
    return wrap(cell, _WIDEST, break_long_words=False, break_on_hyphens=False)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
