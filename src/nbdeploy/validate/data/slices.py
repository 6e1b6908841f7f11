"""Slices: ``age >= 65 and sex == 2``. Parsed, never evaluated as code."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from nbdeploy.documents.record import Scalar
from nbdeploy.errors import DataError, ObjectiveError, closest
from nbdeploy.validate.data.rows import kind_in_words

_CONDITION = re.compile(
    r"""\s*(?:`(?P<quoted>[^`]+)`|(?P<plain>[^\s=<>!`'"]+))   # a column; in backticks when its name has spaces
        \s*(?P<op>>=|<=|==|!=|>|<)
        \s*(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<bare>(?![=<>!])[^\s'"]+))\s*""",
    re.VERBOSE,
)
_AND = re.compile(r"and(?=\s)", re.IGNORECASE)
_TRUTH = {"true": True, "false": False}
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": pc.equal,
    "!=": pc.not_equal,
    ">=": pc.greater_equal,
    "<=": pc.less_equal,
    ">": pc.greater,
    "<": pc.less,
}


@dataclass(frozen=True)
class Condition:
    """``column OP value``."""

    column: str
    op: str
    value: Scalar


def parse_slice(text: str) -> tuple[Condition, ...]:
    """Read ``column OP value [and column OP value]…``; OP is ==, !=, >=, <=, > or <.

    A value is a number, True or False, or a text; a text with spaces stands in quotes, a column with spaces in
    backticks.

    Raises
    ------
    ObjectiveError
        Anything else.
    """
    conditions: list[Condition] = []
    place = 0
    while True:
        match = _CONDITION.match(text, place)
        if not match:
            break
        text_value = next((match[name] for name in ("single", "double") if match[name] is not None), None)
        value = text_value if text_value is not None else _value(match["bare"])
        conditions.append(Condition(match["quoted"] or match["plain"], match["op"], value))
        place = match.end()
        if place == len(text):
            return tuple(conditions)
        link = _AND.match(text, place)
        if not link:
            break
        place = link.end()
    raise ObjectiveError(
        f"the slice {text!r} cannot be read from {text[place:].strip()[:40]!r} on",
        next="write conditions such as: age >= 65 and sex == 2",
    )


def _value(text: str) -> Scalar:
    if text in ("True", "False"):
        return text == "True"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def slice_columns(text: str) -> tuple[str, ...]:
    """Return the columns that a slice reads."""
    return tuple(dict.fromkeys(condition.column for condition in parse_slice(text)))


def slice_mask(text: str, rows: pa.Table | pa.RecordBatch) -> Any:
    """Return for every row whether it lies in the slice; a missing value satisfies no condition.

    Raises
    ------
    DataError
        A column is not there, or a value is of another kind than the column.
    """
    mask: Any = None
    for condition in parse_slice(text):
        if condition.column not in rows.schema.names:
            raise DataError(
                f"the slice {text!r} names no column of the data: {condition.column!r}"
                f"{closest(condition.column, rows.schema.names)}"
            )
        found = pc.fill_null(_compare(condition, rows.column(condition.column)), False)
        mask = found if mask is None else pc.and_(mask, found)
    return mask


def nobody_in(text: str) -> DataError:
    """Return what is said where no row lies in a slice."""
    return DataError(f"no row lies in the slice {text!r}", next="widen the slice, or take the gate away")


def _compare(condition: Condition, column: pa.Array | pa.ChunkedArray) -> Any:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    value = condition.value
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        value = str(value)
    elif pa.types.is_boolean(column.type):
        value = _TRUTH.get(str(value).casefold(), value)
    try:
        scalar = pa.scalar(value)
        if pa.types.is_temporal(column.type) and isinstance(value, str):
            scalar = scalar.cast(column.type)
        return _OPERATORS[condition.op](column, scalar)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        raise DataError(
            f"column {condition.column!r} holds {kind_in_words(column.type)} and cannot be compared with "
            f"{condition.value!r}",
            next="write a value of the same kind, or take the gate away",
        ) from None
