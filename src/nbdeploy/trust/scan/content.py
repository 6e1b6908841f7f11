"""Looking through one file: whatever its name, by its bytes; packed ones and those inside of archives too."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from nbdeploy.trust.scan.finding import ScanFinding
from nbdeploy.trust.scan.names import allowed, refused
from nbdeploy.trust.scan.pickles import follow
from nbdeploy.trust.scan.stream import UNPACKING_ERRORS, LimitError, Stream, opened_unpacked
from nbdeploy.trust.scan.values import Behaviour, Named

MOST_UNPACKED = 16 * 1024**3
MOST_PACKING = 1_000
"""Times that a member of an archive may be larger than it is packed; models reach some dozens."""
MOST_SCHEMA = 256 * 1024**2
DEEPEST = 2
"""Archives inside of archives."""

_PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".sav", ".pt", ".pth", ".ckpt")
_CLOSED = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x04\x22\x4d\x18": "packed with LZ4",
    b"\x28\xb5\x2f\xfd": "packed with Zstandard",
    b"\x89HDF": "an HDF5 file, which may hold code of its layers",
}
_CODE = {b"\x7fELF": "a compiled library", b"MZ": "a program", b"\xcf\xfa\xed\xfe": "a program", b"#!": "a script"}
_WORD = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)

_TEXTS = ("str", "unicode", "bytes")
"""Of the allowed names, those that can give a text. What others make is no name, and the unpickler stops there."""

Opener = Callable[[], AbstractContextManager[IO[bytes]]]


def scan_file(path: Path, relative: str) -> Iterator[ScanFinding]:
    """Yield what a file would do or may hide."""
    try:
        yield from _scan(lambda: path.open("rb"), relative, 0)
    except LimitError as error:
        yield ScanFinding(relative, "limit", str(error))
    except OSError as error:
        yield ScanFinding(relative, "unreadable", f"it cannot be read ({error.strerror or error})")


def _scan(opener: Opener, name: str, depth: int) -> Iterator[ScanFinding]:
    with opener() as source:
        head = source.read(512)
    for magic, what in (_CLOSED | _CODE).items():
        if head.startswith(magic):
            yield ScanFinding(name, "code" if magic in _CODE else "closed", f"it is {what}")
            return
    if name.endswith((".py", ".pyc", ".so", ".sh")):
        yield ScanFinding(name, "code", "it is code, which may run when the model is loaded")
    elif head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield from _zip(opener, name, depth)
    elif head[257:262] == b"ustar":
        yield ScanFinding(name, "closed", "it is a tar archive")
    elif head.startswith(b"\x93NUMPY"):
        yield from _numpy(opener, name)
    else:
        yield from _pickles(opener, name, head)


def _pickles(opener: Opener, name: str, head: bytes) -> Iterator[ScanFinding]:
    inner = head[:2]
    with opener() as source, opened_unpacked(source, head) as plain:
        try:
            inner = plain.read(2)
        except UNPACKING_ERRORS:
            head = b""  # bytes that only look packed

    @contextmanager
    def again() -> Iterator[IO[bytes]]:
        with opener() as source, opened_unpacked(source, head) as plain:
            yield plain

    # The newest protocol that exists is 5; one that follows would be read by no library of today.
    sure = name.lower().endswith(_PICKLES) or (inner[:1] == b"\x80" and inner[1:2] <= b"\x05")
    found, trailing = _followed(again)
    if not sure and not _executes(found):
        return
    yield from _behaviour(name, found)
    if trailing:
        yield ScanFinding(name, "trailing", "bytes follow the pickle's end, where a second one can hide")


def _followed(opener: Opener) -> tuple[Behaviour, bool]:
    """Follow all pickles of a file; return what they would do, and whether there is more behind the first."""
    found, trailing = Behaviour(), False
    for joblib in (True, False):
        with opener() as source:
            stream = Stream(source, MOST_UNPACKED)
            while True:
                one = follow(stream, Behaviour(), joblib=joblib)
                found.names |= one.names
                found.calls += one.calls
                found.makers |= one.makers
                found.arrays |= one.arrays
                if joblib:
                    found.broken = found.broken or ("" if trailing else one.broken)
                more = not one.broken and stream.read(1) != b""
                if not more:
                    break
                trailing = trailing or joblib
        if not found.arrays:
            break  # both readers see the same
    return found, trailing


def _executes(found: Behaviour) -> bool:
    """Whether a file without a pickle's first byte or name is one: words are looked up in it, and called."""
    sane = all(_WORD.fullmatch(one.module) and _WORD.fullmatch(one.name) for one in found.names)
    return bool(found.names or found.makers) and sane and found.calls > 0


def _behaviour(name: str, found: Behaviour) -> Iterator[ScanFinding]:
    for one in sorted(found.names, key=lambda one: (one.module, one.name)):
        yield from named_finding(name, one)
    computed = any(maker is None or not allowed(maker) or maker.name in _TEXTS for maker in found.makers)
    if computed:
        yield ScanFinding(name, "computed", "it makes a name while loading, which no reading can tell")
    if found.broken:
        yield ScanFinding(
            name, "broken", f"it cannot be followed to its end ({found.broken}); what stands before is run"
        )
    if not found.names and not computed and not found.broken:
        yield ScanFinding(name, "empty", "it holds no object of any library")


def named_finding(path: str, named: Named) -> Iterator[ScanFinding]:
    """Yield the finding for a name that is not on the list."""
    told = f"{named.module}.{named.name}"
    if allowed(named):
        return
    if refused(named):
        yield ScanFinding(path, "refused", "it reaches what no model needs", told)
    else:
        yield ScanFinding(path, "unknown", "it is on no list; a person must look at it", told)


def _numpy(opener: Opener, name: str) -> Iterator[ScanFinding]:
    """Look through an array file: one of objects is a pickle behind a header (``numpy.lib.format``)."""
    with opener() as source:
        start = source.read(10)
        long = start[6:7] > b"\x01"
        size = int.from_bytes(start[8:10] + (source.read(2) if long else b""), "little")
        if b"O" not in source.read(min(size, 1 << 20)).split(b"'descr'")[-1].split(b"fortran_order")[0]:
            return
        found = follow(Stream(source, MOST_UNPACKED))
    yield from _behaviour(name, found)


def _zip(opener: Opener, name: str, depth: int) -> Iterator[ScanFinding]:
    if depth >= DEEPEST:
        yield ScanFinding(name, "limit", "archives are nested more deeply than any model needs")
        return
    try:
        with opener() as source, zipfile.ZipFile(source) as archive:
            members = archive.infolist()
            yield from _sizes(name, members)
            for member in members:
                where = PurePosixPath(member.filename.replace("\\", "/"))
                if where.is_absolute() or ".." in where.parts or "\0" in member.filename:
                    yield ScanFinding(name, "path", f"the member {member.filename[:80]!r} points out of the archive")
                elif not member.is_dir() and not _bomb(member):
                    inside = f"{name}!{member.filename}"
                    yield from _scan(partial(archive.open, member), inside, depth + 1)
                    if member.filename == "schema.json":
                        yield from _skops(archive, member, inside)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, *UNPACKING_ERRORS) as error:
        yield ScanFinding(name, "broken", f"the archive cannot be read ({type(error).__name__})")


def _bomb(member: zipfile.ZipInfo) -> bool:
    return member.file_size > max(1 << 20, MOST_PACKING * max(member.compress_size, 1))


def _sizes(name: str, members: list[zipfile.ZipInfo]) -> Iterator[ScanFinding]:
    for member in members:
        if _bomb(member):
            yield ScanFinding(
                name,
                "limit",
                f"{member.filename[:80]!r} unpacks to {member.file_size:,} bytes from {member.compress_size:,}",
            )
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
