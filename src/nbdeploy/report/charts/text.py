"""How wide text is, and how a name is cut to the room it has: nobody can ask a font while a card is written."""

from __future__ import annotations

import unicodedata

_WIDTHS = {"ijl|!.,:;'` ": 0.36, 'frtI()[]{}/\\"-': 0.44, "mMwW@%": 0.98, "=<>+÷×~_": 0.82}
"""Widths in ems of Latin characters that are far from the middle, in the widest of the usual system fonts."""

_KNOWN = {character: em for characters, em in _WIDTHS.items() for character in characters}


def width(text: str, size: float = 13) -> float:
    """Return the pixels that text takes at most at a font size in pixels."""
    return size * sum(_em(character) for character in text)


def _em(character: str) -> float:
    if character in _KNOWN:
        return _KNOWN[character]
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in ("W", "F") or character > "\uffff":
        return 1.3
    return 0.74 if character.isupper() else 0.64


def cut(text: str, room: float, size: float = 13) -> str:
    """Return text, or its beginning and its end, in at most `room` pixels.

    The middle goes, and the end keeps more than the beginning: what tells groups and levels apart comes last.
    """
    if width(text, size) <= room:
        return text
    left = room - width("…", size)
    head = _fitting(text, left * 0.4, size)
    tail = _fitting(text[::-1], left - width(head, size), size)[::-1]
    return f"{head}…{tail}"


def _fitting(text: str, room: float, size: float) -> str:
    taken = 0.0
    for place, character in enumerate(text):
        taken += _em(character) * size
        if taken > room:
            return text[:place]
    return text
