"""The recipe: what an auditor runs without nbdeploy. One source for the script and for the text that explains it."""

from __future__ import annotations

import textwrap

from nbdeploy.templates import path

_TOLD = "#: "


def script() -> bytes:
    """Return ``verify.sh``."""
    return path("audit", "verify.sh").read_bytes()


def recipe() -> bytes:
    """Return ``RECIPE.txt``: the script's own words as paragraphs, and its lines indented below them."""
    blocks: list[str] = []
    told: list[str] = []
    for line in [*script().decode().splitlines(), _TOLD]:
        words = line.startswith(_TOLD.rstrip())
        if words:
            told.append(line[2:].strip())
            continue
        if told:
            blocks += ["", *_paragraphs(told), ""]
            told = []
        blocks.append(f"    {line}" if line else "")
    return ("\n".join(_single_gaps(blocks)).strip("\n") + "\n").encode()


def _paragraphs(lines: list[str]) -> list[str]:
    paragraphs = "\n".join(lines).split("\n\n")
    wrapped = [
        one if one.startswith("=") else textwrap.fill(" ".join(one.split()), 92, break_long_words=False)
        for one in paragraphs
    ]
    return "\n\n".join(wrapped).split("\n")


def _single_gaps(lines: list[str]) -> list[str]:
    return [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]
