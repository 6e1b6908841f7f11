"""The model's own environment: whether it differs from ours, and where it is or is made."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from nbdeploy.errors import ModelError
from nbdeploy.validate.subject.requirements import Asked, applies, asked_by, canonical, pinned

DECISIVE = {
    "scikit-learn": (),
    "xgboost": ("xgboost-cpu",),
    "lightgbm": (),
    "catboost": (),
    "torch": (),
    "tensorflow": ("tensorflow-cpu", "tensorflow-intel", "tensorflow-macos"),
    "keras": (),
    "onnxruntime": ("onnxruntime-gpu",),
    "statsmodels": (),
    "spacy": (),
    "prophet": (),
    "h2o": (),
    "transformers": (),
}
"""Packages that models are made of, with other builds of the same. One in another minor version may load a model and
answer otherwise."""

_MINUTES = 20
_NEEDED = {"mlflow-skinny": "mlflow", "pandas": "pandas", "pyarrow": "pyarrow"}
"""What loads and asks a model, whatever its requirements say, unless those name this or the package beside it."""


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
        ``auto``: here, unless a package that models are made of differs in its minor version or is not installed, or a
        pickle was written by another minor version of Python; then in an environment made from the model's
        requirements, once. ``here``; or the path of an interpreter.
    cache
        Folder of environments that were made.

    Raises
    ------
    ModelError
        The environment is not there, or could not be made; or what the model asks for cannot be read.
    """
    asked = asked_by(folder)
    found = _differences(asked)
    if wanted == "here" or (wanted == "auto" and not found):
        return Environment(None, found)
    if wanted == "auto":
        return Environment(_made(asked, f"the model asks for {'; '.join(found)}", cache), found)
    python = Path(wanted)
    python = python / "bin" / "python" if python.is_dir() else python
    if not python.is_file():
        raise ModelError(f"there is no Python at {wanted}", next="give --environment auto, here, or a path")
    return Environment(python.absolute(), found)


def differences(folder: Path) -> tuple[str, ...]:
    """Return in words what a model asks for and this environment does not have.

    Raises
    ------
    ModelError
        What it asks for cannot be read.
    """
    return _differences(asked_by(folder))


def _differences(asked: Asked) -> tuple[str, ...]:
    told = [words for one in asked.packages if applies(one) and (words := _difference(one)) is not None]
    if asked.python is not None and asked.python != _minor():
        told.append(f"Python {asked.python}, which wrote its pickle, while this is {_minor()}")
    return tuple(told)


def _difference(asked: Requirement) -> str | None:
    builds = {other: (name, *others) for name, others in DECISIVE.items() for other in (name, *others)}
    known = builds.get(canonical(asked.name))
    if known is None:
        return None
    here = next((found for name in known if (found := _version(name)) is not None), None)
    if here is None:
        return f"{asked} is not installed here"
    if asked.specifier.contains(here, prereleases=True) or _same_minor(pinned(asked), here):
        return None
    return f"{asked} while {here} is installed here"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _same_minor(pin: str | None, here: str) -> bool:
    """Return whether an exact pin names another patch of the version that is here."""
    try:
        return pin is not None and Version(pin).release[:2] == Version(here).release[:2]
    except InvalidVersion:
        return False


def _minor() -> str:
    return ".".join(platform.python_version_tuple()[:2])


def _made(asked: Asked, because: str, cache: Path) -> Path:
    """Return the interpreter of the environment made from what a model asks for, made now if need be."""
    if asked.others:
        raise ModelError(
            f"{because}, and its requirements hold {asked.others[0]!r}, which is not followed",
            next="make the environment yourself and give its interpreter: --environment PATH",
        )
    interpreter = _interpreter(asked.python, because)
    names = {canonical(one.name) for one in asked.packages}
    packages = [str(one) for one in asked.packages]
    packages += [name for name, whole in _NEEDED.items() if not names & {name, whole}]
    key = hashlib.sha256("\n".join([interpreter, *sorted(packages)]).encode()).hexdigest()[:16]
    place = cache / key
    python = place / "bin" / "python"
    with _alone(cache, key):
        if not ((place / "complete").is_file() and python.is_file()):
            shutil.rmtree(place, ignore_errors=True)
            _make(interpreter, place, packages, because)
            (place / "complete").touch()
    return python


def _make(interpreter: str, place: Path, packages: list[str], because: str) -> None:
    python = str(place / "bin" / "python")
    for command in (
        [interpreter, "-m", "venv", str(place)],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", *packages],
        [python, "-c", "import mlflow.pyfunc, pandas, pyarrow"],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_MINUTES * 60, check=False)
        except subprocess.TimeoutExpired:
            raise _unmade(because, f"it took longer than {_MINUTES} minutes") from None
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
            raise _unmade(because, lines[-1][:200] if lines else f"exit code {done.returncode}")


@contextmanager
def _alone(cache: Path, key: str) -> Iterator[None]:
    """Let one process at a time make an environment; the others then find it made. A dead process holds no lock."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{key}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _unmade(because: str, why: str) -> ModelError:
    return ModelError(
        f"{because}, and an environment with that could not be made ({why})",
        next="give an interpreter that has it (--environment PATH), or --environment here to run the model as it is",
    )


def _interpreter(wanted: str | None, because: str) -> str:
    """Return an interpreter of the minor version that is wanted, ours where none is.

    Raises
    ------
    ModelError
        There is none: a pickle is not read by another Python than wrote it unless somebody says so.
    """
    if wanted is None or wanted == _minor():
        return sys.executable
    found = shutil.which(f"python{wanted}")
    if found is not None:
        told = [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        # A name on the path may be a version manager's, which knows the version and does not have it at hand.
        done = subprocess.run(told, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode == 0 and done.stdout.strip() == wanted:
            return found
    raise _unmade(because, f"there is no python{wanted} here")


def user_cache() -> Path:
    """Return the folder for what can be made again, outside of any project."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "nbdeploy"
