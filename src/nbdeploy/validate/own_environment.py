"""The model's own environment: whether it differs from ours, and where it is or is made."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from nbdeploy.errors import ModelError

DECISIVE = (
    "scikit-learn",
    "xgboost",
    "xgboost-cpu",
    "lightgbm",
    "catboost",
    "torch",
    "tensorflow",
    "keras",
    "onnx",
    "onnxruntime",
    "statsmodels",
    "spacy",
    "prophet",
    "h2o",
    "transformers",
)
"""Packages that models are made of. One in another minor version may load a model and answer otherwise."""

_MINUTES = 20


@dataclass(frozen=True)
class Environment:
    """Where a model runs.

    Attributes
    ----------
    python
        The interpreter; None for ours.
    differences
        What the model asks for and is not so here, in words.
    """

    python: Path | None
    differences: tuple[str, ...] = ()


def environment_for(folder: Path, wanted: str, cache: Path) -> Environment:
    """Return where a model shall run.

    Parameters
    ----------
    folder
        The MLflow model.
    wanted
        ``auto``: here, unless a package that models are made of differs in its minor version or is not installed; then
        in an environment made from the model's requirements, once. ``here``; or the path of an interpreter.
    cache
        Folder of environments that were made.

    Raises
    ------
    ModelError
        The environment is not there, or could not be made.
    """
    found = differences(folder)
    if wanted == "here" or (wanted == "auto" and not found):
        return Environment(None, found)
    if wanted != "auto":
        python = Path(wanted)
        python = python / "bin" / "python" if python.is_dir() else python
        if not python.is_file():
            raise ModelError(f"there is no Python at {wanted}", next="give --environment auto, here, or a path")
        return Environment(python.absolute(), found)
    return Environment(_made(folder, found, cache), found)


def differences(folder: Path) -> tuple[str, ...]:
    """Return in words what a model's requirements ask for and this environment does not have."""
    told = []
    for asked in _requirements(folder):
        if asked.name.lower().replace("_", "-") not in DECISIVE:
            continue
        try:
            here = version(asked.name)
        except PackageNotFoundError:
            told.append(f"{asked} is not installed here")
            continue
        if not asked.specifier.contains(here, prereleases=True) and not _same_minor(asked, here):
            told.append(f"{asked} while {here} is installed here")
    return tuple(told)


def _same_minor(asked: Requirement, here: str) -> bool:
    """Return whether an exact pin names another patch of the version that is here."""
    pins = [Version(one.version) for one in asked.specifier if one.operator == "==" and "*" not in one.version]
    return bool(pins) and all(pin.release[:2] == Version(here).release[:2] for pin in pins)


def _requirements(folder: Path) -> list[Requirement]:
    file = folder / "requirements.txt"
    found = []
    for line in file.read_text("utf-8").splitlines() if file.is_file() else ():
        text = line.split(" #", maxsplit=1)[0].strip()
        if not text or text.startswith(("#", "-")):
            continue
        try:
            asked = Requirement(text)
        except InvalidRequirement:  # a path or an address names no version
            continue
        if asked.marker is None or asked.marker.evaluate():
            found.append(asked)
    return found


def _made(folder: Path, found: tuple[str, ...], cache: Path) -> Path:
    """Return the interpreter of the environment made from the model's requirements, made now if need be."""
    text = (folder / "requirements.txt").read_text("utf-8")
    foreign = next((line.strip() for line in text.splitlines() if line.strip().startswith("-")), None)
    because = f"the model asks for {'; '.join(found)}"
    if foreign is not None:
        raise ModelError(
            f"{because}, and its requirements carry the option {foreign!r}, which is not followed",
            next="make the environment yourself and give its interpreter: --environment PATH",
        )
    interpreter = _interpreter(folder)
    key = hashlib.sha256(f"{interpreter}\n{text}".encode()).hexdigest()[:16]
    place = cache / key
    python = place / "bin" / "python"
    if (place / "complete").is_file() and python.is_file():
        return python
    shutil.rmtree(place, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    # What loads a model is needed there, whatever its requirements say; what they say goes first.
    names = {one.name.lower() for one in _requirements(folder)}
    more = [
        name
        for name, given in (("mlflow-skinny", "mlflow"), ("pandas", "pandas"), ("pyarrow", "pyarrow"))
        if not names & {name, given}
    ]
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    commands = [
        [interpreter, "-m", "venv", str(place)],
        [*install, "-r", str(folder / "requirements.txt"), *more],
    ]
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_MINUTES * 60, check=False)
        except subprocess.TimeoutExpired:
            raise _unmade(because, f"it took longer than {_MINUTES} minutes") from None
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
            raise _unmade(because, lines[-1][:200] if lines else f"exit code {done.returncode}")
    (place / "complete").touch()
    return python


def _unmade(because: str, why: str) -> ModelError:
    return ModelError(
        f"{because}, and an environment with that could not be made ({why})",
        next="give an interpreter that has it (--environment PATH), or --environment here to run the model as it is",
    )


def _interpreter(folder: Path) -> str:
    """Return an interpreter of the model's minor version of Python where there is one, else ours."""
    asked = python_of(folder)
    if asked is None or asked.split(".")[:2] == platform.python_version().split(".")[:2]:
        return sys.executable
    return shutil.which(f"python{'.'.join(asked.split('.')[:2])}") or sys.executable


def python_of(folder: Path) -> str | None:
    """Return the version of Python that a model was saved under; None where it does not say."""
    file = folder / "python_env.yaml"
    content: Any = yaml.safe_load(file.read_text("utf-8")) if file.is_file() else None
    return str(content["python"]) if isinstance(content, dict) and "python" in content else None


def user_cache() -> Path:
    """Return the folder for what can be made again, outside of any project."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "nbdeploy"
