"""Blocks of named facts. What is absent says so instead of vanishing."""

from __future__ import annotations

from nbdeploy.documents.card import Block

UNKNOWN = "Unknown: not recorded"
UNSTATED = "Not stated in the objective"


def facts(*rows: tuple[str, str | None], title: str = "", missing: str = UNSTATED) -> Block:
    """Return a block of facts; an absent one says so instead of vanishing."""
    return Block(kind="facts", title=title, rows=tuple((name, value or missing) for name, value in rows))


def told(value: object) -> str:
    """Return a free-form value as words, without brackets and quotes of a programming language."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {told(inner)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(told(inner) for inner in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
