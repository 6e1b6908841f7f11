"""Pieces of HTML that read well in a notebook, trusted or not.

JupyterLab's sanitiser (4.6) keeps structure, ``details``, ``progress``, classes, links to relative addresses and plain
inline style; it drops script, style sheets, svg, role, aria and what refers to the theme. Lab sets the cells of a table
flush right, which suits numbers only, so ours say ``text-align:left``. Where that is dropped too, nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from markupsafe import Markup

from nbdeploy.report import wording

LEFT = Markup('style="text-align:left"')
WHOLE = Markup('style="white-space:nowrap"')
APART = Markup('style="margin-bottom:1em"')
_OPENINGS = tuple(f"{mark} " for mark in wording.MARKS.values())


def title(text: str) -> Markup:
    """Return what a result is about."""
    return Markup("<h4>{}</h4>").format(text)


def lines(texts: Iterable[str]) -> Markup:
    """Return a paragraph for each text; indented ones are the items of a list under the one before."""
    told = (text for text in texts if text.strip())
    return Markup("").join(
        notes(together) if indented else Markup("").join(map(Markup("<p>{}</p>").format, together))
        for indented, together in groupby(told, key=lambda text: text.startswith("  "))
    )


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, code: Sequence[str] = ()) -> Markup:
    """Return rows under headers. A verdict, which opens with its sign, is strong; columns named in `code` are code."""
    head = Markup("").join(Markup("<th {}>{}</th>").format(LEFT, name) for name in headers)
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(
                Markup("<td {}>{}</td>").format(LEFT, cell(text, code=name in code))
                for name, text in zip(headers, row, strict=True)
            )
        )
        for row in rows
    )
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(head, body)


def cell(text: str, *, code: bool = False) -> Markup:
    """Return the content of a cell; what is HTML already stays as it is."""
    if isinstance(text, Markup):
        return text
    if code and text:
        return named(text)
    if text.startswith(_OPENINGS):
        return Markup("<strong {}>{}</strong>").format(WHOLE, text)
    return Markup("{}").format(text)


def named(text: str) -> Markup:
    """Return an id, a path or a command as code that a narrow window may break behind its joints."""
    parts = re.split(r"(?<=[._:,/])(?=\w)", text)
    return Markup("<code>{}</code>").format(Markup("<wbr>").join(parts))


def advice(rows: Iterable[tuple[Sequence[str], str]]) -> Markup:
    """Return what to do about gates, each folded under its verdict and name; what failed is open.

    Parameters
    ----------
    rows
        Pairs of a row, which starts with the gate's name and its verdict, and what to do about it.
    """
    folds = Markup("").join(
        fold(f"{word}: {gate}", Markup("<p>{}</p>").format(text), unfolded=word.startswith(wording.MARKS["fail"]))
        for (gate, word, *_), text in rows
    )
    return Markup("<p><strong>What to do</strong></p><div {}>{}</div>").format(APART, folds) if folds else Markup("")


def fold(summary: str, content: Markup, *, unfolded: bool = False) -> Markup:
    """Return content that opens at a click."""
    return Markup("<details{}><summary>{}</summary>{}</details>").format(
        Markup(" open") if unfolded else "", summary, content
    )


def notes(texts: Iterable[str]) -> Markup:
    """Return remarks as one list."""
    items = Markup("").join(Markup("<li>{}</li>").format(text) for text in texts)
    return Markup("<ul>{}</ul>").format(items) if items else Markup("")


def steps(commands: Iterable[str]) -> Markup:
    """Return what can be done next, as code."""
    items = Markup("").join(Markup("<li>{}</li>").format(named(command)) for command in commands)
    return Markup("<p><strong>Next</strong></p><ul>{}</ul>").format(items) if items else Markup("")
