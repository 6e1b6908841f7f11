"""A gate: one condition that a measure must meet."""

from __future__ import annotations

import math
import re
from typing import Any, Literal

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from nbdeploy.documents.record import Record, Scalar

Operator = Literal[">=", "<=", ">", "<", "==", "between"]

_CONDITION = re.compile(r"^\s*(>=|<=|==|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*$")


class GateCondition(Record):
    """A bound, and how a value must lie to it."""

    op: Operator
    bound: float | tuple[float, float]

    @property
    def region(self) -> tuple[float, float]:
        """The closed range that satisfies it, ends included or not as `op` says."""
        if isinstance(self.bound, tuple):
            return self.bound
        if self.op in (">=", ">"):
            return (self.bound, math.inf)
        if self.op in ("<=", "<"):
            return (-math.inf, self.bound)
        return (self.bound, self.bound)

    def holds(self, value: float) -> bool:
        """Whether one exact value satisfies it."""
        low, high = self.region
        if self.op in (">", "<"):
            return low < value if self.op == ">" else value < high
        return low <= value <= high

    def __str__(self) -> str:
        if isinstance(self.bound, tuple):
            return f"between {self.bound[0]:g} and {self.bound[1]:g}"
        return f"{self.op} {self.bound:g}"


class Gate(GateCondition):
    """One condition on one measure: ``">= 0.75"``, or ``{min:, max:, group:, slice:}``.

    `group` as a text or list names the features whose partition is judged (``sex`` or ``[sex, age_band]``); as a
    mapping it names one group (``{sex: 2}``). `slice` restricts the rows (``age >= 65 and sex == 2``). `features` and
    `n` belong to ``forbidden_in_top``.
    """

    group: tuple[str, ...] | dict[str, Scalar] | None = None
    slice: str | None = None
    features: tuple[str, ...] | None = None
    n: int | None = Field(default=None, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            raise ValueError(f"write a condition such as '>= {given}' or '<= {given}'")  # noqa: TRY004 - pydantic reads ValueError
        if isinstance(given, str):
            match = _CONDITION.match(given)
            if not match:
                raise ValueError(f"{given!r} is not a condition such as '>= 0.75'")
            return {"op": match[1], "bound": float(match[2])}
        if not isinstance(given, dict) or "op" in given:
            return given
        rest = {key: value for key, value in given.items() if key not in ("min", "max")}
        if isinstance(rest.get("group"), str):
            rest["group"] = [part.strip() for part in rest["group"].split(",")]
        low, high = given.get("min"), given.get("max")
        if low is not None and high is not None:
            return {"op": "between", "bound": (low, high), **rest}
        if low is not None:
            return {"op": ">=", "bound": low, **rest}
        if high is not None:
            return {"op": "<=", "bound": high, **rest}
        if "features" in rest:
            return {"op": "==", "bound": 0, **rest}
        raise ValueError("a gate needs a condition: '>= 0.75', or min:, or max:")

    @model_validator(mode="after")
    def _check(self) -> Gate:
        if (self.op == "between") != isinstance(self.bound, tuple):
            raise ValueError("between takes two bounds, every other operator one")
        bounds = self.bound if isinstance(self.bound, tuple) else (self.bound,)
        if not all(math.isfinite(b) for b in bounds):
            raise ValueError("a bound must be a finite number")
        if isinstance(self.bound, tuple) and self.bound[0] > self.bound[1]:
            raise ValueError(f"min {self.bound[0]} is above max {self.bound[1]}")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe what a user may write: a condition as text, or the mapping."""
        stored = handler.resolve_ref_schema(handler(core_schema))
        written = {name: schema for name, schema in stored["properties"].items() if name not in ("op", "bound")}
        limits = {"min": {"type": "number"}, "max": {"type": "number"}}
        group = {"group": {"anyOf": [{"type": "string"}, written["group"]]}}
        mapping = {"type": "object", "properties": limits | written | group, "additionalProperties": False}
        return {"anyOf": [{"type": "string", "pattern": _CONDITION.pattern}, mapping, dict(stored)]}
