"""Is what is installed here what the model asks for?"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement

from nbdeploy.validate.checks.operations.probed import NEEDS_MODEL
from nbdeploy.validate.checks.shown import Shown, Table, measured
from nbdeploy.validate.context import Context

_METRIC = "environment_mismatches"


def environment(context: Context) -> Shown:
    """Record how many packages of the model's requirements are installed here in another version, or not at all."""
    if context.model_folder is None:
        context.not_available(NEEDS_MODEL, _METRIC)
        return Shown(text=f"Not measured: {NEEDS_MODEL}.")
    file = context.model_folder / "requirements.txt"
    if not file.is_file():
        context.not_available("the model names no requirements", _METRIC)
        return Shown(text="Not measured: the model names no requirements (requirements.txt).")
    asked = [one for line in file.read_text("utf-8").splitlines() if (one := _requirement(line)) is not None]
    differing = [one for one in map(_difference, asked) if one is not None]
    python = {"asked": _python(context.model_folder), "here": platform.python_version()}
    found = context.record(
        _METRIC,
        len(differing),
        n=len(asked),
        method="requirements.txt of the model against what is installed here",
        data={"packages": differing, "checked": len(asked), "python": python},
    )
    if not differing:
        return Shown(
            table=measured([found]), text=f"Python {python['here']} here, {python['asked'] or 'unknown'} asked."
        )
    rows = tuple((one["package"], one["asked"], one["here"] or "not installed") for one in differing)
    return Shown(table=Table(("Package", "Asked", "Here"), rows))


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


def _difference(asked: Requirement) -> dict[str, Any] | None:
    try:
        here = version(asked.name)
    except PackageNotFoundError:
        here = None
    if here is not None and asked.specifier.contains(here, prereleases=True):
        return None
    return {"package": asked.name, "asked": str(asked.specifier) or "any", "here": here}


def _python(folder: Path) -> str | None:
    file = folder / "python_env.yaml"
    content = yaml.safe_load(file.read_text("utf-8")) if file.is_file() else None
    return str(content["python"]) if isinstance(content, dict) and "python" in content else None
