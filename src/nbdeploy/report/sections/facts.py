"""Blocks of named facts. What is absent says so instead of vanishing."""

from __future__ import annotations

from nbdeploy.documents.card import Block

UNKNOWN = "Unknown: not recorded"
UNSTATED = "Not stated in the objective"

_MANY = 3
"""Absent facts that would make a table of nothing."""


def facts(*rows: tuple[str, str | None], title: str = "", missing: str = UNSTATED) -> Block:
    """Return a block of facts; absent ones say so instead of vanishing, many of them in one line at the end."""
    absent = [name for name, value in rows if not value]
    if len(absent) < _MANY:
        return Block(kind="facts", title=title, rows=tuple((name, value or missing) for name, value in rows))
    known = [(name, value) for name, value in rows if value]
    return Block(kind="facts", title=title, rows=(*known, (missing, "; ".join(absent))))


def told(value: object) -> str:
    """Return a free-form value as words, without brackets and quotes of a programming language."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {told(inner)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(told(inner) for inner in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
