"""Writing a bundle: the same files give the same zip, byte for byte."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from nbdeploy.audit import layout
from nbdeploy.audit.recipe import recipe, script
from nbdeploy.trust.digests import bytes_digest, file_digest

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can tell


def pack(files: Mapping[str, bytes | Path], into: IO[bytes]) -> None:
    """Write a bundle with its recipe and the digests of all files.

    Parameters
    ----------
    files
        Content by name; a path where it is too large to be held.
    """
    every = dict(files) | {layout.RECIPE: recipe(), layout.SCRIPT: script()}
    every[layout.SUMS] = sums(every)
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(every):
            about = zipfile.ZipInfo(name, _EPOCH)
            about.compress_type = zipfile.ZIP_DEFLATED
            about.create_system = 3  # Unix on every machine, so that the bytes are the same
            about.external_attr = (0o755 if name == layout.SCRIPT else 0o644) << 16
            content = every[name]
            if isinstance(content, bytes):
                archive.writestr(about, content)
                continue
            with content.open("rb") as source, archive.open(about, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, 1 << 20)


def sums(files: Mapping[str, bytes | Path]) -> bytes:
    """Return the lines that ``sha256sum --check`` reads."""
    digests = {name: bytes_digest(one) if isinstance(one, bytes) else file_digest(one) for name, one in files.items()}
    return "".join(f"{digests[name].removeprefix('sha256:')}  {name}\n" for name in sorted(files)).encode()
