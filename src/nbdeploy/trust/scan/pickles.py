"""What a pickle would do when it is loaded, found by reading its opcodes and running none of them."""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from typing import IO, Any, cast

from nbdeploy.trust.scan.machine import Machine
from nbdeploy.trust.scan.stream import UNPACKING_ERRORS, LimitError, Stream
from nbdeploy.trust.scan.values import Behaviour

MOST_OPCODES = 20_000_000
"""A model of more opcodes is not looked through: reading them would take minutes."""
MOST_HELD = 1 << 20
"""Bytes of one value; a larger one is stepped over, for it is an array or a text and no name."""

_OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}
# Opcodes whose value stands behind its length, with the bytes of that length.
_COUNTED = {
    "BINBYTES": 4,
    "BINBYTES8": 8,
    "BYTEARRAY8": 8,
    "BINSTRING": 4,
    "BINUNICODE": 4,
    "BINUNICODE8": 8,
    "LONG4": 4,
}

_DAMAGE = (
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
    *UNPACKING_ERRORS,
)
"""What reading a pickle raises that was damaged, on purpose or by accident."""


def follow(stream: Stream, behaviour: Behaviour | None = None, *, joblib: bool = True) -> Behaviour:
    """Follow one pickle to its STOP, and say what it would look up and call.

    Parameters
    ----------
    behaviour
        Filled further.
    joblib
        Whether it is read as joblib does, with arrays between the opcodes, or as the standard library does.

    Raises
    ------
    LimitError
        It is longer than is looked through.
    """
    found = behaviour if behaviour is not None else Behaviour()

    def nested() -> None:
        # joblib gives an array of objects to the standard library, which knows nothing of arrays between opcodes.
        if follow(stream, found, joblib=False).broken:
            raise ValueError(found.broken)

    machine = Machine(stream, found, nested, joblib=joblib)
    try:
        for name, argument in _opcodes(stream):
            found.opcodes += 1
            machine.step(name, argument)
            if found.opcodes >= MOST_OPCODES:
                break
    except _DAMAGE as error:
        # Opcodes before this one would have been executed.
        found.broken = (str(error).splitlines() or [type(error).__name__])[0][:120]
    if found.opcodes >= MOST_OPCODES:
        raise LimitError(f"it holds more than {MOST_OPCODES:,} pickle opcodes")
    return found


def _opcodes(stream: Stream) -> Iterator[tuple[str, Any]]:
    """Yield opcodes with their arguments to the first STOP, as `pickletools.genops` does, without holding large ones.

    Raises
    ------
    ValueError
        A byte is no opcode, or the stream ends too early.
    """
    while True:
        code = stream.read(1)
        opcode = _OPCODES.get(code.decode("latin-1"))
        if opcode is None:
            raise ValueError(f"{code!r} is no opcode" if code else "it ends before it stops")
        width = _COUNTED.get(opcode.name)
        if width is not None:
            argument = _counted(stream, opcode.name, width)
        else:
            # It asks no more of a file than read and readline.
            argument = None if opcode.arg is None else opcode.arg.reader(cast("IO[bytes]", stream))
        yield opcode.name, argument
        if code == b".":
            return


def _counted(stream: Stream, name: str, width: int) -> Any:
    length = stream.read(width)
    size = int.from_bytes(length, "little")
    if len(length) < width or (name in ("BINSTRING", "LONG4") and size >= 1 << 31):
        raise ValueError("a length is damaged")
    if size > MOST_HELD:
        stream.skip(size)
        return None
    data = stream.read(size)
    if len(data) < size:
        raise ValueError("the file ends inside a value")
    if name == "LONG4":
        return int.from_bytes(data, "little", signed=True)
    return data.decode("utf-8", "surrogatepass") if "UNICODE" in name else data.decode("latin-1")
