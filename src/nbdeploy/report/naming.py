"""Which finding's number differs: a page as it lies there, held to the page that the evidence gives.

Pages are read as streams of words, each under the id of the finding that it belongs to: in HTML by ``data-finding``,
in Markdown by the id that stands in parentheses in a row's first cell, or over a column. Words under no id are
the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from html.parser import HTMLParser

from nbdeploy.documents.card import Card
from nbdeploy.report import inert

REST = ""
_SHOWN = 90
_NAMED = 12
_VOID = frozenset({"meta", "br", "wbr", "img", "hr", "link", "input", "col"})

Streams = dict[str, list[str]]


def differing(name: str, told: str, given: str, card: Card) -> Iterator[str]:
    """Yield one sentence for each finding that a page tells otherwise than it should; the rest comes last.

    Parameters
    ----------
    name
        The file, for the sentence: HTML unless it ends in ``.md``.
    told, given
        The page as it lies there, and as the evidence gives it.
    """
    read = _markdown if name.endswith(".md") else _html
    ours, right = read(told, card), read(given, card)
    keys = [key for key in dict.fromkeys([*right, *ours]) if ours.get(key) != right.get(key)]
    keys.sort(key=lambda key: key == REST)
    for key in keys[:_NAMED]:
        yield f"{name} tells {key or 'what belongs to no finding'} otherwise: {_words(ours.get(key), right.get(key))}"
    if len(keys) > _NAMED:
        yield f"{name} tells {len(keys) - _NAMED} further findings otherwise"


def _words(told: list[str] | None, given: list[str] | None) -> str:
    if not told:
        return f"it is left out, the evidence gives {_quoted(_seen(given or ()))}"
    if not given:
        return f"{_quoted(_seen(told))}, and the evidence gives nothing"
    ours, right = list(_seen(told)), list(_seen(given))
    changed = [op for op in SequenceMatcher(None, ours, right, autojunk=False).get_opcodes() if op[0] != "equal"]
    if not changed:
        return "the same words are hidden or set otherwise"
    parts = []
    for _, from_, to, right_from, right_to in changed[:3]:
        instead = _quoted(right[right_from:right_to]) if right_to > right_from else "nothing there"
        parts.append(f"{_quoted(ours[from_:to]) if to > from_ else 'left out'}, the evidence gives {instead}")
    return "; ".join(parts)


def _seen(stream: Iterable[str]) -> Iterator[str]:
    return (word for word in stream if not word.startswith("\0"))


def _quoted(words: Iterable[str]) -> str:
    text = inert.visible(" ".join(words), _SHOWN)
    return f"“{text}”"


def _html(text: str, card: Card) -> Streams:
    del card  # the page itself names its findings
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.streams


class _Reader(HTMLParser):
    """Words and, marked by NUL, tags, each under the innermost finding around it."""

    def __init__(self) -> None:
        super().__init__()
        self.streams: Streams = {}
        self._open: list[tuple[str, str]] = []

    def _add(self, word: str) -> None:
        self.streams.setdefault(self._open[-1][1] if self._open else REST, []).append(word)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        inherited = self._open[-1][1] if self._open else REST
        key = dict(attrs).get("data-finding") or inherited
        if tag not in _VOID:
            self._open.append((tag, key))
        self._add(f"\0{self.get_starttag_text()}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag, attrs
        self._add(f"\0{self.get_starttag_text()}")

    def handle_endtag(self, tag: str) -> None:
        while self._open and any(opened == tag for opened, _ in self._open):
            if self._open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        if data.strip():
            self._add(" ".join(data.split()))

    def handle_comment(self, data: str) -> None:
        self._add(f"\0<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self._add(f"\0<!{decl}>")


def _markdown(text: str, card: Card) -> Streams:
    written = {f"({inert.markdown(inert.visible(f.id, 110))})": f.id for f in card.findings}
    streams: Streams = {}
    heads: list[str] = []
    for line in text.split("\n"):
        cells = re.split(r"(?<!\\)\|", line)[1:-1] if line.startswith("|") else []
        if not cells:
            heads = []
            _put(streams, REST, line)
            continue
        named = [_named(cell, written) for cell in cells]
        if not heads and any(named[1:]):
            heads = named
        for place, cell in enumerate(cells):
            key = (heads[place] if place < len(heads) else "") or (REST if heads else named[0])
            _put(streams, key, cell.strip())
    return streams


def _put(streams: Streams, key: str, word: str) -> None:
    if word:
        streams.setdefault(key, []).append(word)


def _named(cell: str, written: dict[str, str]) -> str:
    return next((name for text, name in written.items() if text in cell), REST)
