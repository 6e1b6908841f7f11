"""What *validate* was asked for, as it crosses from the verb to what is imported only when it is carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbdeploy.declare import NamedObjective


@dataclass(frozen=True)
class Asked:
    """What `validate` was asked for, by the names of its parameters."""

    objective: str | Path | NamedObjective
    model: Any
    data: Any
    train: Any
    reference: Any
    predictions: Any
    out: Path | None
    sections: Sequence[str]
    jobs: int | None
    seed: int
    draft: bool
    extras: Sequence[str]
    environment: str
    previous: str | None
    fresh: bool
    strict: bool
    sealed: Path | None
