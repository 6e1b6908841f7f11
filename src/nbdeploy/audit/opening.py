"""Opening a bundle strictly: what two programs could unpack differently is no bundle."""

from __future__ import annotations

import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from nbdeploy.audit import layout
from nbdeploy.errors import BundleError, PathError
from nbdeploy.trust.names import check_distinct, check_name, shown

_FILES = 50_000
_WHOLE = 64 * 1024 * 1024  # bytes of one document; a model's files are only hashed
_TOTAL = 64 * 1024**3
_RATIO = 1100  # deflate cannot do better (zlib's manual: 1032 : 1)
_LOCAL = struct.Struct("<26xHH")  # of a local header: the lengths of name and extra field, which end it
_END = struct.Struct("<4s16xH")  # of the end: its mark, and how long a comment follows
_AFTER = (0, 12, 16, 20, 24)  # what may stand behind a file's bytes: their checksum and sizes, in four forms
_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Bundle:
    """An open bundle. `names` are its files, all of them regular ones with plain names."""

    def __init__(self, archive: zipfile.ZipFile, infos: Mapping[str, zipfile.ZipInfo]) -> None:
        self._archive = archive
        self._infos = infos
        self._read: dict[str, bytes] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The files, sorted."""
        return tuple(sorted(self._infos))

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    def read(self, name: str) -> bytes:
        """Return a document.

        Raises
        ------
        BundleError
            It is not there, is too large, or its bytes do not unpack.
        """
        if name not in self._read:
            if name not in self._infos:
                raise BundleError(f"the bundle holds no {name}")
            if self._infos[name].file_size > _WHOLE:
                raise BundleError(f"{name} is larger than any document of a bundle")
            self._read[name] = b"".join(self._blocks(name))
        return self._read[name]

    def text(self, name: str) -> str:
        """Return a document as text; BundleError as `read`, and where it is no UTF-8."""
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError:
            raise BundleError(f"{name} is no text") from None

    def digest(self, name: str) -> str:
        """Return the digest of a file of any size."""
        found = hashlib.sha256()
        for block in self._blocks(name):
            found.update(block)
        return f"sha256:{found.hexdigest()}"

    def within(self, folder: str) -> dict[str, str]:
        """Return the files below a folder: name inside of it → name in the bundle."""
        return {name.removeprefix(folder): name for name in self.names if name.startswith(folder)}

    def _blocks(self, name: str) -> Iterator[bytes]:
        left = self._infos[name].file_size
        try:
            with self._archive.open(self._infos[name]) as stream:
                while block := stream.read(1 << 20):
                    left -= len(block)
                    if left < 0:
                        raise BundleError(f"{name} unpacks to more than it says")
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
            raise BundleError(f"{name} does not unpack ({error})") from None


@contextmanager
def opened(file: Path) -> Iterator[Bundle]:
    """Open a bundle.

    Raises
    ------
    BundleError
        It is no zip, or not one that is read alike everywhere: a name that leads out or stands twice, a link, an
        encrypted or unknown kind of entry, more than fits.
    """
    if file.is_dir():
        raise BundleError(
            f"{file} is a folder", next=f"name the zip, or check the unpacked bundle: sh {file}/verify.sh {file}"
        )
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, UnicodeDecodeError, NotImplementedError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise BundleError(f"{file} is no bundle ({reason})") from None
    with archive:
        infos = archive.infolist()
        if len(infos) > _FILES:
            raise BundleError(f"{file} holds {len(infos)} files, more than any bundle")
        names = [info.filename for info in infos]
        for info in infos:
            _check_entry(info)
        _check_seamless(file, archive, infos)
        try:
            check_distinct(names)
        except PathError as error:
            raise BundleError(error.fact) from None
        twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
        if twice is not None:
            raise BundleError(f"{shown(twice)} stands twice in {file}")
        if sum(info.file_size for info in infos) > _TOTAL:
            raise BundleError(f"{file} unpacks to more than {_TOTAL >> 30} GiB")
        if layout.INDEX not in names:
            raise BundleError(f"{file} is no bundle of nbdeploy: it holds no {layout.INDEX}")
        yield Bundle(archive, {info.filename: info for info in infos})


def _check_seamless(file: Path, archive: zipfile.ZipFile, infos: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse bytes before, between or behind the entries: programs that read a zip from its front find others there."""
    at = 0
    with file.open("rb") as stream:
        for info in sorted(infos, key=lambda info: info.header_offset):
            stream.seek(info.header_offset)
            head = stream.read(_LOCAL.size)
            if info.header_offset - at not in (_AFTER if at else (0,)) or len(head) < _LOCAL.size:
                raise BundleError(f"{file} holds bytes before {shown(info.filename)} that belong to no file")
            at = info.header_offset + _LOCAL.size + sum(_LOCAL.unpack(head)) + info.compress_size
        stream.seek(-_END.size, os.SEEK_END)
        if archive.start_dir - at not in _AFTER or _END.unpack(stream.read()) != (b"PK\5\6", 0):
            raise BundleError(f"{file} holds bytes behind its files that belong to none")


def _check_entry(info: zipfile.ZipInfo) -> None:
    try:
        check_name(info.filename)
    except PathError as error:
        raise BundleError(error.fact) from None
    # zipfile cuts a name at its first NUL, and turns separators; other programs may not.
    if info.orig_filename != info.filename:
        raise BundleError(f"{shown(info.orig_filename)} is read as another name by some programs")
    mode = info.external_attr >> 16
    if mode and mode & 0o170000 not in (0, 0o100000):
        raise BundleError(f"{shown(info.filename)} is no regular file")
    if info.flag_bits & 0x1 or info.compress_type not in _KINDS:
        raise BundleError(f"{shown(info.filename)} is packed in a way that bundles are not")
    if info.file_size > _RATIO * max(info.compress_size, 1):
        raise BundleError(f"{shown(info.filename)} unpacks to more than can be")
