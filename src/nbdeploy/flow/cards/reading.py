"""The verb *card*: a card as a notebook or a terminal can show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nbdeploy.documents.card import Card
from nbdeploy.documents.run_files import RUN_FILES
from nbdeploy.errors import ProjectError
from nbdeploy.flow.declaring import write_whole
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown
from nbdeploy.report import views


@dataclass(frozen=True)
class CardShown(Result):
    """A card as a notebook or a terminal can show it."""

    name: str
    folder: Path
    html: str = field(repr=False)
    markdown: str = field(repr=False)
    text: str = field(repr=False)

    def show(self) -> Shown:
        return Shown(title=f"Model card of {self.name}", lines=[self.text])

    def __str__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        del include, exclude
        return {"text/html": self.html, "text/markdown": self.markdown, "text/plain": self.text}


def card(name: str, *, draft: bool = False, out: Path | None = None, seen_from: Path | None = None) -> CardShown:
    """Return the card of an objective's latest recorded run, or of its draft, as a notebook or terminal can show it.

    Parameters
    ----------
    out
        A file that gets a copy of the HTML card, to send or to open.
    seen_from
        The folder of the notebook that shows the card: it is linked where Jupyter serves it from there.

    Raises
    ------
    ProjectError
        There is no such run, or the copy cannot be written.
    """
    run = Project.require().run(name, draft=draft)
    missing = [file for file in RUN_FILES if not (run.folder / file).is_file()]
    if missing:
        raise ProjectError(f"{run.folder} lacks {missing[0]}", next=f"validate again: nbdeploy validate {name} …")
    content = Card.from_bytes((run.folder / "card.json").read_bytes())
    whole = run.folder / "card.html"
    if out is not None:
        whole = _copied(whole, out)
    return CardShown(
        name=name,
        folder=run.folder,
        html=views.card_html(content, str(whole), _address(whole, seen_from)),
        markdown=views.card_markdown(content, str(whole)),
        text=views.card_text(content, str(whole)),
    )


def _copied(card: Path, out: Path) -> Path:
    try:
        write_whole(out, card.read_bytes())
    except OSError as error:
        raise ProjectError(f"the card cannot be written to {out} ({error.strerror})") from None
    return out.absolute()


def _address(file: Path, seen_from: Path | None) -> str | None:
    """Return a file's address relative to a folder. Jupyter serves what lies below, and nothing in hidden folders."""
    if seen_from is None or not file.is_relative_to(seen_from):
        return None
    within = file.relative_to(seen_from)
    return None if any(part.startswith(".") for part in within.parts) else quote(within.as_posix())
