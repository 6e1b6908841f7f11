"""Is what is installed where the model runs what it asks for?"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement

from nbdeploy.validate.checks.operations.probed import NEEDS_MODEL
from nbdeploy.validate.checks.shown import Shown, Table, measured
from nbdeploy.validate.context import Context
from nbdeploy.validate.subject.children import CHILD_ENVIRONMENT

_METRIC = "environment_mismatches"
_PYTHON = "Python itself"
_ASKING = """
import sys
sys.path = [place for place in sys.path if place]  # what lies in this folder is no library
import json
from importlib.metadata import PackageNotFoundError, version
def found(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
print(json.dumps([sys.version.split()[0], *map(found, sys.argv[1:])]))
"""
"""Run by the interpreter of the model's own environment."""


def environment(context: Context) -> Shown:
    """Record how many packages of the model's requirements are installed in another version, or not at all, where it
    runs.
    """
    if context.model_folder is None:
        context.not_available(NEEDS_MODEL, _METRIC)
        return Shown(text=f"Not measured: {NEEDS_MODEL}.")
    file = context.model_folder / "requirements.txt"
    if not file.is_file():
        context.not_available("the model names no requirements", _METRIC)
        return Shown(text="Not measured: the model names no requirements (requirements.txt).")
    asked = [one for line in file.read_text("utf-8").splitlines() if (one := _requirement(line)) is not None]
    where = "here" if context.model_python is None else "in its own environment"
    installed = _installed([one.name for one in asked], context.model_python)
    if isinstance(installed, str):
        context.not_available(installed, _METRIC)
        return Shown(text=f"Not measured: {installed}.")
    differing = [told for one in asked if (told := _difference(one, installed.get(one.name))) is not None]
    python = {"asked": _python(context.model_folder), "here": installed[_PYTHON]}
    found = context.record(
        _METRIC,
        len(differing),
        n=len(asked),
        method=f"requirements.txt of the model against what is installed {where}",
        data={"packages": differing, "checked": len(asked), "python": python},
    )
    if not differing:
        return Shown(
            table=measured([found]), text=f"Python {python['here']} {where}, {python['asked'] or 'unknown'} asked."
        )
    rows = tuple((one["package"], one["asked"], one["here"] or "not installed") for one in differing)
    return Shown(table=Table(("Package", "Asked", where.capitalize()), rows))


def _requirement(line: str) -> Requirement | None:
    """Return a line's requirement; None for comments, options and addresses, which name no version."""
    text = line.split(" #", maxsplit=1)[0].strip()
    if not text or text.startswith(("#", "-")):
        return None
    try:
        found = Requirement(text)
    except InvalidRequirement:  # a path or an address
        return None
    return found if found.marker is None or found.marker.evaluate() else None


def _installed(names: Sequence[str], python: Path | None) -> dict[str, str | None] | str:
    """Return the version of each package, and of Python, where the model runs; or why that cannot be told."""
    if python is None:
        return {_PYTHON: platform.python_version(), **{name: _version(name) for name in names}}
    asked = [str(python), "-c", _ASKING, *names]
    try:
        told = subprocess.run(asked, capture_output=True, check=True, timeout=60, env=os.environ | CHILD_ENVIRONMENT)
        first, *others = json.loads(told.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return f"the model's own Python does not tell what is installed there ({type(error).__name__})"
    return {_PYTHON: first, **dict(zip(names, others, strict=True))}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _difference(asked: Requirement, here: str | None) -> dict[str, Any] | None:
    if here is not None and asked.specifier.contains(here, prereleases=True):
        return None
    return {"package": asked.name, "asked": str(asked.specifier) or "any", "here": here}


def _python(folder: Path) -> str | None:
    file = folder / "python_env.yaml"
    content = yaml.safe_load(file.read_text("utf-8")) if file.is_file() else None
    return str(content["python"]) if isinstance(content, dict) and "python" in content else None
