"""A project's own card templates, and how a card made with them stays verifiable.

A file of ``templates/card`` in the project stands for ours of the same name. The card names each with its digest; it is
rendered with exactly these files, wherever it is rendered, or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from jinja2 import BaseLoader, ChoiceLoader, DictLoader, Environment, FileSystemLoader

from nbdeploy.documents.card import Card
from nbdeploy.documents.evidence import Digest
from nbdeploy.errors import CardError
from nbdeploy.templates import path


def used(folder: Path | None) -> dict[str, Digest]:
    """Return the files of a project's folder that stand for one of ours, with their digests.

    Raises
    ------
    CardError
        A template there has no counterpart of ours, so nothing would ever use it.
    """
    if folder is None or not folder.is_dir():
        return {}
    ours = {file.name for file in path("card").iterdir() if file.is_file()}
    found = sorted(file for file in folder.iterdir() if file.suffix in (".j2", ".css"))
    unknown = [file.name for file in found if file.name not in ours]
    if unknown:
        raise CardError(
            f"{folder} holds {unknown[0]}, which stands for no template of a card", next=f"name it {_either(ours)}"
        )
    return {file.name: _digest(file.read_bytes()) for file in found}


def check_templates(folder: Path) -> None:
    """Refuse what is plainly wrong with a project's templates before anything is measured; CardError says what.

    A fault that shows only when a template is filled in, such as an unknown name, is found when the card is written.
    """
    for name, digest in used(folder).items():
        text = _source(name, digest, folder)
        if name.endswith(".j2"):
            with _mended(name):
                Environment(autoescape=True).parse(text, name)


def sources(card: Card, folder: Path | None) -> dict[str, str]:
    """Return the texts of the templates that a card names, taken from a project's folder.

    Raises
    ------
    CardError
        One is missing there or has changed since.
    """
    return {name: _source(name, digest, folder) for name, digest in card.templates.items()}


def _source(name: str, digest: Digest, folder: Path | None) -> str:
    file = (folder / name) if folder is not None and Path(name).name == name else None
    asked = f"the card was made with a project's own template {name} ({digest[:19]}…)"
    if file is None or not file.is_file():
        raise CardError(f"{asked}, which is not here", next=f"work in the project that has templates/card/{name}")
    data = file.read_bytes()
    if _digest(data) != digest:
        raise CardError(f"{asked}, and {file} is another by now", next="bring that version of the file back")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise CardError(f"{file} is not UTF-8 text", next="save it as UTF-8") from None


def loader(texts: Mapping[str, str]) -> BaseLoader:
    """Return a loader of a project's templates that falls back to ours."""
    return ChoiceLoader([DictLoader(texts), FileSystemLoader(path("card"))])


def told(card: Card) -> AbstractContextManager[None]:
    """Turn what a project's broken template raises into one sentence; a fault of ours stays what it is."""
    return _mended(_either(card.templates)) if card.templates else nullcontext()


@contextmanager
def _mended(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a template can raise whatever an expression can
        where = getattr(error, "name", None) or name
        number = getattr(error, "lineno", None)
        line = f", line {number}" if number else ""
        raise CardError(
            f"the project's template {where}{line} is broken ({str(error).rstrip('.') or type(error).__name__})",
            next="mend it in templates/card, or remove it to use the one of nbdeploy",
        ) from None


def _either(names: Mapping[str, str] | set[str]) -> str:
    ordered = sorted(names)
    return ordered[0] if len(ordered) == 1 else f"{', '.join(ordered[:-1])} or {ordered[-1]}"


def _digest(data: bytes) -> Digest:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
