"""The private copy: fetched once, held to its digest, and out of everybody else's reach before that and after."""

from __future__ import annotations

import contextlib
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from nbdeploy.documents.request import Request
from nbdeploy.errors import DigestError, PathError
from nbdeploy.trust.digests import UNCOVERED, model_digest

Fetch = Callable[[Request, Path], Path]


@contextlib.contextmanager
def private_folder(into: Path) -> Iterator[None]:
    """Make the folder that only its owner can read, or close the empty one that is there; a refusal empties it.

    Raises
    ------
    PathError
        Something is there that is no empty folder.
    """
    made = _made(into)
    try:
        yield
    except BaseException:
        _empty(into, made=made)
        raise


def download(request: Request, fetch: Fetch, into: Path) -> Path:
    """Fetch once, and hold the bytes that arrived to the digest that was signed for.

    Raises
    ------
    PathError
        They did not arrive in the private folder, or have no digest.
    DigestError
        They are others.
    """
    folder = fetch(request, into).resolve()
    if not folder.is_relative_to(into.resolve()):
        raise PathError(f"{request.subject} was not copied into the private folder, where nobody else could change it")
    found = model_digest(folder)
    if found != request.digests.model:
        raise DigestError(
            f"{request.id} is for {request.digests.model[:19]}…, and {request.subject} is {found[:19]}… there now",
            next=f"validate what is there now, and ask again: nbdeploy deploy {request.objective}",
        )
    # No digest covers what MLflow writes there while it downloads, so nothing of it stays.
    (folder / UNCOVERED).unlink(missing_ok=True)
    return folder


def _made(into: Path) -> bool:
    """Make the folder; return whether it is new."""
    try:
        into.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        about = into.lstat()
        if not stat.S_ISDIR(about.st_mode) or any(into.iterdir()):
            raise PathError(f"{into} is not an empty folder, and a model is admitted into one only") from None
        into.chmod(0o700)
        return False
    return True


def _empty(into: Path, *, made: bool) -> None:
    """Remove what was downloaded, and the folder if it was made here."""
    if made:
        shutil.rmtree(into)
        return
    for path in into.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
