"""Tallies as bytes: named arrays in an Arrow stream, with what they are in its schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nbdeploy.errors import FormatError
from nbdeploy.stats.tally.levels import Group, group_order

_VERSION = 1


def packed(kind: str, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return arrays of any shapes, and what JSON holds about them, as bytes.

    Parameters
    ----------
    kind
        Read back only as the same.
    """
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    described = {"version": _VERSION, "kind": kind, "about": dict(about), "shapes": shapes}
    columns = {name: pa.array([np.ravel(array)]) for name, array in arrays.items()}
    table = pa.table(columns) if columns else pa.table({"none": pa.array([0])})
    table = table.replace_schema_metadata({"nbdeploy.tally": json.dumps(described)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def unpacked(kind: str, data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what `packed` was given.

    Raises
    ------
    FormatError
        These are no bytes of a tally of this kind and version.
    """
    with reading():
        table = pa.ipc.open_stream(pa.py_buffer(data)).read_all()
        described = json.loads((table.schema.metadata or {})[b"nbdeploy.tally"])
        if described["kind"] != kind or described["version"] != _VERSION:
            raise FormatError(f"these bytes are a tally of {described['kind']!r}, version {described['version']}")
        arrays = {
            name: np.asarray(table.column(name)[0].values).reshape(shape) for name, shape in described["shapes"].items()
        }
        return described["about"], arrays


@contextmanager
def reading() -> Iterator[None]:
    """Turn what goes wrong where bytes are taken apart into one error.

    Raises
    ------
    FormatError
        What was read is no tally.
    """
    try:
        yield
    except (pa.ArrowException, OSError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise FormatError(f"these bytes are no tally ({type(error).__name__})") from None


def told_groups(about: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[Group, ...]]:
    """Return features and groups as they were told.

    Raises
    ------
    FormatError
        They are not in order, or a group lacks a feature.
    """
    features = tuple(about["features"])
    groups = tuple(tuple(group) for group in about["groups"])
    if group_order(groups) != groups or any(len(group) != len(features) for group in groups):
        raise FormatError("the groups of a tally are not in order or not of its features")
    return features, groups


def require(fits: bool) -> None:
    """Refuse arrays that do not belong together.

    Raises
    ------
    FormatError
        They do not.
    """
    if not fits:
        raise FormatError("the arrays of a tally do not fit together")
