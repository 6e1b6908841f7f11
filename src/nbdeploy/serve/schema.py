"""What a request's rows must look like: the model's signature and the objective's contract, checked once, by column."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from nbdeploy.documents.objective import Column
from nbdeploy.documents.record import Scalar
from nbdeploy.errors import closest

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

    def check(self, values: Sequence[Any]) -> list[Any]:
        """Return the values as the model takes them; BadInputError names column and row."""
        return [self._one(value, row) for row, value in enumerate(values)]

    def _one(self, value: Any, row: int) -> Any:
        if value is None or value != value:  # noqa: PLR0124 - NaN is the only value that is not itself
            if not self.nullable:
                raise self._bad(row, "is missing")
            return None
        taken = self._typed(value, row)
        if self.range is not None and not self.range[0] <= taken <= self.range[1]:
            raise self._bad(row, f"is {_short(value)}, outside of {self.range[0]:g} to {self.range[1]:g}")
        if self.allowed is not None and taken not in self.allowed:
            known = ", ".join(map(str, sorted(self.allowed, key=str)[:10]))
            raise self._bad(row, f"is {_short(value)}, which is none of {known}")
        return taken

    def _typed(self, value: Any, row: int) -> Any:
        if self.kind == "any":
            return value
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if self.kind == "number" and number:
            return float(value)
        if self.kind == "integer" and number and float(value).is_integer() and abs(value) < 2**63:
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
    """The rules of all input columns. Without any, columns are taken as they come."""

    rules: tuple[Rule, ...] = ()
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
            return Rows({name: list(values) for name, values in columns.items()}, n)
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
    inputs = json.loads((content.get("signature") or {}).get("inputs") or "[]")
    return InputSchema(
        tuple(_rule(column, (contract or {}).get(column["name"])) for column in inputs if "name" in column)
    )


def _rule(signed: Mapping[str, Any], declared: Column | None) -> Rule:
    kind = _FROM_SIGNATURE.get(str(signed.get("type")), "any")
    required = bool(signed.get("required", True))
    # pandas holds no missing whole number or truth value in the types that a signature names
    holds_missing = kind not in ("integer", "boolean")
    if declared is None:
        return Rule(signed["name"], kind, required, holds_missing)
    if kind == "any" and declared.type is not None:
        kind = _FROM_CONTRACT[declared.type]
    return Rule(
        signed["name"],
        kind,
        required or not declared.nullable,
        holds_missing and declared.nullable,
        declared.range,
        None if declared.allowed is None else frozenset(declared.allowed),
    )


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _short(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else text[:37] + "…"
