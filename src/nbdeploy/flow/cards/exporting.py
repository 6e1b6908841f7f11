"""The verb *card*, exporting: a card in the form that somebody else wants it in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from nbdeploy.documents.card import Card
from nbdeploy.errors import CardError, FormatError, ProjectError
from nbdeploy.flow.declaring import write_whole
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown
from nbdeploy.report.exports import Form, export, form


@dataclass(frozen=True)
class CardExported(Result):
    """A card in one form, and where it was written; `file` is None where it was only made."""

    name: str
    form: Form
    content: bytes = field(repr=False)
    file: Path | None = None

    def show(self) -> Shown:
        where = f"written to {self.file}" if self.file else f"{len(self.content):,} bytes"
        return Shown(title=f"Model card of {self.name}: {where}", lines=[self.form.purpose])


def export_card(
    subject: str, to: str, *, out: Path | None = None, draft: bool = False, beside: bool = False
) -> CardExported:
    """Make a card in another form, from its ``card.json`` alone.

    Parameters
    ----------
    subject
        A declared objective, whose latest recorded run is meant; or a run folder, or a ``card.json``.
    to
        One of `nbdeploy.report.exports.FORMS`.
    out
        The file to write. A folder gets a file named after the objective.
    beside
        Write into the current folder where no `out` is given.

    Raises
    ------
    CardError
        There is no such card or form, or the form cannot be made here.
    ProjectError
        There is no project or run of that name, or the file cannot be written.
    """
    wanted = form(to)
    file = _file(subject, draft=draft)
    card = _read(file)
    project = Project.find(file.parent) or Project.find()
    content = export(card, to, project.card_templates if project is not None else None)
    target = _target(card, wanted, out, beside=beside)
    if target is not None:
        try:
            write_whole(target, content)
        except OSError as error:
            raise ProjectError(f"the card cannot be written to {target} ({error.strerror})") from None
    return CardExported(card.objective.name, wanted, content, target)


def _file(subject: str, *, draft: bool) -> Path:
    """Return where the card lies. A name that is declared wins over a folder of that name that holds no card."""
    given = Path(subject)
    file = given / "card.json" if given.is_dir() else given
    if file.suffix == ".json" and file.is_file():
        return file
    project = Project.find()
    if given.is_dir() and (project is None or subject not in project.declared()):
        raise CardError(
            f"there is no card.json in {given.absolute()}", next="name the folder that nbdeploy validate wrote"
        )
    return Project.require().run(subject, draft=draft).folder / "card.json"


def _read(file: Path) -> Card:
    try:
        return Card.from_bytes(file.read_bytes())
    except OSError as error:
        raise CardError(f"{file} cannot be read ({error.strerror})") from None
    except FormatError as error:
        raise CardError(f"{file} is no card ({error.fact})", next="take it from the registry again") from None


def _target(card: Card, wanted: Form, out: Path | None, *, beside: bool) -> Path | None:
    if out is None and not beside:
        return None
    if out is None or out.is_dir():
        return (out or Path.cwd()) / f"{card.objective.name}.{wanted.suffix}"
    return out
