"""Progress: what a long verb tells whoever watches. Surfaces draw it; nothing depends on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["waiting", "running", "done", "failed"]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One line of progress: a named part of the work and how far it is."""

    stage: str
    part: str
    state: State
    done: int = 0
    total: int = 0
    detail: str = ""


Watcher = Callable[[Progress], None]


def unwatched(_: Progress) -> None:
    """Discard progress: the default watcher."""
