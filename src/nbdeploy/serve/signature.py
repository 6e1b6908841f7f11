"""What a model folder says of its inputs: columns with names, or one matrix without."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_OF_MATRICES = {"float64": "double", "float32": "float", "int64": "long", "int32": "integer"}
"""MLflow's words for a matrix, and those for columns."""
_WIDEST = 100_000


@dataclass(frozen=True)
class SignedInputs:
    """The inputs of a signature.

    Attributes
    ----------
    columns
        As the signature has them: ``name``, ``type``, ``required``. Those of a matrix are called ``0``, ``1``, …
    matrix
        The model takes one matrix, as those do that were trained on an array: its columns have places and no names.
    """

    columns: tuple[Mapping[str, Any], ...]
    matrix: bool = False


def signed_inputs(content: Mapping[str, Any]) -> SignedInputs:
    """Return the inputs that an ``MLmodel`` file names; no columns where it names none."""
    inputs = json.loads((content.get("signature") or {}).get("inputs") or "[]")
    if len(inputs) == 1 and "name" not in inputs[0]:
        spec: Mapping[str, Any] = inputs[0].get("tensor-spec") or {}
        shape: list[int] = spec.get("shape", [])
        if len(shape) == 2 and 0 < shape[1] <= _WIDEST:
            kind = _OF_MATRICES.get(spec.get("dtype", ""))
            return SignedInputs(tuple({"name": str(place), "type": kind} for place in range(shape[1])), matrix=True)
    return SignedInputs(tuple(column for column in inputs if "name" in column))
