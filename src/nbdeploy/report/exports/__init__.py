"""A card in other forms: each made from ``card.json`` alone, so nobody needs the run to make or to check one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from nbdeploy.documents.card import FORMS, Card
from nbdeploy.errors import CardError, closest


@dataclass(frozen=True)
class Form:
    """One form of a card: how its file ends, where it is made, what it is for."""

    suffix: str
    made_by: str
    purpose: str
    text: bool = True


_MADE: dict[str, Form] = {
    "html": Form("html", "render:render_html", "One offline page: to read and to keep."),
    "markdown": Form("md", "render:render_markdown", "For a wiki or a repository."),
    "json": Form("json", "exports:_stored", "The frozen card itself, for programs."),
    "pdf": Form("pdf", "exports.pdf:pdf", "To print, sign on paper or file.", text=False),
    "cyclonedx": Form("cdx.json", "exports.cyclonedx:cyclonedx", "A CycloneDX 1.6 bill of materials."),
    "huggingface": Form("README.md", "exports.huggingface:huggingface", "The README of a Hugging Face repository."),
    "junit": Form("junit.xml", "junit:junit", "One test a gate, for CI."),
    "pull-request": Form("pull-request.md", "exports.pull_request:pull_request", "A comment on a pull request."),
    "csv": Form("csv", "exports.spreadsheet:spreadsheet", "Every value, by group too, for a spreadsheet."),
}
"""Every form by its name, one of `nbdeploy.documents.card.FORMS`."""


def form(name: str) -> Form:
    """Return a form by its name; CardError with the closest name if there is none."""
    if name not in _MADE:
        raise CardError(f"there is no form {name!r} of a card{closest(name, FORMS)}", next=f"one of {', '.join(FORMS)}")
    return _MADE[name]


def export(card: Card, name: str, templates: Path | None = None) -> bytes:
    """Return a card in one of `FORMS`.

    Parameters
    ----------
    templates
        The folder of a project's own card templates, for cards that were made with some.

    Raises
    ------
    CardError
        There is no such form, or the form cannot be made here.
    """
    module, function = form(name).made_by.split(":")
    make: Callable[..., str | bytes] = getattr(import_module(f"nbdeploy.report.{module}"), function)
    made = make(card, templates) if name in _RENDERED else make(card)
    return made.encode() if isinstance(made, str) else made


_RENDERED = ("html", "markdown", "pdf", "huggingface")
"""The forms that the templates decide."""


def _stored(card: Card) -> bytes:
    return card.to_bytes()
