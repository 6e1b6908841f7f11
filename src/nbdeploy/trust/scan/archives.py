"""Looking through a zip archive: its sizes, its members' names, and every member as a file of its own."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any

from nbdeploy.trust.scan.finding import ScanFinding
from nbdeploy.trust.scan.names import allowed, refused
from nbdeploy.trust.scan.stream import UNPACKING_ERRORS, LimitError
from nbdeploy.trust.scan.values import Named

MOST_UNPACKED = 16 * 1024**3
MOST_PACKING = 1_000
"""Times that a member of an archive, or a packed file, may be larger than it is packed; models reach some dozens."""
MOST_MEMBERS = 100_000
MOST_SCHEMA = 256 * 1024**2
DEEPEST = 2
"""Archives inside of archives."""

Opener = Callable[[], AbstractContextManager[IO[bytes]]]
Look = Callable[[Opener, str, int, int], Iterator[ScanFinding]]
"""Looks through a file: what opens it, its name, its bytes, and how many archives it is in."""


def scan_zip(opener: Opener, name: str, depth: int, look: Look) -> Iterator[ScanFinding]:
    """Yield what an archive would do or may hide; nothing is unpacked to disk."""
    if depth >= DEEPEST:
        yield ScanFinding(name, "limit", "archives are nested more deeply than any model needs")
        return
    try:
        with opener() as source, zipfile.ZipFile(source) as archive:
            members = archive.infolist()
            yield from _sizes(name, members)
            for member in members:
                where = PurePosixPath(member.filename.replace("\\", "/"))
                if where.is_absolute() or ".." in where.parts or "\0" in member.orig_filename:
                    yield ScanFinding(name, "path", "a member points out of the archive", member.orig_filename)
                elif not member.is_dir() and not _bomb(member):
                    inside = f"{name}!{member.filename}"
                    yield from look(partial(archive.open, member), inside, member.file_size, depth + 1)
                    if member.filename == "schema.json":
                        yield from _skops(archive, member, inside)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, *UNPACKING_ERRORS) as error:
        yield ScanFinding(name, "broken", f"the archive cannot be read ({type(error).__name__})")


def most(size: int) -> int:
    """Return how many bytes a packed file of this size may hold."""
    return min(MOST_UNPACKED, max(1 << 26, MOST_PACKING * size))


def _bomb(member: zipfile.ZipInfo) -> bool:
    return member.file_size > max(1 << 20, MOST_PACKING * max(member.compress_size, 1))


def _sizes(name: str, members: list[zipfile.ZipInfo]) -> Iterator[ScanFinding]:
    if len(members) > MOST_MEMBERS:
        raise LimitError(f"it holds {len(members):,} members")
    for member in members:
        if _bomb(member):
            says = f"it unpacks to {member.file_size:,} bytes from {member.compress_size:,}"
            yield ScanFinding(name, "limit", says, member.filename)
    total = sum(member.file_size for member in members)
    if total > MOST_UNPACKED:
        raise LimitError(f"it unpacks to {total:,} bytes")


def _skops(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Iterator[ScanFinding]:
    """Read the types that a skops file names. Its own list of trusted ones, in ``MLmodel``, is not asked."""
    if member.file_size > MOST_SCHEMA:
        raise LimitError(f"its schema has {member.file_size:,} bytes")
    try:
        schema = json.loads(archive.read(member))
    except (ValueError, RecursionError):
        yield ScanFinding(name, "broken", "the types of the skops file cannot be read")
        return
    found: set[Named] = set()
    open_: list[Any] = [schema]
    while open_:
        node = open_.pop()
        if isinstance(node, dict):
            open_ += node.values()
            if isinstance(node.get("__module__"), str) and isinstance(node.get("__class__"), str):
                found.add(Named(node["__module__"], node["__class__"]))
        elif isinstance(node, list):
            open_ += node
    for one in sorted(found, key=lambda one: (one.module, one.name)):
        yield from named_finding(name, one)


def named_finding(path: str, named: Named) -> Iterator[ScanFinding]:
    """Yield the finding for a name that is not on the list."""
    told = f"{named.module}.{named.name}"
    if allowed(named):
        return
    if refused(named):
        yield ScanFinding(path, "refused", "it reaches what no model needs", told)
    else:
        yield ScanFinding(path, "unknown", "it is on no list; a person must look at it", told)
