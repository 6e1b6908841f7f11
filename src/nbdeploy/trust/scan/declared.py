"""What a model's own texts ask for: ``MLmodel``, requirements and environments, read without loading anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from nbdeploy.trust.scan.archives import named_finding
from nbdeploy.trust.scan.finding import ScanFinding
from nbdeploy.trust.scan.packages import Asked
from nbdeploy.trust.scan.texts import read_yaml
from nbdeploy.trust.scan.values import Named

LOADERS = re.compile(r"mlflow\.(sklearn|xgboost|lightgbm|catboost|onnx|statsmodels|prophet|pmdarima|pyfunc\.model)")
"""MLflow's loaders whose files are looked into here."""
_OPAQUE = re.compile(r"mlflow\.\w+")

_CLASSES = ("model_class", "model_type", "skops_trusted_types", "trusted")
"""Keys whose values are names that MLflow imports, or lets skops import."""
_PICKLED = ("pickled_model", "python_model")
_PICKLING = ("statsmodels", "pmdarima")
_FROM_ELSEWHERE = ("uri", "artifact_uri", "source", "config", "model_config")
"""Keys that tell where something came from, or what the model itself is given: no loader opens them."""


@dataclass
class Declared:
    """What a model's texts say.

    Attributes
    ----------
    pickles, onnx
        Files that are loaded as such, whatever their names.
    models
        Files that hold the model itself.
    asked
        Packages.
    """

    findings: list[ScanFinding] = field(default_factory=list)
    models: set[str] = field(default_factory=set)
    pickles: set[str] = field(default_factory=set)
    onnx: set[str] = field(default_factory=set)
    asked: Asked = field(default_factory=Asked)


def read_declared(folder: Path) -> Declared:
    """Read the texts at the root of a model's folder, and those that ``MLmodel`` names as its environment."""
    found = Declared()
    content = _read(folder, "MLmodel", found)
    flavors = _flavors(content)
    for name, told in flavors.items():
        found.findings += _flavor(name, told)
        _files(name, told, found)
    found.findings += _outside(flavors)
    found.asked.read_requirements(folder / "requirements.txt", "requirements.txt")
    conda, python = _environments(flavors)
    for name in sorted(conda):
        found.asked.read_conda(_read(folder, name, found), name)
    for name in sorted(python):
        found.asked.read_python(_read(folder, name, found), name)
    found.findings += found.asked.findings
    return found


def _flavors(content: Any) -> dict[str, dict[str, Any]]:
    told = content.get("flavors") if isinstance(content, dict) else None
    return {str(name): one for name, one in told.items() if isinstance(one, dict)} if isinstance(told, dict) else {}


def _read(folder: Path, name: str, found: Declared) -> Any:
    path = folder / name
    if _escapes(name) or not path.is_file():
        return None
    content, problems = read_yaml(path, name)
    found.findings += problems
    return content


def _flavor(name: str, told: Mapping[str, Any]) -> Iterator[ScanFinding]:
    loader = told.get("loader_module")
    if loader is not None and not LOADERS.fullmatch(str(loader)):
        says = (
            "its files may name code, and are not looked into"
            if _OPAQUE.fullmatch(str(loader))
            else "it is loaded by a module of its own"
        )
        yield ScanFinding("MLmodel", "loader", says, str(loader))
    for key in ("code", "model_code_path"):
        if told.get(key):
            yield ScanFinding("MLmodel", "code", f"the flavour {name} brings code", str(told[key]))
    for key in _CLASSES:
        value = told.get(key)
        for text in value if isinstance(value, (list, tuple)) else (value,) if value else ():
            module, _, attribute = str(text).rpartition(".")
            if module:
                yield from named_finding("MLmodel", Named(module, attribute))


def _files(name: str, told: Mapping[str, Any], found: Declared) -> None:
    for key in (*_PICKLED, "model_path", "data"):
        value = told.get(key)
        if not isinstance(value, str):
            continue
        path = PurePosixPath(value).as_posix()
        found.models.add(path)
        if key in _PICKLED or (key == "data" and name in _PICKLING):
            found.pickles.add(path)
        if name == "onnx":
            found.onnx.add(path)


def _environments(flavors: Mapping[str, Mapping[str, Any]]) -> tuple[set[str], set[str]]:
    """Return the files of conda and of Python environments: the usual ones, and those that a flavour names instead."""
    conda, python = {"conda.yaml"}, {"python_env.yaml"}
    for told in flavors.values():
        env = told.get("env")
        if isinstance(env, str):
            conda.add(env)
        elif isinstance(env, Mapping):
            conda |= {str(env["conda"])} if "conda" in env else set()
            python |= {str(env["virtualenv"])} if "virtualenv" in env else set()
    return conda, python


def _outside(flavors: Mapping[str, Any]) -> Iterator[ScanFinding]:
    """Yield a finding for each value that leads out of the model's folder: loaders join it to the folder's path."""
    seen: set[int] = set()
    open_: list[tuple[str, Any]] = list(flavors.items())
    while open_:
        key, value = open_.pop()
        if key in _FROM_ELSEWHERE:
            continue
        if isinstance(value, (dict, list)):
            if id(value) in seen:  # an alias may lead back to itself
                continue
            seen.add(id(value))
            open_ += [(str(inner), one) for inner, one in value.items()] if isinstance(value, dict) else []
            open_ += [(key, one) for one in value] if isinstance(value, list) else []
        elif isinstance(value, str) and _escapes(value):
            yield ScanFinding("MLmodel", "path", f"{key} leads out of the model", value)


def _escapes(text: str) -> bool:
    where = PurePosixPath(text.replace("\\", "/"))
    return where.is_absolute() or ".." in where.parts or text.startswith(("~", "file:")) or "\0" in text
