"""The verb *declare*: an objective is written down, checked against the floor and logged before any result is seen."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbdeploy import templates
from nbdeploy.declare import Check, NamedObjective, changes, check_objective, read_objective
from nbdeploy.declare.changes import in_full
from nbdeploy.documents import catalog
from nbdeploy.documents.sections import SECTIONS
from nbdeploy.documents.statements import ObjectivePredicate
from nbdeploy.errors import FloorError, ObjectiveError, OptionError, ProjectError, closest
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown, Table
from nbdeploy.report.wording import counted
from nbdeploy.trust.envelopes import sign


@dataclass(frozen=True)
class Declared(Result):
    """An objective that is in force, or was only checked."""

    objective: NamedObjective
    check: Check
    file: Path | None
    changed: tuple[str, ...] = ()

    def show(self) -> Shown:
        content = self.objective.content
        rows = [(section, measure, in_full(gate)) for section, measure, gate in content.each_gate()]
        title = f"Objective {content.name}: {'declared' if self.file else 'checked, not declared'}"
        lines = [
            f"Governs model {content.governed_model} at endpoint {content.served_at}; {counted(len(rows), 'gate')}."
        ]
        lines += [f"Changed: {change}" for change in self.changed]
        return Shown(
            title=title,
            lines=lines,
            tables=[Table(("section", "measure", "gate"), rows)],
            notes=[*(f"Hard to decide: {line}" for line in self.check.hard_to_decide), *self.check.warnings],
            next=[f"nbdeploy validate {content.name} --model … --data …"] if self.file else [],
        )

    def facts(self) -> dict[str, Any]:
        return {
            "objective": self.objective.content.name,
            "digest": self.objective.digest,
            "warnings": list(self.check.warnings),
            "hard_to_decide": list(self.check.hard_to_decide),
        }


def declare(
    source: str | Path | bytes,
    *,
    name: str | None = None,
    check_only: bool = False,
    rows: int | None = None,
    origin: str | None = None,
) -> Declared:
    """Declare an objective, or only look it over.

    Parameters
    ----------
    source
        A YAML file, or the YAML text itself as bytes.
    name
        The name beside the text, as in ``%%objective NAME``; the file's own unless given.
    check_only
        Report gaps and breaches; write and log nothing.
    rows
        Expected rows of evaluation data: gates that so few can hardly decide are named.

    Raises
    ------
    ObjectiveError
        The text cannot be read; the sentence names the key and the nearest right one.
    FloorError
        It asks less than the policy's floor; both values are named.
    ProjectError
        Nothing can be declared outside of a project.
    """
    project = Project.find()
    text, origin = (source, origin or "the objective") if isinstance(source, bytes) else _read(Path(source))
    named = read_objective(text, name=name, origin=origin, own=own_measures(project) if project else None)
    check = check_objective(named.content, policy=project.policy if project else None, rows=rows)
    _check_slices(named)
    if check_only:
        return Declared(named, check, None)
    if project is None:
        raise ProjectError(
            "an objective is declared inside a project", next="make one with: nbdeploy init, or add --check"
        )
    refuse_below_floor(named, check.breaches)
    file = project.objective_file(named.content.name)
    changed: tuple[str, ...] = ()
    if file.is_file() and file.read_bytes() != named.source:
        changed = changes(project.objective(named.content.name).content, named.content)
    write_whole(file, named.source)
    log_objective(project, named)
    return Declared(named, check, file, changed)


def _check_slices(named: NamedObjective) -> None:
    """Raise ObjectiveError for a slice that cannot be read: before it is declared, not when data is at hand."""
    for section, measure, gate in named.content.each_gate():
        if gate.slice is not None:
            from nbdeploy.validate.data.slices import parse_slice

            try:
                parse_slice(gate.slice)
            except ObjectiveError as error:
                raise ObjectiveError(f"gates.{section}.{measure}: {error.fact}", next=error.next) from None


def refuse_below_floor(named: NamedObjective, breaches: tuple[str, ...]) -> None:
    """Raise FloorError for an objective that undercuts the floor."""
    if breaches:
        raise FloorError(
            f"objective {named.content.name} asks less than the policy: {'; '.join(breaches)}",
            next="raise those values and declare again",
        )


def log_objective(project: Project, named: NamedObjective) -> None:
    """Log that this text is in force, unless the newest entry of its name already says so."""
    content = named.content
    logged = project.chain().objectives_named(content.name)
    if logged and logged[-1].digest == named.digest:
        return
    predicate = ObjectivePredicate(
        name=content.name, model=content.governed_model, declared=datetime.now(UTC), by=project.person
    )
    project.ledger.append(sign(predicate, {"objective": named.digest}, project.workstation))


def show_objective(name: str) -> Declared:
    """Return a declared objective with what is worth saying about it."""
    project = Project.require()
    named = project.objective(name)
    return Declared(named, check_objective(named.content, policy=project.policy), project.objective_file(name))


def example_objective() -> str:
    """Return an objective to start from."""
    return templates.path("objective.yaml").read_text("utf-8")


def measures_of(section: str) -> dict[str, str]:
    """Return what gates of a section can name, each with what it says."""
    if section not in SECTIONS:
        raise OptionError(
            f"there is no section {section!r}{closest(section, SECTIONS)}", next=f"one of {', '.join(SECTIONS)}"
        )
    return {entry.name: entry.explanation for entry in catalog.measures().values() if entry.section == section}


def own_measures(project: Project) -> dict[str, tuple[str, ...]]:
    """Return the measures that the project's own notebooks say they record, by section.

    A notebook names them in its metadata: ``{"nbdeploy": {"section": "data", "measures": ["label_delay_days"]}}``.
    """
    found: dict[str, tuple[str, ...]] = {}
    for file in sorted((project.settings.root / project.settings.project.validation).glob("*.ipynb")):
        try:
            metadata = json.loads(file.read_bytes()).get("metadata", {}).get("nbdeploy", {})
        except (ValueError, AttributeError):
            raise ProjectError(
                f"{file} is not a notebook", next="mend it or move it out of the validation folder"
            ) from None
        section = metadata.get("section")
        if section in SECTIONS:
            found[section] = (*found.get(section, ()), *(str(name) for name in metadata.get("measures", ())))
    return found


def write_whole(file: Path, data: bytes) -> None:
    """Write a file so that a reader sees all of it or nothing of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _read(file: Path) -> tuple[bytes, str]:
    try:
        return file.read_bytes(), file.name
    except FileNotFoundError:
        raise ObjectiveError(
            f"there is no file {file}", next="see an example with: nbdeploy declare --example"
        ) from None
    except OSError as error:
        raise ObjectiveError(f"{file} cannot be read ({error.strerror})") from None
