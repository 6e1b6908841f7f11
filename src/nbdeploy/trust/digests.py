"""Digests: SHA-256 of bytes, files and model folders.

A model's digest is that of its manifest, which a shell makes too, in the model's folder::

    find . -type f ! -path ./registered_model_meta -printf '%P\\0' |
        LC_ALL=C sort -z | xargs -0 sha256sum -- | sha256sum
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nbdeploy.errors import DigestError, PathError
from nbdeploy.trust.names import check_distinct, check_name, shown

# MLflow writes this file beside a model while downloading it, with the time of day in it. Only at the root: a file of
# that name in a subfolder is a file like any other.
UNCOVERED = "registered_model_meta"

_THREADS = min(4, os.cpu_count() or 1)


def bytes_digest(data: bytes) -> str:
    """Return ``sha256:`` and the hexadecimal digest of `data`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    """Return the digest of a file's bytes.

    Raises
    ------
    DigestError
        The file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DigestError(f"{path} cannot be read ({error.strerror})") from None


def manifest(folder: Path) -> bytes:
    """Return one line per regular file, ``<sha256>  <relative path>``, byte-sorted by path.

    Raises
    ------
    PathError
        A link, device, pipe, socket or empty folder; a name that `names` refuses; no file at all.
    """
    found = sorted(_files(folder), key=os.fsencode)
    check_distinct(found)
    if not found:
        raise PathError(f"the model folder {folder} holds no file")
    # hashlib lets other threads run while it works on a large block.
    with ThreadPoolExecutor(_THREADS) as pool:
        digests = pool.map(lambda relative: _regular_digest(folder / relative, relative), found)
        return b"".join(f"{digest}  {relative}\n".encode() for digest, relative in zip(digests, found, strict=True))


def model_digest(folder: Path) -> str:
    """Return the digest of a model folder's manifest.

    Raises
    ------
    PathError
        See `manifest`.
    """
    return bytes_digest(manifest(folder))


def _files(folder: Path) -> Iterator[str]:
    """Yield the paths of the regular files, relative to the model folder and written with ``/``."""
    folders = [""]  # no recursion: who nests folders deeply enough would break it off
    while folders:
        inside = folders.pop()
        try:
            with os.scandir(folder / inside) as scan:
                listed = list(scan)
        except OSError as error:
            raise PathError(f"the folder {shown(inside or str(folder))} cannot be read ({error.strerror})") from None
        if inside and not listed:
            raise PathError(f"{shown(inside)} is an empty folder, which no digest would show")
        for item in listed:
            relative = f"{inside}/{item.name}" if inside else item.name
            check_name(relative)
            if item.is_symlink():
                raise PathError(f"{shown(relative)} is a symbolic link", next="put the file itself there")
            if item.is_dir(follow_symlinks=False):
                folders.append(relative)
            elif not item.is_file(follow_symlinks=False):
                raise PathError(f"{shown(relative)} is not a regular file")
            elif relative != UNCOVERED:
                yield relative


def _regular_digest(path: Path, relative: str) -> str:
    """Hash through one descriptor, so that what was looked at is what is read."""
    try:
        # Without O_NONBLOCK a pipe that took the file's place would hold this thread for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise PathError(f"{shown(relative)} is not a regular file")
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise PathError(f"{shown(relative)} cannot be read ({error.strerror})") from None
