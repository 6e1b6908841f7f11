"""What an MLflow model folder says of itself, read without importing MLflow, which takes longer than most models."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

_WIDEST = 100_000
"""Columns of a matrix: what a file from outside says beyond is no width of a table."""


@dataclass(frozen=True)
class Described:
    """The parts of ``MLmodel`` that matter for asking a model.

    Attributes
    ----------
    flavors
        By name, ``python_function`` among them.
    inputs
        Names of the input columns; None where the signature names none.
    types
        Their types, in MLflow's words: ``double``, ``long``, ``string``…; of one matrix without names, a type such as
        ``float32`` for each of its columns; empty where neither is told.
    outputs
        Type of each column of the answer; one without a name is called ``answer``.
    """

    flavors: Mapping[str, Any]
    inputs: tuple[str, ...] | None
    types: tuple[str, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def flavor(self) -> str:
        """The flavour that the model was saved with."""
        return next((name for name in self.flavors if name != "python_function"), "python_function")


def described(folder: Path) -> Described:
    """Read ``MLmodel``.

    Raises
    ------
    ValueError
        It is not what MLflow writes, or names files outside of the folder.
    """
    try:
        content = yaml.safe_load((folder / "MLmodel").read_text("utf-8"))
    except RecursionError:
        raise ValueError("its MLmodel file is nested without end") from None
    flavors = content.get("flavors") if isinstance(content, dict) else None
    if not isinstance(flavors, dict) or not all(isinstance(one, dict) for one in flavors.values()):
        raise ValueError("its MLmodel file names no flavor")
    _refuse_outside(flavors)
    signature = content.get("signature")
    inputs, outputs = (_stated(signature, side) for side in ("inputs", "outputs"))
    answered = {
        str(one.get("name") or ("answer" if len(outputs) == 1 else f"answer {place}")): _type(one)
        for place, one in enumerate(outputs, 1)
    }
    if not inputs or not all(one.get("name") for one in inputs):
        return Described(flavors, None, _matrix(inputs), answered)
    names, types = ([str(one.get(key)) for one in inputs] for key in ("name", "type"))
    return Described(flavors, tuple(names), tuple(types), answered)


def _stated(signature: Any, side: str) -> list[dict[str, Any]]:
    """Return the columns of one side of a signature; none where it does not say, or says something else."""
    stated = signature.get(side) if isinstance(signature, dict) else None
    found = json.loads(stated) if isinstance(stated, str) else stated
    return found if isinstance(found, list) and all(isinstance(one, dict) for one in found) else []


def _matrix(inputs: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return the type of each column of a model that takes one matrix, as PyTorch's ``pt2`` does; else nothing."""
    spec = inputs[0].get("tensor-spec") if len(inputs) == 1 else None
    if not isinstance(spec, dict):
        return ()
    shape = spec.get("shape")
    if not isinstance(shape, list) or len(shape) != 2 or not isinstance(shape[1], int) or not 0 < shape[1] <= _WIDEST:
        return ()
    return (str(spec.get("dtype")),) * shape[1]


def _type(column: Mapping[str, Any]) -> str:
    spec = column.get("tensor-spec")
    return f"{spec.get('dtype')} {spec.get('shape')}" if isinstance(spec, dict) else str(column.get("type"))


def _refuse_outside(flavors: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a flavour that names a file outside of the folder: none of the bytes that were digested and approved."""
    for flavor in flavors.values():
        for value in flavor.values():
            if isinstance(value, str) and (value.startswith("/") or ".." in PurePosixPath(value).parts):
                raise ValueError(f"its MLmodel file names {value!r}, which is not in the folder")


def pickled_estimator(folder: Path, flavor: Mapping[str, Any]) -> Any | None:
    """Load what ``mlflow.sklearn`` stored, as it does; None where it takes more than reading a pickle."""
    plain = flavor.get("serialization_format") in ("cloudpickle", "pickle") and not flavor.get("code")
    name = flavor.get("pickled_model")
    if not plain or not isinstance(name, str):
        return None
    with (folder / name).open("rb") as stream:
        return pickle.load(stream)  # noqa: S301 - the model is code; it runs in a process of its own


def needs_mlflow(folder: Path) -> bool:
    """Whether the model in a folder is of another kind than a pickled scikit-learn estimator, or is none."""
    try:
        flavors = described(folder).flavors
    except (OSError, ValueError, yaml.YAMLError):
        return True
    own = flavors.get("sklearn") or {}
    return own.get("serialization_format") not in ("cloudpickle", "pickle") or bool(own.get("code"))
