"""The policies that this machine has gone by: the last one to hold the next to, the others for an auditor."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from nbdeploy.documents.record import strict_json
from nbdeploy.errors import FormatError, PolicyError
from nbdeploy.trust.policy.signing import Offered, envelope_file, read_offered

_LAST = "last.json"


class SeenPolicies:
    """A folder with ``N.toml``, its signatures, and ``last.json``, which names the last one by file and digest.

    A policy that nobody signs may change without another version: its file then has the digest in its name. No file is
    ever changed. Without a folder nothing is remembered, so that a signed policy begins from pinned roots every time.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def last(self) -> Offered | None:
        """Return the last policy seen, None where nothing was seen.

        Raises
        ------
        PolicyError
            What is remembered cannot be read, or was changed.
        """
        if self._folder is None:
            return None
        try:
            said = strict_json((self._folder / _LAST).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, FormatError):
            raise PolicyError(f"{self._folder / _LAST}, which names the last policy seen, cannot be read") from None
        file = self._folder / Path(str(said.get("file"))).name
        if not file.is_file():
            raise PolicyError(f"the policy that was last seen here is gone: {file}", next=_NEXT)
        found = read_offered(file)
        if found.policy.digest != said.get("digest"):
            raise PolicyError(f"the policy that was last seen here was changed: {file}", next=_NEXT)
        return found

    def remember(self, offered: Offered) -> None:
        """Keep a policy, and name it the last one seen. Nothing is written for the one that is named already."""
        if self._folder is None:
            return
        version, digest = offered.policy.version, offered.policy.digest
        file = self._folder / f"{version}.toml"
        if file.is_file() and file.read_bytes() != offered.data:
            file = file.with_name(f"{version}.{digest[7:19]}.toml")
        content = (json.dumps({"file": file.name, "digest": digest}) + "\n").encode()
        last = self._folder / _LAST
        if last.is_file() and last.read_bytes() == content:
            return
        _write(file, offered.data)
        if offered.envelope is not None:
            _write(envelope_file(file), offered.envelope)
        _write(last, content)


def _write(file: Path, data: bytes) -> None:
    """Replace a file whole: a power cut leaves the old or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("wb", dir=file.parent, prefix=f".{file.name}.", delete=False) as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    Path(stream.name).replace(file)


_NEXT = "put it back from a backup; or remove the folder, and start from roots that are pinned"
