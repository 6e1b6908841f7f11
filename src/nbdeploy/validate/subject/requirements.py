"""What a model asks of the environment that it runs in: the files beside it, and what its flavours were saved with.

The files come from outside and are read here, in the runner: whatever is in them is an answer or one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement

from nbdeploy.errors import ModelError
from nbdeploy.validate.subject.mlmodel import described

_FLAVOURS = {
    "sklearn": ("scikit-learn", "sklearn_version"),
    "xgboost": ("xgboost", "xgb_version"),
    "lightgbm": ("lightgbm", "lgb_version"),
    "catboost": ("catboost", "catboost_version"),
    "pytorch": ("torch", "pytorch_version"),
    "statsmodels": ("statsmodels", "statsmodels_version"),
    "spacy": ("spacy", "spacy_version"),
    "prophet": ("prophet", "prophet_version"),
    "h2o": ("h2o", "h2o_version"),
    "onnx": ("onnxruntime", ""),
}
"""The package that runs each flavour, and where its ``MLmodel`` says the version that it was saved with."""

_PICKLES = {".pkl", ".pickle", ".joblib", ".cloudpickle"}


@dataclass(frozen=True)
class Asked:
    """What a model asks for.

    Attributes
    ----------
    packages
        With their markers, which another Python may answer otherwise than this one: see `applies`.
    others
        Lines that name no package of an index: options, addresses, paths.
    python
        The minor version of Python, such as ``3.11``, that pickles among its files were written by; None without any.
    """

    packages: tuple[Requirement, ...]
    others: tuple[str, ...] = ()
    python: str | None = None


def asked_by(folder: Path) -> Asked:
    """Read what a model asks for.

    A flavour's version counts where the files do not pin one: a pickle is read by what wrote it.

    Raises
    ------
    ModelError
        A file is not what MLflow writes.
    """
    lines = [(line, _requirement(line)) for line in _lines(folder)]
    packages = [asked for _, asked in lines if asked is not None]
    for name, version in _saved_with(folder):
        given = [one for one in packages if canonical(one.name) == name and applies(one)]
        if not given or (version and all(pinned(one) is None for one in given)):
            packages = [one for one in packages if one not in given]
            packages.append(Requirement(f"{name}=={version}" if version else name))
    others = tuple(line for line, asked in lines if asked is None)
    return Asked(tuple(packages), others, _python(folder))


def canonical(name: str) -> str:
    """Return a package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(asked: Requirement) -> str | None:
    """Return the one version that a requirement allows; None where it allows several."""
    exact = [one.version for one in asked.specifier if one.operator in ("==", "===") and "*" not in one.version]
    return exact[0] if exact else None


def _lines(folder: Path) -> Iterator[str]:
    """Yield what is asked for, a line each, from ``requirements.txt`` or, where there is none, ``conda.yaml``."""
    file = folder / "requirements.txt"
    if not file.is_file():
        yield from _conda_lines(_yaml(folder / "conda.yaml"))
        return
    for line in _text(file).replace("\\\n", " ").splitlines():
        text = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        if text:
            yield text


def _conda_lines(content: Any) -> Iterator[str]:
    listed = content.get("dependencies") if isinstance(content, dict) else None
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict):
            yield from (str(line) for line in one.get("pip") or ())
        elif not re.match(r"(python|pip|setuptools|wheel)\b", str(one)):
            yield re.sub(r"(?<![=<>!~])=(?!=)", "==", str(one).partition("::")[2] or str(one))


def _requirement(line: str) -> Requirement | None:
    """Return what a line asks of an index; None for an option, an address or a path."""
    try:
        asked = Requirement(line)
    except InvalidRequirement:
        return None
    return None if asked.url else asked


def applies(asked: Requirement) -> bool:
    """Return whether a requirement is one on this system, by its marker."""
    try:
        return asked.marker is None or asked.marker.evaluate()
    except UndefinedEnvironmentName:  # a marker of an extra that nobody asked for
        return False


def _saved_with(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the package of each flavour with its version; the version is empty where it is not told."""
    try:
        flavors: Mapping[str, Any] = described(folder).flavors
    except (OSError, ValueError, yaml.YAMLError):  # loading it will say so
        return
    for flavor, (name, key) in _FLAVOURS.items():
        if flavor in flavors:
            version = str(flavors[flavor].get(key) or "")
            yield name, version if re.fullmatch(r"\d[\w.]*(\+[\w.]+)?", version) else ""
    if flavors.get("sklearn", {}).get("serialization_format") == "skops":
        yield "skops", ""


def _python(folder: Path) -> str | None:
    if not any(file.suffix in _PICKLES for file in folder.rglob("*")):
        return None
    content = _yaml(folder / "python_env.yaml")
    told = content.get("python") if isinstance(content, dict) else None
    if told is None:
        listed = _yaml(folder / "conda.yaml")
        dependencies = listed.get("dependencies") if isinstance(listed, dict) else None
        found = (re.match(r"python\s*=+\s*(.+)", str(one)) for one in dependencies or ())
        told = next((match[1] for match in found if match), None)
    match = re.match(r"(\d+\.\d+)(?:\.|$)", str(told))
    return match[1] if match else None


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ModelError(f"the model's {file.name} is no text") from None


def _yaml(file: Path) -> Any:
    if not file.is_file():
        return None
    try:
        return yaml.safe_load(_text(file))
    except (yaml.YAMLError, RecursionError):
        raise ModelError(f"the model's {file.name} is no YAML that can be read") from None
