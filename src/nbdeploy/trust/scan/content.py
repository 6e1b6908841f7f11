"""Looking through one file: whatever its name, by its bytes; packed ones and those inside of archives too."""

from __future__ import annotations

import ast
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from nbdeploy.trust.scan.archives import MOST_UNPACKED, Opener, most, named_finding, scan_zip
from nbdeploy.trust.scan.finding import ScanFinding
from nbdeploy.trust.scan.names import WHOLE, allowed
from nbdeploy.trust.scan.onnx import scan_onnx
from nbdeploy.trust.scan.pickles import follow
from nbdeploy.trust.scan.stream import LZ4, UNPACKING_ERRORS, LimitError, Stream, lz4_is_here, opened_unpacked
from nbdeploy.trust.scan.values import Behaviour

_PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".sav", ".pt", ".pth", ".ckpt")
_CLOSED = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "packed with Zstandard",
}
_CODE = {
    b"\x7fELF": "a compiled library",
    b"MZ": "a program",
    b"\xcf\xfa\xed\xfe": "a program",
    b"\xca\xfe\xba\xbe": "a program or a Java class",
    b"\0asm": "a WebAssembly program",
    b"#!": "a script",
}
_CODE_NAMES = (".py", ".pyw", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".sh", ".bat", ".jar", ".whl", ".egg", ".js")
_GRAPHS = {
    ".keras": "a Keras archive, which may hold code of its layers",
    ".pb": "a TensorFlow graph, whose steps may read and write files",
}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_AT = (0, 512, 1024, 2048)
"""Where an HDF5 file may begin: bytes of the user's may stand before it."""
_WORD = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)

_TEXTS = ("str", "unicode", "bytes")
"""Of the allowed names, those that can give a text. What others make is no name, and the unpickler stops there."""


def scan_file(path: Path, relative: str, *, is_pickle: bool = False, is_onnx: bool = False) -> Iterator[ScanFinding]:
    """Yield what a file would do or may hide.

    Parameters
    ----------
    is_pickle, is_onnx
        ``MLmodel`` says that it is loaded as such, whatever its name.
    """
    try:
        if path.suffix.lower() == ".onnx" or is_onnx:
            yield from scan_onnx(path, relative)
        with path.open("rb") as source:
            packed_behind = zipfile.is_zipfile(source)
        yield from _scan(lambda: path.open("rb"), relative, path.stat().st_size, 0, is_pickle=is_pickle)
        if packed_behind and not _head(lambda: path.open("rb")).startswith(b"PK"):
            yield ScanFinding(relative, "broken", "it is an archive with other bytes before it")
    except LimitError as error:
        yield ScanFinding(relative, "limit", str(error))
    except OSError as error:
        yield ScanFinding(relative, "unreadable", f"it cannot be read ({error.strerror or error})")


def _head(opener: Opener) -> bytes:
    with opener() as source:
        return source.read(_HDF5_AT[-1] + len(_HDF5))


def _scan(opener: Opener, name: str, size: int, depth: int, *, is_pickle: bool = False) -> Iterator[ScanFinding]:
    head = _head(opener)
    closed = next((what for magic, what in _CLOSED.items() if head.startswith(magic)), "")
    if any(head[at:].startswith(_HDF5) for at in _HDF5_AT):
        closed = "an HDF5 file, which may hold code of its layers"
    elif head.startswith(LZ4) and not lz4_is_here():
        closed = "packed with LZ4, which is not installed here"
    if closed:
        yield ScanFinding(name, "closed", f"it is {closed}")
        return
    yield from _by_name(name, head)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield from scan_zip(opener, name, depth, _scan)
    elif head.startswith(b"\x93NUMPY"):
        yield from _numpy(opener, name)
    else:
        # Even what is a program or a tar archive: another loader may take the same bytes for opcodes.
        yield from _pickles(opener, name, head, size, sure=is_pickle)


def _by_name(name: str, head: bytes) -> Iterator[ScanFinding]:
    program = next((what for magic, what in _CODE.items() if head.startswith(magic)), "")
    if program:
        yield ScanFinding(name, "code", f"it is {program}")
    elif name.lower().endswith(_CODE_NAMES):
        yield ScanFinding(name, "code", "it is code, which may run when the model is loaded")
    elif head[257:262] == b"ustar":
        yield ScanFinding(name, "closed", "it is a tar archive")
    for ending, what in _GRAPHS.items():
        if name.lower().endswith(ending):
            yield ScanFinding(name, "closed", f"it is {what}")


def _pickles(opener: Opener, name: str, head: bytes, size: int, *, sure: bool) -> Iterator[ScanFinding]:
    inner = head[:2]
    packed = False
    with opener() as source, opened_unpacked(source, head) as plain:
        try:
            inner = plain.read(2)
            packed = plain is not source
        except UNPACKING_ERRORS:
            head = b""  # bytes that only look packed

    @contextmanager
    def again() -> Iterator[IO[bytes]]:
        with opener() as source, opened_unpacked(source, head) as plain:
            yield plain

    # The newest protocol that exists is 5; one that follows would be read by no library of today.
    sure = sure or name.lower().endswith(_PICKLES) or (inner[:1] == b"\x80" and inner[1:2] <= b"\x05")
    found, trailing = _followed(again, most(size) if packed else MOST_UNPACKED)
    if not sure and not _executes(found):
        return
    yield from _behaviour(name, found)
    if trailing:
        yield ScanFinding(name, "trailing", "bytes follow the pickle's end, where a second one can hide")


def _followed(opener: Opener, limit: int) -> tuple[Behaviour, bool]:
    """Follow all pickles of a file; return what they would do, and whether there is more behind the first."""
    found, trailing = Behaviour(), False
    for joblib in (True, False):
        with opener() as source:
            stream = Stream(source, limit)
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
    """Whether a file without a pickle's first byte or name is one: words are looked up in it, and called.

    One name that can be one is enough: after a call, no damage undoes it.
    """
    sane = any(_WORD.fullmatch(one.module) and (one.name == WHOLE or _WORD.fullmatch(one.name)) for one in found.names)
    return (sane or bool(found.makers)) and found.calls > 0


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


# Arrays ---------------------------------------------------------------------------------------------------------------

_PLAIN_TYPE = re.compile(r"[<>|=]?[biufcmMSUV?]\d*(\[\w+\])?")
MOST_HEADER = 1 << 20


def _numpy(opener: Opener, name: str) -> Iterator[ScanFinding]:
    """Look through an array file: one of objects is a pickle behind a header (``numpy.lib.format``)."""
    with opener() as source:
        start = source.read(8)
        width = 2 if start[6:7] == b"\x01" else 4
        size = int.from_bytes(source.read(width), "little")
        if size > MOST_HEADER:
            raise LimitError(f"its header has {size:,} bytes")
        header = source.read(size)
        try:
            described = ast.literal_eval(header.decode("utf-8" if start[6:7] > b"\x02" else "latin-1").strip())
            objects = _holds_objects(described["descr"])
        except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError) as error:
            yield ScanFinding(name, "broken", f"the header of the array cannot be read ({type(error).__name__})")
            return
        if not objects:
            return
        found = follow(Stream(source, MOST_UNPACKED))
    yield from _behaviour(name, found)


def _holds_objects(descr: Any) -> bool:
    """Whether an array of this type may hold objects: all but the plain types do."""
    if isinstance(descr, str):
        return _PLAIN_TYPE.fullmatch(descr) is None
    if isinstance(descr, tuple) and len(descr) == 2:  # a type with a shape
        return _holds_objects(descr[0])
    if isinstance(descr, list) and all(isinstance(part, tuple) and len(part) >= 2 for part in descr):
        return any(_holds_objects(part[1]) for part in descr)
    return True
