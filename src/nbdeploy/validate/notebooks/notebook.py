"""Validation notebooks: which ones join a run, and what a notebook may be given."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nbdeploy import templates
from nbdeploy.documents.sections import SECTIONS, Section
from nbdeploy.errors import NotebookError, ParameterError, closest
from nbdeploy.validate.notebooks.files import MOST_BYTES, language, read_notebook

NEED_MODEL: tuple[Section, ...] = ("explainability", "operations")
"""Sections of which nothing can be said from predictions alone."""


@dataclass(frozen=True)
class Notebook:
    """One validation notebook as it lies on disk. `name` is the file's, without its ending."""

    section: Section
    name: str
    path: Path
    digest: str
    edited: bool

    def read(self) -> Any:
        """Return the notebook with all outputs and counts cleared: what it holds then is of this run.

        Raises
        ------
        NotebookError
            It is no notebook, none for Python, or larger or deeper than any that a person wrote.
        """
        node = read_notebook(self.path)
        written_for = language(node)
        if written_for not in {"", "python", "ipython"}:
            raise NotebookError(f"it is written for {written_for!r}, and there is only a Python kernel here")
        node.metadata.pop("papermill", None)
        node.metadata.pop("widgets", None)
        for cell in node.cells:
            cell.metadata.pop("papermill", None)
            if cell.cell_type == "code":
                cell.outputs = []
                cell.execution_count = None
        return node

    @cached_property
    def reusable(self) -> bool:
        """Whether its result may be taken again for the same inputs: unless ``{"nbdeploy": {"reuse": false}}``.

        A notebook that reads anything beyond its context says so in its metadata.
        """
        return self._said.get("reuse", True) is not False

    @cached_property
    def waits(self) -> bool:
        """Whether it waits for all others by itself before it times anything: ``{"nbdeploy": {"waits": true}}``.

        It calls `Context.wait_until_alone`, and so may begin beside them.
        """
        return self._said.get("waits") is True

    @cached_property
    def _said(self) -> dict[str, Any]:
        """What its metadata say to us; that nothing may be reused where they cannot be read."""
        try:
            return dict(read_notebook(self.path).metadata.get("nbdeploy", {}))
        except (NotebookError, TypeError, ValueError):
            return {"reuse": False}


def choose(
    sections: Iterable[Section], extra: Iterable[Path] = (), trusted: Iterable[str] = ()
) -> tuple[Notebook, ...]:
    """Return the notebooks of a run, in the order of the sections.

    A file of the project that is named as a section (``fairness.ipynb``) takes the place of ours. Any other belongs to
    the section that its metadata states, ``{"nbdeploy": {"section": "data"}}``, or that its name starts with:
    ``data_labels.ipynb``, ``fairness-regions.ipynb``.

    Parameters
    ----------
    trusted
        Digests that the policy trusts beside the shipped ones; all others are marked as edited.

    Raises
    ------
    NotebookError
        A notebook belongs to no section.
    """
    shipped = {section: templates.path("validation", f"{section}.ipynb") for section in SECTIONS}
    known = {*trusted, *(_digest(path) for path in shipped.values() if path.is_file())}
    own = [(path, _section(path)) for path in sorted(extra)]
    chosen: list[Notebook] = []
    for section in SECTIONS:
        if section not in sections:
            continue
        mine = [path for path, of in own if of == section]
        if not any(path.stem == section for path in mine):
            mine.insert(0, shipped[section])
        chosen += [_notebook(section, path, known) for path in mine]
    return tuple(chosen)


def _notebook(section: Section, path: Path, known: set[str]) -> Notebook:
    digest = _digest(path)
    return Notebook(section, path.stem, path, digest, edited=digest not in known)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise NotebookError(f"the notebook {path.name} cannot be read ({error.strerror})") from None


def _section(path: Path) -> Section:
    named = _named_section(path)
    if named is not None and named not in SECTIONS:
        raise NotebookError(f"{path.name} names the section {named!r}{closest(str(named), SECTIONS)}")
    stem = path.stem.replace("-", "_")
    for section in SECTIONS:
        if named == section or (named is None and stem.split("_")[0] == section):
            return section
    raise NotebookError(
        f"{path.name} belongs to no section",
        next=f"start its name with one of {', '.join(SECTIONS)}, or state nbdeploy.section in its metadata",
    )


def _named_section(path: Path) -> Any:
    """Return the section that a notebook's metadata states; None where it states none or cannot be read.

    One that cannot be read belongs to a section by its name alone, and that section learns why it has no evidence.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        return json.loads(path.read_bytes()).get("metadata", {}).get("nbdeploy", {}).get("section")
    except (ValueError, AttributeError, RecursionError):
        return None


def declared_parameters(node: Any) -> tuple[str, ...] | None:
    """Return the names that the notebook's cell tagged ``parameters`` assigns; None without such a cell."""
    cells = [cell for cell in node.cells if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", [])]
    return tuple(dict.fromkeys(name for cell in cells for name in _assigned(cell.source))) if cells else None


def _assigned(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def check_parameters(name: str, node: Any, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters before a kernel starts: their names are injected as code.

    Raises
    ------
    ParameterError
        A name that is no identifier, or that the notebook does not declare.
    """
    declared = declared_parameters(node)
    for parameter in parameters:
        if not parameter.isidentifier():
            raise ParameterError(f"{parameter[:60]!r} is no name for a parameter of {name}")
        if declared is None:
            raise ParameterError(
                f"{name} has no cell tagged `parameters`", next="copy that cell from a notebook in templates/validation"
            )
        if parameter not in declared:
            raise ParameterError(
                f"{name} declares no parameter {parameter!r}{closest(parameter, declared)}",
                next=f"add `{parameter} = None` to its parameters cell",
            )
