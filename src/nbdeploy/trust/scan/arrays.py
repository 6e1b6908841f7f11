"""The raw arrays that joblib writes between the opcodes of a pickle: bytes to step over, and no opcodes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from nbdeploy.trust.scan.stream import Stream
from nbdeploy.trust.scan.values import Made, Named

_WRAPPER = Named("joblib.numpy_pickle", "NumpyArrayWrapper")


def is_joblib_array(made: Made) -> bool:
    """Whether it is the wrapper that stands before an array's bytes."""
    return made.callable == _WRAPPER or (isinstance(made.arguments, tuple) and _WRAPPER in made.arguments)


def step_over(stream: Stream, state: Any, nested: Callable[[], None]) -> None:
    """Step over the bytes of an array, which joblib writes behind the opcode that fills its wrapper.

    See ``NumpyArrayWrapper.read_array`` in joblib's ``numpy_pickle.py``.

    Parameters
    ----------
    state
        What the wrapper was filled with.
    nested
        Follows a pickle: an array of objects is one.
    """
    shape, dtype = state["shape"], state["dtype"]
    size = _item_size(dtype)
    if size is None:
        nested()
        return
    if state.get("numpy_array_alignment_bytes") is not None:
        stream.skip(stream.read(1)[0])
    stream.skip(size * math.prod(shape))


def _item_size(dtype: Any) -> int | None:
    """Return the bytes of one element of a pickled ``numpy.dtype``; None for objects."""
    if not isinstance(dtype, Made) or not isinstance(dtype.arguments, tuple):
        raise ValueError("an array of no known type")  # noqa: TRY004 - damage to a file, as below
    match = re.fullmatch(r"[<>|=]?([a-zA-Z])(\d+)", str(dtype.arguments[0]))
    if match is None:
        raise ValueError("an array of no known type")
    if match[1] == "O":
        return None
    size = int(match[2]) * (4 if match[1] == "U" else 1)
    _check_state(dtype.state, size, plain=match[1] != "V")
    return size


def _check_state(state: Any, size: int, *, plain: bool) -> None:
    """Refuse a type that was filled so that it holds objects, or elements of another size than its name says.

    The state is ``(version, order, subtype, names, fields, size, alignment, flags, …)``; -1 leaves a size as it is, and
    the lowest bit of the flags (``NPY_ITEM_HASOBJECT``) says that there are objects.
    """
    if state is None and plain:
        return
    whole = isinstance(state, tuple) and len(state) >= 8 and isinstance(state[7], int) and isinstance(state[5], int)
    if not whole or state[7] & 1 or state[5] not in (-1, size):
        raise ValueError("an array of no known type")
