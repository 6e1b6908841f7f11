"""Where an ONNX file says that its weights lie: a path that the runtime opens, read without the library.

The fields are those of ``onnx.proto3``; the wire format is protobuf's (length-delimited messages inside of messages).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from nbdeploy.trust.scan.finding import ScanFinding

# Message → field → message inside of it, on the ways that lead to a tensor.
_INSIDE: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_MOST = 5_000_000
"""Fields of one file."""


def scan_onnx(path: Path, relative: str) -> Iterator[ScanFinding]:
    """Yield a finding for each file of weights outside of the model, and for a file that cannot be followed."""
    with path.open("rb") as source:
        if path.stat().st_size == 0:
            return
        with mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                found = set(_locations(data))
            except ValueError as error:
                yield ScanFinding(relative, "broken", f"it is no ONNX file that can be followed ({error})")
                return
    for location in sorted(found):
        where = PurePosixPath(location.replace("\\", "/"))
        if where.is_absolute() or ".." in where.parts or ":" in location:
            yield ScanFinding(relative, "path", "its weights lie outside of the model", location)


def _locations(data: mmap.mmap) -> Iterator[str]:
    open_ = [("model", 0, len(data))]
    fields = 0
    while open_:
        kind, start, end = open_.pop()
        entry: dict[int, bytes] = {}
        while start < end:
            fields += 1
            if fields > _MOST:
                raise ValueError("it has more fields than are looked through")
            number, wire, start = _tag(data, start, end)
            size, start = _size(data, start, end, wire)
            if start + size > end:
                raise ValueError("a field ends outside of its message")
            if wire == _BYTES and kind == "entry":
                entry[number] = data[start : start + size]
            elif wire == _BYTES and number in _INSIDE[kind]:
                open_.append((_INSIDE[kind][number], start, start + size))
            start += size
        if entry.get(1) == b"location":
            yield entry.get(2, b"").decode("utf-8", "backslashreplace")


def _tag(data: mmap.mmap, start: int, end: int) -> tuple[int, int, int]:
    value, start = _varint(data, start, end)
    return value >> 3, value & 7, start


def _size(data: mmap.mmap, start: int, end: int, wire: int) -> tuple[int, int]:
    """Return the bytes of a field's value, and where it begins."""
    if wire == _BYTES:
        return _varint(data, start, end)
    if wire == _VARINT:
        _, after = _varint(data, start, end)
        return after - start, start
    if wire in (_EIGHT, _FOUR):
        return (8 if wire == _EIGHT else 4), start
    raise ValueError("a field of no known form")


def _varint(data: mmap.mmap, start: int, end: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        if start + place >= end:
            break
        byte = data[start + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, start + place + 1
    raise ValueError("a number without end")
