"""Inert values that stand for what a pickle would make, and what is remembered of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Named:
    """A global that was looked up."""

    module: str
    name: str


@dataclass
class Made:
    """What a call gave. `state` is what it was then filled with."""

    callable: Any
    arguments: Any
    state: Any = None


@dataclass
class Behaviour:
    """What the pickles of one stream look up, and how they end."""

    names: set[Named] = field(default_factory=set)
    calls: int = 0
    makers: set[Named | None] = field(default_factory=set)
    """Whose results are looked up as names; None for what no reading can tell."""
    broken: str = ""
    """Why the stream cannot be followed to its end; what stands before that point would have happened."""
    arrays: bool = False
    """Bytes were stepped over as joblib's arrays. Another loader would take them for opcodes."""
    opcodes: int = 0
