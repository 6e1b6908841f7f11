"""Tallies as bytes: named arrays in an Arrow stream, with what they are in its schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nbdeploy.errors import FormatError

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
    try:
        table = pa.ipc.open_stream(pa.py_buffer(data)).read_all()
        described = json.loads((table.schema.metadata or {})[b"nbdeploy.tally"])
        fits = described["kind"] == kind and described["version"] == _VERSION
        arrays = {
            name: np.asarray(table.column(name)[0].values).reshape(shape)
            for name, shape in (described["shapes"].items() if fits else ())
        }
    except (pa.ArrowInvalid, pa.ArrowException, KeyError, ValueError, TypeError) as error:
        raise FormatError(f"these bytes are no tally ({type(error).__name__})") from None
    if not fits:
        raise FormatError(f"these bytes are a tally of {described['kind']!r}, version {described['version']}")
    return described["about"], arrays
