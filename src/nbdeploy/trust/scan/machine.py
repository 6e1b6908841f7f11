"""What each opcode of a pickle does to the stack, with inert values in the place of objects.

As the unpickler does it (`pickle` in the standard library; opcodes from `pickletools`). So a name that is taken from
the memo is found like one that is written out.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any

from nbdeploy.trust.scan.arrays import is_joblib_array, step_over
from nbdeploy.trust.scan.names import WHOLE
from nbdeploy.trust.scan.stream import Stream
from nbdeploy.trust.scan.values import Behaviour, Made, Named

_SUBIMPORT = Named("cloudpickle.cloudpickle", "subimport")
_MARK = object()
_OPAQUE = object()
"""A value that decides nothing."""


class Machine:
    """The stack and the memo of one pickle.

    Parameters
    ----------
    nested
        Follows a pickle inside of this one, from where the stream stands; raises ValueError where it is broken.
    joblib
        Whether arrays stand between the opcodes.
    """

    def __init__(self, stream: Stream, found: Behaviour, nested: Callable[[], None], *, joblib: bool) -> None:
        self._stream = stream
        self._nested = nested
        self._joblib = joblib
        self._found = found
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Do what an opcode does to the stack."""
        act = _ACTS.get(name)
        if act is not None:
            act(self, argument)
        elif name not in _NOTHING:
            self._stack.append(argument if name in _VALUES else _OPAQUE)

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise ValueError("a mark stands where a value should")
        return value

    def _pop_to_mark(self) -> tuple[Any, ...]:
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place] is _MARK:
                values = tuple(self._stack[place + 1 :])
                del self._stack[place:]
                return values
        raise ValueError("no mark on the stack")

    def _look_up(self, module: Any, name: Any) -> Named | object:
        for text in (module, name):
            if isinstance(text, Made):
                self._found.makers.add(_root(text))
                return _OPAQUE
            if type(text) is not str:
                raise ValueError("a name that is no text")
        found = Named(module, name)
        self._found.names.add(found)
        return found

    def _call(self, callable_: Any, arguments: Any) -> None:
        if not isinstance(callable_, (Named, Made)):
            raise ValueError("what is called is no name")  # noqa: TRY004 - damage to a file, as all here
        self._found.calls += 1
        if callable_ == _SUBIMPORT:
            self._imported(arguments)
        self._stack.append(Made(callable_, arguments))

    def _imported(self, arguments: Any) -> None:
        """Note the module that cloudpickle is asked for, as code in a notebook names `np` or `os`."""
        if isinstance(arguments, tuple) and len(arguments) == 1 and type(arguments[0]) is str:
            self._found.names.add(Named(arguments[0], WHOLE))
        else:
            self._found.makers.add(None)

    # Opcodes ----------------------------------------------------------------------------------------------------------

    def mark(self, _: Any) -> None:
        self._stack.append(_MARK)

    def pop(self, _: Any) -> None:
        self._stack.pop()

    def pop_mark(self, _: Any) -> None:
        self._pop_to_mark()

    def dup(self, _: Any) -> None:
        self._stack.append(self._stack[-1])

    def tuple_of(self, count: int) -> None:
        values = tuple(self._pop() for _ in range(count))
        self._stack.append(values[::-1])

    def tuple_to_mark(self, _: Any) -> None:
        self._stack.append(self._pop_to_mark())

    def opaque_to_mark(self, _: Any) -> None:
        self._pop_to_mark()
        self._stack.append(_OPAQUE)

    def add_one(self, _: Any) -> None:
        self._pop()

    def dict_empty(self, _: Any) -> None:
        self._stack.append({})

    def dict_to_mark(self, _: Any) -> None:
        values = self._pop_to_mark()
        self._stack.append(_pairs(values))

    def set_item(self, _: Any) -> None:
        value, key = self._pop(), self._pop()
        self._fill((key, value))

    def set_items(self, _: Any) -> None:
        self._fill(self._pop_to_mark())

    def _fill(self, values: tuple[Any, ...]) -> None:
        if isinstance(self._stack[-1], dict):
            self._stack[-1].update(_pairs(values))

    def global_(self, argument: str) -> None:
        parts = argument.split(" ")
        if len(parts) != 2:
            raise ValueError("a name with a space in it")
        self._stack.append(self._look_up(*parts))

    def stack_global(self, _: Any) -> None:
        name, module = self._pop(), self._pop()
        self._stack.append(self._look_up(module, name))

    def inst(self, argument: str) -> None:
        arguments = self._pop_to_mark()
        self.global_(argument)
        self._call(self._stack.pop(), arguments)

    def obj(self, _: Any) -> None:
        made, *arguments = self._pop_to_mark()
        self._call(made, tuple(arguments))

    def reduce(self, _: Any) -> None:
        arguments, callable_ = self._pop(), self._pop()
        self._call(callable_, arguments)

    def newobj_ex(self, _: Any) -> None:
        self._pop()
        self.reduce(None)

    def extension(self, _: Any) -> None:
        self._found.makers.add(None)  # a number that stands for a name, in a table of the process that loads
        self._stack.append(_OPAQUE)

    def persistent(self, _: Any) -> None:
        self._pop()
        self._stack.append(_OPAQUE)

    def put(self, place: int) -> None:
        self._memo[place] = self._stack[-1]

    def memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def get(self, place: int) -> None:
        self._stack.append(self._memo[place])

    def build(self, _: Any) -> None:
        state, made = self._pop(), self._stack[-1]
        if isinstance(made, Made):
            made.state = state
            if is_joblib_array(made):
                self._found.arrays = True
                if self._joblib:
                    step_over(self._stream, state, self._nested)


def _root(made: Made) -> Named | None:
    """Return the name that a chain of calls began with."""
    while isinstance(made.callable, Made):
        made = made.callable
    return made.callable if isinstance(made.callable, Named) else None


def _pairs(values: tuple[Any, ...]) -> dict[str, Any]:
    """Keep what is under a text, as the states of objects are."""
    return {key: value for key, value in zip(values[::2], values[1::2], strict=True) if type(key) is str}


_NOTHING = frozenset({"PROTO", "FRAME", "STOP", "READONLY_BUFFER"})
_VALUES = frozenset(
    opcode.name
    for opcode in pickletools.opcodes
    if opcode.name == "NONE"
    or opcode.name.endswith(("UNICODE", "UNICODE8", "STRING", "INT", "INT1", "INT2", "LONG", "LONG1", "LONG4"))
)
_ACTS: dict[str, Callable[[Machine, Any], None]] = {
    "MARK": Machine.mark,
    "POP": Machine.pop,
    "POP_MARK": Machine.pop_mark,
    "DUP": Machine.dup,
    "EMPTY_TUPLE": lambda machine, _: machine.tuple_of(0),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "TUPLE": Machine.tuple_to_mark,
    "LIST": Machine.opaque_to_mark,
    "FROZENSET": Machine.opaque_to_mark,
    "APPEND": Machine.add_one,
    "APPENDS": Machine.pop_mark,
    "ADDITEMS": Machine.pop_mark,
    "EMPTY_DICT": Machine.dict_empty,
    "DICT": Machine.dict_to_mark,
    "SETITEM": Machine.set_item,
    "SETITEMS": Machine.set_items,
    "GLOBAL": Machine.global_,
    "STACK_GLOBAL": Machine.stack_global,
    "INST": Machine.inst,
    "OBJ": Machine.obj,
    "REDUCE": Machine.reduce,
    "NEWOBJ": Machine.reduce,
    "NEWOBJ_EX": Machine.newobj_ex,
    "EXT1": Machine.extension,
    "EXT2": Machine.extension,
    "EXT4": Machine.extension,
    "PERSID": lambda machine, _: machine._stack.append(_OPAQUE),  # noqa: SLF001 - the table belongs to the machine
    "BINPERSID": Machine.persistent,
    "PUT": Machine.put,
    "BINPUT": Machine.put,
    "LONG_BINPUT": Machine.put,
    "MEMOIZE": Machine.memoize,
    "GET": Machine.get,
    "BINGET": Machine.get,
    "LONG_BINGET": Machine.get,
    "BUILD": Machine.build,
}
