"""Foreign text made harmless: what a name hides is shown, and nothing in it is ever markup.

Names of features, groups, models and people come from data and from notebooks. HTML escaping is done by the templates;
here is what escaping does not cover: characters that reorder or hide text, names of absurd length, and Markdown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from markupsafe import Markup, escape
from pydantic import BaseModel

LIMIT = 1500
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_MARKDOWN = re.compile(r"([\\`*_\[\]|#~!>$])")
_LEFTWARD = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff]+"
_LEFTWARDS = re.compile(f"{_LEFTWARD}(?: +{_LEFTWARD})*")
"""Words of Hebrew, Arabic and other scripts that run from right to left."""

_LOOKALIKES = frozenset("аеорсухіјѕһԁԛԝѡАВЕКМНОРСТУХІЈЅԌοαιρυκΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")
"""Cyrillic and Greek letters that pass for Latin ones."""


def visible(text: str, limit: int = LIMIT) -> str:
    """Return `text` with hidden, reordering and control characters written out, cut at `limit` characters.

    Line breaks and tabs become spaces. More than three combining marks on one letter are written out too.
    """
    if _plain(text) and len(text) <= limit:
        return text
    shown: list[str] = []
    marks = 0
    for character in text[: limit + 1]:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if character in "\n\r\t":
            shown.append(" ")
        elif category in _HIDDEN or marks > 3:
            shown.append(f"⟨U+{ord(character):04X}⟩")
        else:
            shown.append(character)
    if len(text) <= limit:
        return "".join(shown)
    return "".join(shown[:limit]) + f"… ({len(text):,} characters in all)"


def upright(text: str) -> Markup:
    """Return text for HTML, escaped, in which names that run to the left do not turn round what stands after them.

    Without the mark, ``عدد != 5`` would be shown as if 5 stood first (Unicode annex 9, section 2.6).
    """
    escaped = str(escape(text))
    return Markup(escaped if text.isascii() else _LEFTWARDS.sub(r"\g<0>&lrm;", escaped))  # noqa: S704 - escaped above


def _plain(text: str) -> bool:
    """Whether there is nothing to look for, as in nearly every text."""
    return text.isascii() and text.isprintable()


def deceptive(text: str) -> bool:
    """Whether `text` hides characters, or mixes Latin letters with letters of another script that look like them."""
    if _plain(text):
        return False
    if visible(text, len(text)) != text.replace("\n", " ").replace("\r", " ").replace("\t", " "):
        return True
    return any(_mixes_scripts(word) for word in re.findall(r"[^\W\d_]+", text))


def _mixes_scripts(word: str) -> bool:
    latin = any("a" <= letter.lower() <= "z" for letter in word)
    return latin and any(letter in _LOOKALIKES for letter in word)


def texts(value: object) -> Iterator[str]:
    """Yield every text inside a document, the keys of mappings included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from texts(getattr(value, name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, Iterable):
        for item in value:
            yield from texts(item)


def deceptive_texts(document: BaseModel) -> int:
    """Return how many different texts of a document are `deceptive`."""
    return sum(deceptive(text) for text in dict.fromkeys(texts(document)))


def markdown(text: str, limit: int = LIMIT) -> str:
    """Return `text` such that Markdown shows it letter by letter: no link, image, emphasis, HTML or table cell."""
    escaped = visible(text, limit).replace("&", "&amp;").replace("<", "&lt;")
    escaped = _MARKDOWN.sub(r"\\\1", escaped)
    return escaped.replace("://", "&#58;//").replace("www.", "www&#46;").replace("@", "&#64;")
