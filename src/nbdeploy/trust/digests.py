"""Digests: SHA-256 of bytes, files and model folders."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_EXCLUDED = "registered_model_meta"


def bytes_digest(data: bytes) -> str:
    """Return ``sha256:`` and the hexadecimal digest of `data`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    """Return the digest of a file's bytes."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def manifest(folder: Path) -> bytes:
    """Return one line per regular file, ``<sha256>  <relative path>``, byte-sorted by path."""
    lines = []
    for base, _, files in os.walk(folder):
        for name in files:
            path = Path(base) / name
            relative = path.relative_to(folder).as_posix()
            if relative != _EXCLUDED:
                lines.append((os.fsencode(relative), file_digest(path).removeprefix("sha256:")))
    return b"".join(digest.encode() + b"  " + name + b"\n" for name, digest in sorted(lines))


def model_digest(folder: Path) -> str:
    """Return the digest of a model folder's manifest."""
    return bytes_digest(manifest(folder))
