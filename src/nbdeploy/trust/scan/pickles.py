"""What a pickle would do when it is loaded, found by reading its opcodes and running none of them."""

from __future__ import annotations

import pickletools
from typing import IO, cast

from nbdeploy.trust.scan.machine import Machine
from nbdeploy.trust.scan.stream import LimitError, Stream
from nbdeploy.trust.scan.values import Behaviour

MOST_OPCODES = 20_000_000
"""A model of more opcodes is not looked through: reading them would take minutes."""

_DAMAGE = (
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    EOFError,
    OSError,
    RecursionError,
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
        if follow(stream, found, joblib=joblib).broken:
            raise ValueError(found.broken)

    machine = Machine(stream, found, nested, joblib=joblib)
    try:
        # It asks no more of a file than read, readline and tell.
        for opcode, argument, _ in pickletools.genops(cast("IO[bytes]", stream)):
            found.opcodes += 1
            machine.step(opcode.name, argument)
            if found.opcodes >= MOST_OPCODES:
                break
    except _DAMAGE as error:
        # Opcodes before this one would have been executed.
        found.broken = (str(error).splitlines() or [type(error).__name__])[0][:120]
    if found.opcodes >= MOST_OPCODES:
        raise LimitError(f"it holds more than {MOST_OPCODES:,} pickle opcodes")
    return found
