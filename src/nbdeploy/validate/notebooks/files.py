"""Notebooks as files: read within limits, and written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nbdeploy.errors import NotebookError

MOST_BYTES = 50 * 1024 * 1024
"""A notebook larger than this was not written by hand."""
MOST_CELLS = 1_000
DEEPEST = 100
"""Levels of the notebook's JSON; what pages and readers nest stays under 20."""


def language(node: Any) -> str:
    """Return the language that a notebook says it is written in, in small letters; nothing where it says none."""
    for name, key in (("kernelspec", "language"), ("language_info", "name")):
        told = node.metadata.get(name)
        if isinstance(told, dict) and told.get(key):
            return str(told[key]).lower()[:40]
    return ""


def read_notebook(path: Path) -> Any:
    """Return the notebook in a file.

    Raises
    ------
    NotebookError
        It is no notebook, or larger or deeper than any that a person wrote.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise NotebookError(f"it has {size:,} bytes, over the limit of {MOST_BYTES:,}")
    try:
        content = json.loads(path.read_bytes())
        cells = len(content["cells"]) if "cells" in content else 0
    except RecursionError:
        raise NotebookError(f"its JSON is nested more than {DEEPEST} deep") from None
    except (ValueError, TypeError):
        raise NotebookError("it is not a notebook") from None
    if cells > MOST_CELLS:
        raise NotebookError(f"it has {cells:,} cells, over the limit of {MOST_CELLS:,}")
    if _deeper(content, DEEPEST):
        raise NotebookError(f"its JSON is nested more than {DEEPEST} deep")
    try:
        return parse_notebook(json.dumps(content))
    except Exception as error:  # noqa: BLE001 - nbformat raises what its schema readers raise
        raise NotebookError(f"it is not a notebook ({type(error).__name__})") from None


def _deeper(content: Any, most: int) -> bool:
    """Whether JSON is nested more deeply; found level by level, because recursion is what it would break."""
    level = [content]
    for _ in range(most):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def parse_notebook(text: str) -> Any:
    """Return a notebook in the form of nbformat 4."""
    import nbformat

    return nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]  # nbformat ships half of its types


def render_notebook(node: Any) -> str:
    """Return the text of a notebook, given as nbformat's nodes or as plain mappings."""
    import nbformat

    return str(nbformat.writes(nbformat.from_dict(node)))  # type: ignore[no-untyped-call]  # as above
