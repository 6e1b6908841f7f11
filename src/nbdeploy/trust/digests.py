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

# Blocks that stay in a processor's own cache. hashlib lets other threads run while it works on one, which helps files
# of many blocks; with small files the threads would only wait for each other (10,000 of 4 KiB: 0.19 s in two, 0.12 s in
# one).
_BLOCK = 256 * 1024
_LARGE = 4 * _BLOCK


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
    sizes = dict(_files(folder))
    if not sizes:
        raise PathError(f"the model folder {folder} holds no file")
    found = sorted(sizes, key=os.fsencode)
    check_distinct(found)
    # The largest first, so that no thread begins one when the others have ended.
    large = sorted((name for name in found if sizes[name] >= _LARGE), key=sizes.__getitem__, reverse=True)
    with ThreadPoolExecutor(_THREADS) as pool:
        running = {name: pool.submit(_regular_digest, folder, name) for name in large}
        buffer = bytearray(_BLOCK)
        digests = {name: _regular_digest(folder, name, buffer) for name in found if name not in running}
        digests |= {name: future.result() for name, future in running.items()}
    return b"".join(f"{digests[name]}  {name}\n".encode() for name in found)


def model_digest(folder: Path) -> str:
    """Return the digest of a model folder's manifest.

    Raises
    ------
    PathError
        See `manifest`.
    """
    return bytes_digest(manifest(folder))


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield path, relative to the model folder and written with ``/``, and size in bytes of each regular file."""
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
                yield relative, item.stat(follow_symlinks=False).st_size


def _regular_digest(folder: Path, relative: str, buffer: bytearray | None = None) -> str:
    """Hash through one descriptor, so that what was looked at is what is read; `buffer` is written over."""
    buffer = buffer or bytearray(_BLOCK)
    try:
        # Without O_NONBLOCK a pipe that took the file's place would hold this thread for ever.
        handle = os.open(f"{folder}/{relative}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise PathError(f"{shown(relative)} is not a regular file")
            found, block = hashlib.sha256(), memoryview(buffer)
            while length := os.readv(handle, [buffer]):
                found.update(block[:length])
            return found.hexdigest()
        finally:
            os.close(handle)
    except OSError as error:
        raise PathError(f"{shown(relative)} cannot be read ({error.strerror})") from None
