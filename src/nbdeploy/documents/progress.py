"""Progress: what a long verb tells whoever watches. Surfaces draw it; nothing depends on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from nbdeploy.documents.record import Record


class Progress(Record):
    """One line of progress: a named part of the work and how far it is."""

    stage: str
    part: str
    state: Literal["waiting", "running", "done", "failed"]
    done: int = 0
    total: int = 0
    detail: str = ""


Watcher = Callable[[Progress], None]


def unwatched(_: Progress) -> None:
    """Discard progress: the default watcher."""
