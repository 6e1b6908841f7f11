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
from nbdeploy.documents.objective import SECTIONS, Section
from nbdeploy.errors import NotebookError, ParameterError, closest

NEED_MODEL: tuple[Section, ...] = ("explainability", "operations")
"""Sections of which nothing can be said from predictions alone."""

MOST_BYTES = 50 * 1024 * 1024
"""A notebook larger than this was not written by hand."""
MOST_CELLS = 1_000
DEEPEST = 100
"""Levels of the notebook's JSON; what pages and readers nest stays under 20."""


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
        language = _language(node)
        if language not in {"", "python", "ipython"}:
            raise NotebookError(f"it is written for {language!r}, and there is only a Python kernel here")
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
        try:
            return read_notebook(self.path).metadata.get("nbdeploy", {}).get("reuse") is not False
        except NotebookError:
            return False


def _language(node: Any) -> str:
    for name, key in (("kernelspec", "language"), ("language_info", "name")):
        told = node.metadata.get(name)
        if isinstance(told, dict) and told.get(key):
            return str(told[key]).lower()[:40]
    return ""


def read_notebook(path: Path) -> Any:
    """Return the notebook in a file.

    Raises
    ------
    NotebookError
        It is no notebook, or larger or deeper than any that a person wrote.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise NotebookError(f"it has {size:,} bytes, over the limit of {MOST_BYTES:,}")
    try:
        content = json.loads(path.read_bytes())
        cells = len(content["cells"]) if "cells" in content else 0
    except RecursionError:
        raise NotebookError(f"its JSON is nested more than {DEEPEST} deep") from None
    except (ValueError, TypeError):
        raise NotebookError("it is not a notebook") from None
    if cells > MOST_CELLS:
        raise NotebookError(f"it has {cells:,} cells, over the limit of {MOST_CELLS:,}")
    if _deeper(content, DEEPEST):
        raise NotebookError(f"its JSON is nested more than {DEEPEST} deep")
    try:
        return parse_notebook(json.dumps(content))
    except Exception as error:  # noqa: BLE001 - nbformat raises what its schema readers raise
        raise NotebookError(f"it is not a notebook ({type(error).__name__})") from None


def _deeper(content: Any, most: int) -> bool:
    """Whether JSON is nested more deeply; found level by level, because recursion is what it would break."""
    level = [content]
    for _ in range(most):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def parse_notebook(text: str) -> Any:
    """Return a notebook in the form of nbformat 4."""
    import nbformat

    return nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]  # nbformat ships half of its types


def render_notebook(node: Any) -> str:
    """Return the text of a notebook, given as nbformat's nodes or as plain mappings."""
    import nbformat

    return str(nbformat.writes(nbformat.from_dict(node)))  # type: ignore[no-untyped-call]  # as above


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
