"""Building a run beside its final place and moving it there whole: readers see all of it or nothing."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbdeploy.documents.run_files import RUN_FILES
from nbdeploy.errors import ProjectError

RUN_ENTRIES = (*RUN_FILES, "notebooks")
"""What a run writes. Anything else in its folder is somebody's, and stays."""


@contextmanager
def placed(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `folder` when the block ends, and vanishes when it raises.

    A folder that holds other files keeps them: then only what runs write there is replaced, entry by entry.

    Raises
    ------
    ProjectError
        `folder` is no folder, cannot be written, or holds a file of such a name that no run wrote.
    """
    final = folder.absolute()
    _check_free(final)
    building = _beside(final)
    try:
        building.mkdir(parents=True)
    except OSError as error:
        raise ProjectError(f"{final.parent} cannot be written ({error.strerror})", next="name another folder") from None
    try:
        yield building
        if final.is_dir() and any(entry.name not in RUN_ENTRIES for entry in final.iterdir()):
            _replace_entries(building, final)
        else:
            _swap(building, final)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _check_free(final: Path) -> None:
    if final.is_symlink() or (final.exists() and not final.is_dir()):
        raise ProjectError(f"{final} exists and is no folder", next="name another folder")
    taken = [name for name in RUN_ENTRIES if _is_there(final / name)]
    if taken and not (final / "evidence.json").is_file():
        raise ProjectError(
            f"{final} holds {taken[0]}, which no run wrote and a run would replace", next="name another folder"
        )


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _beside(final: Path, ending: str = "") -> Path:
    """Name a folder next to another, on the same disk, which nobody uses."""
    return final.parent / f".{final.name}.{uuid.uuid4().hex[:8]}{ending}"


def _replace_entries(building: Path, final: Path) -> None:
    """Take the last run's entries away, put the new ones in their places, and the old ones back if that fails."""
    old = _beside(final, ".old")
    old.mkdir()
    moved: list[tuple[Path, Path]] = []
    try:
        for origin, into in ((final, old), (building, final)):
            for name in RUN_ENTRIES:
                if _is_there(origin / name):
                    (origin / name).rename(into / name)
                    moved.append((into / name, origin / name))
    except OSError as error:
        for now, before in reversed(moved):
            now.rename(before)
        raise ProjectError(f"{final} cannot be written ({error.strerror})", next="name another folder") from None
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _swap(building: Path, final: Path) -> None:
    if not final.exists():
        building.rename(final)
        return
    old = _beside(final, ".old")
    final.rename(old)
    try:
        building.rename(final)
    except OSError:
        old.rename(final)
        raise
    shutil.rmtree(old, ignore_errors=True)
