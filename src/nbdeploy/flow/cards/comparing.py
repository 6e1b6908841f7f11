"""The verb *card diff*: what changed between two cards."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbdeploy.documents.card import Card
from nbdeploy.documents.evidence import Evidence
from nbdeploy.errors import CardError, FormatError, ProjectError
from nbdeploy.flow.declaring import write_whole
from nbdeploy.flow.project import DRAFT, Project
from nbdeploy.flow.show import Result, Shown, Table
from nbdeploy.report import wording
from nbdeploy.report.comparing.compare import Comparison, compare
from nbdeploy.report.comparing.numbers import OUTCOMES
from nbdeploy.report.pages import comparison_html, comparison_markdown

_NAMES = "name a run's folder, a card.json, NAME, NAME:ATTEMPT, NAME:draft or MODEL/VERSION"


@dataclass(frozen=True)
class CardsCompared(Result):
    """Two cards side by side; `html` and `markdown` are whole documents."""

    comparison: Comparison = field(repr=False)
    html: str = field(repr=False)
    markdown: str = field(repr=False)
    file: Path | None = None

    def show(self) -> Shown:
        found = self.comparison
        before, after = found.titles
        told = [*found.verdicts, *found.promises, *found.groups]
        lines = [f"{place}. {kind.capitalize()}: {text}." for place, (kind, text) in enumerate(found.points, 1)]
        changes = [
            (
                change.name,
                f"{wording.value(change.before)} {_within(wording.interval(change.before))}".strip(),
                f"{wording.value(change.after)} {_within(wording.interval(change.after))}".strip(),
                change.difference,
                OUTCOMES[change.outcome],
            )
            for change in found.listed
        ]
        return Shown(
            title=f"Compared: {before} and {after}",
            lines=lines or ["No verdict, promise or group changed, and no number by more than chance does."],
            tables=[
                *([Table(("", "what changed"), [(kind, text) for kind, text in told])] if told else []),
                *([Table(("measure", "before", "now", "difference", "is it real?"), changes)] if changes else []),
                Table(("", "measured on what"), found.made_of),
            ],
            notes=[*found.cautions, *([f"The whole comparison: {self.file}"] if self.file else [])],
        )

    def facts(self) -> dict[str, Any]:
        return {
            "points": [list(point) for point in self.comparison.points],
            "numbers": {
                f"{change.after.id} {change.group}".strip(): change.outcome for change in self.comparison.numbers
            },
        }


def compare_cards(before: str, after: str, *, out: Path | None = None) -> CardsCompared:
    """Compare two cards.

    Parameters
    ----------
    before, after
        A run's folder, a ``card.json``, or in a project ``NAME`` (the latest recorded run), ``NAME:3`` (an attempt),
        ``NAME:draft`` or ``MODEL/3`` (the latest run of a registered version).
    out
        A file that gets the whole comparison as HTML.

    Raises
    ------
    CardError
        A card cannot be read.
    ProjectError
        No such run is here, or the file cannot be written.
    """
    found = compare(_card(before), _card(after))
    html = comparison_html(found)
    if out is not None:
        try:
            write_whole(out, html.encode())
        except OSError as error:
            raise ProjectError(f"the comparison cannot be written to {out} ({error.strerror})") from None
    return CardsCompared(found, html, comparison_markdown(found), out)


def compare_latest(name: str, given: tuple[str, ...] = (), *, out: Path | None = None) -> CardsCompared:
    """Compare an objective's latest run with the one before, or with what is named; an attempt may be a bare number."""
    named = [f"{name}:{text}" if text.isdigit() or text == DRAFT else text for text in given]
    if len(named) > 1:
        return compare_cards(named[0], named[1], out=out)
    if named:
        return compare_cards(named[0], name, out=out)
    latest = Project.require().run(name).evidence.run.attempt or 0
    if latest < 2:
        raise ProjectError(f"{name!r} has one recorded run, and nothing before it to compare with", next=_NAMES)
    return compare_cards(f"{name}:{latest - 1}", name, out=out)


def _card(subject: str) -> Card:
    path = Path(subject)
    file = path / "card.json" if path.is_dir() else path
    if not file.is_file():
        file = _run(subject) / "card.json"
    try:
        return Card.from_bytes(file.read_bytes())
    except OSError as error:
        raise CardError(f"{file} cannot be read ({error.strerror})", next=_NAMES) from None
    except FormatError as error:
        raise CardError(f"{file} is no card ({error.fact})", next=_NAMES) from None


def _run(subject: str) -> Path:
    project = Project.find()
    if project is None:
        raise ProjectError(f"there is no card at {subject}, and no project here that could know the name", next=_NAMES)
    name, colon, attempt = subject.rpartition(":")
    if colon and attempt == DRAFT:
        return project.run(name, draft=True).folder
    if colon and attempt.isdigit() and int(attempt):
        return project.run(name, int(attempt)).folder
    model, slash, version = subject.rpartition("/")
    return _of_version(project, model.removeprefix("models:/"), version) if slash else project.run(subject).folder


def _of_version(project: Project, model: str, version: str) -> Path:
    """Return the folder of the latest recorded run of a registered version."""
    found: list[tuple[Any, Path]] = []
    for file in project.settings.runs.glob("*/[0-9]*/evidence.json"):
        evidence = Evidence.from_bytes(file.read_bytes())
        subject = evidence.subject.model
        if subject is not None and (subject.name, subject.version) == (model, version):
            found.append((evidence.run.finished, file.parent))
    if not found:
        raise ProjectError(f"no recorded run here is of {model}/{version}", next=_NAMES)
    return max(found)[1]


def _within(interval: str) -> str:
    return f"({interval})" if interval else ""
