"""Reading regulation crosswalks: those that nbdeploy ships, and the project's own, which may take their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nbdeploy import templates
from nbdeploy.declare import strict_yaml
from nbdeploy.documents import catalog
from nbdeploy.documents.crosswalk import Clause, Crosswalk, CrosswalkRef, Fact
from nbdeploy.documents.finding_patterns import FindingPattern, alternatives
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Record
from nbdeploy.errors import CrosswalkError, ObjectiveError, closest
from nbdeploy.trust.digests import bytes_digest

_CROSSED = ("one", "another")  # any two features: whether groups are crossed is the run's matter, not the catalogue's
FACTS: tuple[str, ...] = get_args(Fact)


def crosswalks(folder: Path | None = None, own: Mapping[str, Sequence[str]] | None = None) -> tuple[CrosswalkRef, ...]:
    """Return the shipped crosswalks, then those of a project's folder; one of the same id takes a shipped one's place.

    Parameters
    ----------
    folder
        Its ``*.yaml`` and ``*.yml`` are read; nothing where it does not exist.
    own
        Measures of the project's own notebooks, by section, that clauses may name beside the known ones.

    Raises
    ------
    CrosswalkError
        A file of the project cannot be read, or two have the same id.
    """
    found = {ref.content.id: ref for ref in shipped()}
    theirs: dict[str, str] = {}
    for file in _files(folder):
        source = file.read_bytes()
        content = read_crosswalk(source, origin=str(file), own=own)
        if content.id in theirs:
            raise CrosswalkError(f"{file} and {theirs[content.id]} have the same id {content.id!r}", next="change one")
        theirs[content.id] = file.name
        found[content.id] = CrosswalkRef(name=file.name, digest=bytes_digest(source), own=True, content=content)
    return tuple(found.values())


def _files(folder: Path | None) -> list[Path]:
    if folder is None or not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.suffix in {".yaml", ".yml"} and file.is_file())


@cache
def shipped() -> tuple[CrosswalkRef, ...]:
    """Return the crosswalks that nbdeploy ships, by file name.

    They are ours and the tests hold them to `read_crosswalk`, so here they go through YAML's fast parser: six files in
    pure Python would take longer than all else that happens before the first notebook.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    refs = []
    for file in sorted(templates.path("crosswalks").glob("*.yaml")):
        data = file.read_bytes()
        content = Crosswalk.model_validate(yaml.load(data, Loader=loader))  # noqa: S506 - a SafeLoader, in C where there is one
        refs.append(CrosswalkRef(name=file.name, digest=bytes_digest(data), own=False, content=content))
    return tuple(refs)


def read_crosswalk(
    source: bytes, *, origin: str = "the crosswalk", own: Mapping[str, Sequence[str]] | None = None
) -> Crosswalk:
    """Read the YAML text of a crosswalk.

    Raises
    ------
    CrosswalkError
        With one sentence: an unknown key, measure, field or fact (the closest is named), or a wrong value.
    """
    try:
        content = strict_yaml.load(source, origin)
    except ObjectiveError as error:
        raise CrosswalkError(error.fact, next="see templates/crosswalks for examples") from None
    try:
        found = Crosswalk.model_validate(content)
    except ValidationError as error:
        raise CrosswalkError(f"{origin}: {_sentence(_telling(error), content)}", next="mend it") from None
    for clause in found.clauses:
        for complaint in _unknown(clause, own or {}):
            raise CrosswalkError(f"{origin}: clause {clause.id}: {complaint}", next="mend it")
    return found


def _sentence(error: ErrorDetails, content: Mapping[str, Any]) -> str:
    path = [str(part) for part in error["loc"]]
    where = _where(error["loc"], content)
    if error["type"] == "extra_forbidden":
        known = Clause.model_fields if len(path) > 1 else Crosswalk.model_fields
        return f"{where}unknown key {path[-1]!r}{closest(path[-1], tuple(known))}"
    if error["type"] == "missing":
        return f"{where}the key {path[-1]!r} is missing"
    if error["type"] == "literal_error":
        word = str(error["input"])
        return f"{where}{word!r} is no fact of the evidence{closest(word, FACTS)} (facts: {', '.join(FACTS)})"
    return f"{where}{'.'.join(path[2:] if where else path)}: {error['msg'].removeprefix('Value error, ')}"


def _telling(error: ValidationError) -> ErrorDetails:
    """Return the complaint that explains most: a key that was misspelt, not the right one that is missing for it."""
    return min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")


def _where(path: tuple[int | str, ...], content: Mapping[str, Any]) -> str:
    """Name the clause that an error is in, by its id where it has one."""
    if len(path) < 2 or path[0] != "clauses" or not isinstance(path[1], int):
        return ""
    clause = content["clauses"][path[1]]
    named = clause.get("id") if isinstance(clause, dict) else None
    return f"clause {named or f'number {path[1] + 1}'}: "


def _unknown(clause: Clause, own: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Say what a clause names that does not exist."""
    for text in clause.findings:
        for pattern in alternatives(text):
            if not any(pattern.fits(pattern.section, name, _CROSSED) for name in _measures(pattern, own)):
                near = closest(pattern.metric, _measures(pattern, own))
                yield f"{pattern.section}.{pattern.metric} names no known measure{near}"
    known = fields()
    for field in clause.objective:
        if field not in known:
            yield f"{field!r} is no field that an objective may leave empty{closest(field, known)}"


def _measures(pattern: FindingPattern, own: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    known = tuple(entry.name for entry in catalog.measures().values() if entry.section == pattern.section)
    return (*known, *own.get(pattern.section, ()))


@cache
def fields() -> tuple[str, ...]:
    """Return the fields of an objective that say something by being filled.

    One that has a value of its own accord, such as ``level``, shows nothing about what somebody declared.
    """
    return tuple(_fields(Objective, ""))


def _fields(model: type[Record], before: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True) if not field.is_required() else None
        if isinstance(default, Record):
            yield from _fields(type(default), f"{before}{name}.")
        elif default in (None, (), {}):
            yield f"{before}{name}"
