"""What a request's rows must look like: the model's signature and the objective's contract, checked once, by column."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import orjson

from nbdeploy.documents.objective import Column
from nbdeploy.documents.record import Scalar
from nbdeploy.errors import closest
from nbdeploy.serve.signature import signed_inputs

Kind = Literal["number", "integer", "text", "boolean", "date", "any"]

_FROM_SIGNATURE: dict[str, Kind] = {
    "double": "number",
    "float": "number",
    "long": "integer",
    "integer": "integer",
    "string": "text",
    "boolean": "boolean",
    "datetime": "date",
}
_LARGEST = {"double": sys.float_info.max, "float": 3.4028234663852886e38, "long": 2**63 - 1, "integer": 2**31 - 1}
"""The largest size of a number that a type of the signature holds."""
_FROM_CONTRACT: dict[str, Kind] = {
    "float": "number",
    "int": "integer",
    "str": "text",
    "bool": "boolean",
    "date": "date",
}
_WANTED: dict[Kind, str] = {
    "number": "a number",
    "integer": "a whole number",
    "text": "a text",
    "boolean": "true or false",
    "date": "a date such as 2026-11-01",
}


class BadInputError(Exception):
    """A request that no model should see. `status` is the HTTP answer, `column` the column at fault."""

    def __init__(self, status: int, sentence: str, column: str | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.column = column


@dataclass(frozen=True)
class Rows:
    """Checked rows, by column, in the model's order."""

    columns: Mapping[str, list[Any]]
    n: int
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """What every value of one column must satisfy."""

    name: str
    kind: Kind = "any"
    required: bool = True
    nullable: bool = True
    range: tuple[float, float] | None = None
    allowed: frozenset[Scalar] | None = None
    largest: float = sys.float_info.max

    def check(self, values: Sequence[Any]) -> list[Any]:
        """Return the values as the model takes them; BadInputError names column and row."""
        return [self._one(value, row) for row, value in enumerate(values)]

    def _one(self, value: Any, row: int) -> Any:
        if value is None or value != value:  # noqa: PLR0124 - NaN is the only value that is not itself
            if not self.nullable:
                raise self._bad(row, "is missing")
            return None
        taken = self._typed(value, row)
        if self.range is not None:
            if not _number(taken):
                raise self._bad(row, f"is {_short(value)}, not {_WANTED['number']}")
            if not self.range[0] <= taken <= self.range[1]:
                raise self._bad(row, f"is {_short(value)}, outside of {self.range[0]:g} to {self.range[1]:g}")
        if self.allowed is not None and (isinstance(taken, (list, dict)) or taken not in self.allowed):
            known = ", ".join(map(str, sorted(self.allowed, key=str)[:10]))
            raise self._bad(row, f"is {_short(value)}, which is none of {known}")
        return taken

    def _typed(self, value: Any, row: int) -> Any:
        if self.kind == "any":
            if isinstance(value, (list, dict)) and not _can_be_passed_on(value):
                raise self._bad(row, "is nested too deeply")
            return value
        if self.kind in ("number", "integer") and _number(value):
            if abs(value) > self.largest:
                raise self._bad(row, f"is {_short(value)}, larger than its type in the model's signature holds")
            if self.kind == "number":
                return float(value)
            if float(value).is_integer():
                return int(value)
        if (self.kind == "text" and isinstance(value, str)) or (self.kind == "boolean" and isinstance(value, bool)):
            return value
        if self.kind == "date" and isinstance(value, str) and _is_date(value):
            return value
        raise self._bad(row, f"is {_short(value)}, not {_WANTED[self.kind]}")

    def _bad(self, row: int, what: str) -> BadInputError:
        return BadInputError(422, f"column {self.name!r}, row {row}: the value {what}", self.name)


@dataclass(frozen=True)
class InputSchema:
    """The rules of all input columns. Without any, columns are taken as they come.

    Those of a `matrix` are known by their place: see `SignedInputs`.
    """

    rules: tuple[Rule, ...] = ()
    matrix: bool = False
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(rule.name for rule in self.rules))

    def check(self, columns: Mapping[str, Sequence[Any]]) -> Rows:
        """Check rows given by column.

        Raises
        ------
        BadInputError
            No rows, columns of different lengths, a missing column, a wrong value.
        """
        lengths = {len(values) for values in columns.values()}
        if len(lengths) > 1:
            raise BadInputError(400, "the columns have different numbers of rows")
        if not lengths or lengths == {0}:
            raise BadInputError(400, "the request holds no row")
        (n,) = lengths
        if not self.rules:
            return Rows({name: Rule(name).check(values) for name, values in columns.items()}, n)
        taken: dict[str, list[Any]] = {}
        for rule in self.rules:
            if rule.name in columns:
                taken[rule.name] = rule.check(columns[rule.name])
            elif rule.required:
                near = closest(rule.name, [name for name in columns if name not in self.names])
                raise BadInputError(422, f"column {rule.name!r} is missing{near}", rule.name)
        return Rows(taken, n, tuple(name for name in columns if name not in self.names))


def read_schema(folder: Path, contract: Mapping[str, Column] | None = None) -> InputSchema:
    """Return the schema of a model folder: its signature's columns, each with what the contract says of it."""
    import yaml

    content = yaml.safe_load((folder / "MLmodel").read_text("utf-8"))
    signed = signed_inputs(content)
    rules = tuple(_rule(column, (contract or {}).get(column["name"])) for column in signed.columns)
    return InputSchema(rules, signed.matrix)


def _rule(signed: Mapping[str, Any], declared: Column | None) -> Rule:
    kind = _FROM_SIGNATURE.get(str(signed.get("type")), "any")
    largest = _LARGEST.get(str(signed.get("type")), sys.float_info.max)
    required = bool(signed.get("required", True))
    # pandas holds no missing whole number or truth value in the types that a signature names
    holds_missing = kind not in ("integer", "boolean")
    if declared is None:
        return Rule(signed["name"], kind, required, holds_missing, largest=largest)
    if kind == "any" and declared.type is not None:
        kind = _FROM_CONTRACT[declared.type]
    return Rule(
        signed["name"],
        kind,
        required or not declared.nullable,
        holds_missing and declared.nullable,
        declared.range,
        None if declared.allowed is None else frozenset(declared.allowed),
        largest,
    )


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _can_be_passed_on(value: Any) -> bool:
    """Whether a nested value can be written as JSON to the worker: less deeply nested than what can be read."""
    try:
        orjson.dumps([[[[value]]]])
    except orjson.JSONEncodeError:
        return False
    return True


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return "W" not in text  # pandas reads no week dates


def _short(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else text[:37] + "…"
