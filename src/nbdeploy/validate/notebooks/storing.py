"""The executed notebook as it is kept: without secrets and without paths of this machine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbdeploy.errors import NotebookError
from nbdeploy.validate.notebooks.files import MOST_BYTES, read_notebook, render_notebook
from nbdeploy.validate.notebooks.redact import known_secrets, redact
from nbdeploy.validate.slot import Slot


@dataclass(frozen=True)
class Stored:
    """One executed notebook: as it ran, and the digest of what was kept of it.

    `node` and `digest` are None, and `reason` says why, where nothing could be kept.
    """

    node: Any
    digest: str | None
    redacted: int = 0
    reason: str = ""


def store(raw: Path, final: Path, slot: Slot) -> Stored:
    """Read what papermill saved, and write it to its place."""
    if not raw.is_file():
        return Stored(None, None)
    if raw.stat().st_size > MOST_BYTES:
        return Stored(None, None, reason=f"its outputs are over the limit of {MOST_BYTES:,} bytes")
    try:
        node = read_notebook(raw)
    except NotebookError as error:
        return Stored(None, None, reason=f"what it left cannot be kept: {error.fact}")
    notes = node.metadata.get("papermill", {})
    for key in ("input_path", "output_path"):
        notes.pop(key, None)
    clean, count = redact(node, known_secrets())
    text = render_notebook(clean)
    text = text.replace(str(slot.folder), "WORKSPACE").replace(str(slot.run), "WORKSPACE")
    data = text.encode("utf-8", "replace")
    final.write_bytes(data)
    return Stored(node, "sha256:" + hashlib.sha256(data).hexdigest(), count)
