"""The verb *card*: a card as a notebook or a terminal can show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbdeploy.documents.card import Card
from nbdeploy.errors import ProjectError
from nbdeploy.flow.project import RUN_FILES, Project
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


def card(name: str, *, draft: bool = False) -> CardShown:
    """Return the card of an objective's latest recorded run, or of its draft, as a notebook or terminal can show it.

    Raises
    ------
    ProjectError
        There is no such run.
    """
    run = Project.require().run(name, draft=draft)
    missing = [file for file in RUN_FILES if not (run.folder / file).is_file()]
    if missing:
        raise ProjectError(f"{run.folder} lacks {missing[0]}", next=f"validate again: nbdeploy validate {name} …")
    content = Card.from_bytes((run.folder / "card.json").read_bytes())
    link = str(run.folder / "card.html")
    return CardShown(
        name=name,
        folder=run.folder,
        html=views.card_html(content, link),
        markdown=views.card_markdown(content, link),
        text=views.card_text(content, link),
    )
