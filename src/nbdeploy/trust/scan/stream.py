"""Reading a file that may be compressed, step by step and never more than a limit."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import IO, cast

LONGEST_LINE = 64 * 1024**2
"""Old protocols write an array as one line of text."""


class LimitError(Exception):
    """More would have to be read than anybody's model needs."""


class Stream:
    """A binary file that counts what is read and gives no more than a limit."""

    def __init__(self, source: IO[bytes], most: int) -> None:
        self._source = source
        self._most = self._left = most

    def tell(self) -> int:
        """Return the bytes read so far."""
        return self._most - self._left

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes.

        Raises
        ------
        LimitError
            More than the limit would have been read.
        """
        # Called for every opcode, of which a model may have millions: no call more than is needed.
        data = self._source.read(size if size <= self._left else self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise LimitError(f"it holds more than {self._most:,} bytes when unpacked")
        return data

    def readline(self) -> bytes:
        """Read a line; LimitError as in `read`, or where it is longer than is looked through."""
        data = self._source.readline(min(self._left, LONGEST_LINE) + 1)
        self._left -= len(data)
        if self._left < 0:
            raise LimitError(f"it holds more than {self._most:,} bytes when unpacked")
        if len(data) > LONGEST_LINE:
            raise LimitError(f"it holds a line of more than {LONGEST_LINE:,} bytes")
        return data

    def skip(self, size: int) -> None:
        """Step over bytes.

        Raises
        ------
        ValueError
            There are not so many.
        """
        while size > 0:
            data = self.read(min(size, 1 << 20))
            if not data:
                raise ValueError("the file ends inside an array")
            size -= len(data)


class _Zlib(io.RawIOBase):
    """A zlib stream without gzip's header, as joblib writes it by default."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._unpacker = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # BufferedReader gives it a memoryview
        while not self._unpacker.eof:
            waiting = self._unpacker.unconsumed_tail or self._source.read(1 << 16)
            data = self._unpacker.decompress(waiting, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)
            if not waiting:
                raise EOFError("the compressed file ends too early")
        return 0


@contextmanager
def opened_unpacked(source: IO[bytes], head: bytes) -> Iterator[IO[bytes]]:
    """Open a file that unpacks `source`, or give `source` where its first bytes are of no compression that is known."""
    opened = _unpacking(source, head)
    if opened is None:
        yield source
        return
    try:
        yield opened
    finally:
        opened.close()


def _unpacking(source: IO[bytes], head: bytes) -> IO[bytes] | None:
    if head.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=source))
    if head.startswith(b"BZh"):
        return bz2.BZ2File(source)
    if head.startswith((b"\xfd7zXZ\x00", b"\x5d\x00")):
        return lzma.LZMAFile(source)
    if head[:1] == b"\x78" and len(head) > 1 and int.from_bytes(head[:2], "big") % 31 == 0:
        return io.BufferedReader(_Zlib(source))
    if head.startswith(LZ4) and lz4_is_here():
        from lz4.frame import LZ4FrameFile  # type: ignore[import-untyped]  # it carries no types

        return cast("IO[bytes]", LZ4FrameFile(source))
    return None


LZ4 = b"\x04\x22\x4d\x18"


def lz4_is_here() -> bool:
    """Whether LZ4 can be unpacked: joblib needs the same package for it."""
    return find_spec("lz4") is not None


UNPACKING_ERRORS = (OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError)
"""What is raised where compressed bytes are damaged; RuntimeError by lz4."""
