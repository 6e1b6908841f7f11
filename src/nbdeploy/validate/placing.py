"""Building a folder beside its final place and moving it there whole: readers see all of a run or nothing of it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbdeploy.errors import ProjectError

RUN_ENTRIES = ("objective.yaml", "evidence.json", "card.json", "card.html", "card.md", "junit.xml", "notebooks")
"""What a run folder may hold. A folder with anything else in it is somebody's, and is not replaced."""


@contextmanager
def placed(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `folder` when the block ends, and vanishes when it raises.

    Raises
    ------
    ProjectError
        `folder` exists and is no run folder, or cannot be written.
    """
    final = folder.absolute()
    _check_free(final)
    building = final.parent / f".{final.name}.{uuid.uuid4().hex[:8]}"
    try:
        building.mkdir(parents=True)
    except OSError as error:
        raise ProjectError(f"{final.parent} cannot be written ({error.strerror})", next="name another folder") from None
    try:
        yield building
        _check_free(final)
        _swap(building, final)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _check_free(final: Path) -> None:
    if final.is_symlink() or (final.exists() and not final.is_dir()):
        raise ProjectError(f"{final} exists and is no folder", next="name another folder")
    strange = [entry.name for entry in final.iterdir() if entry.name not in RUN_ENTRIES] if final.is_dir() else []
    if strange:
        raise ProjectError(
            f"{final} holds other files ({min(strange)}), and a run replaces its folder whole",
            next="name a new folder",
        )


def _swap(building: Path, final: Path) -> None:
    if not final.exists():
        building.rename(final)
        return
    old = final.parent / f".{final.name}.{uuid.uuid4().hex[:8]}.old"
    final.rename(old)
    try:
        building.rename(final)
    except OSError:
        old.rename(final)
        raise
    shutil.rmtree(old, ignore_errors=True)
