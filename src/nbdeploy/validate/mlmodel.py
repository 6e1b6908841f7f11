"""What an MLflow model folder says of itself, read without importing MLflow, which takes longer than most models."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Described:
    """The parts of ``MLmodel`` that matter for asking a model.

    Attributes
    ----------
    flavors
        By name, ``python_function`` among them.
    inputs
        Names of the input columns; None where the signature names none.
    """

    flavors: Mapping[str, Any]
    inputs: tuple[str, ...] | None

    @property
    def flavor(self) -> str:
        """The flavour that the model was saved with."""
        return next((name for name in self.flavors if name != "python_function"), "python_function")


def described(folder: Path) -> Described:
    """Read ``MLmodel``.

    Raises
    ------
    ValueError
        It is not what MLflow writes.
    """
    content = yaml.safe_load((folder / "MLmodel").read_text("utf-8"))
    if not isinstance(content, dict) or not isinstance(content.get("flavors"), dict):
        raise ValueError("its MLmodel file names no flavor")  # noqa: TRY004 - a file is wrong, no argument
    stated = (content.get("signature") or {}).get("inputs")
    inputs = json.loads(stated) if isinstance(stated, str) else stated
    names = [one.get("name") for one in inputs] if isinstance(inputs, list) else []
    return Described(content["flavors"], tuple(map(str, names)) if names and all(names) else None)


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
