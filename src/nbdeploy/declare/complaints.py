"""What pydantic complains about in an objective, in the words of whoever wrote the YAML: one sentence, key first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from nbdeploy.documents.costs import Costs
from nbdeploy.documents.gate import Gate
from nbdeploy.documents.objective import (
    Column,
    Goal,
    ImpactAudit,
    Kpi,
    Monitor,
    Objective,
    Regulations,
    Rollout,
)
from nbdeploy.documents.sections import SECTIONS
from nbdeploy.errors import closest

_PARTS: dict[str, type[BaseModel]] = {
    "goal": Goal,
    "kpis": Kpi,
    "costs": Costs,
    "contract": Column,
    "rollout": Rollout,
    "monitor": Monitor,
    "regulations": Regulations,
}
_CONDITION = "not a condition such as '>= 0.75'"
_KINDS = re.compile(r"bool|int|float|str|tuple\[.*|dict\[.*|.*\]")
"""What pydantic adds to a place where several kinds of value may stand."""


def sentence(error: ValidationError) -> str:
    """Return the complaint that explains most: a key that was misspelt, not the right one that is missing for it."""
    told = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    path = [str(part) for part in told["loc"]]
    if path[-1:] == ["[key]"]:
        return _key(path[:-1], told)
    if path[:1] == ["contract"] and path[2:3] == ["range"]:
        return f"{'.'.join(path[:3])} is no pair of numbers; write it as [0, 120]"
    several = len(path) > 1 and told["type"] != "model_type" and _KINDS.fullmatch(path[-1]) is not None
    return _value(path[:-1] if several else path, told, several=several)


def _key(path: Sequence[str], error: ErrorDetails) -> str:
    if error["type"] == "literal_error" and path[0] == "gates":
        return f"unknown section {path[1]!r} under gates{closest(path[1], SECTIONS)} (sections: {', '.join(SECTIONS)})"
    return f"the key {error['input']!r} under {'.'.join(path[:-1])} is no text; write it in quotes"


def _value(path: Sequence[str], error: ErrorDetails, *, several: bool) -> str:
    where, kind, given = ".".join(path), error["type"], error["input"]
    if isinstance(given, date):  # YAML makes one of 2024-01-01
        given = str(given)
    if kind == "extra_forbidden":
        return f"unknown key {where!r}{closest(path[-1], _keys_beside(path))}"
    if kind == "missing":
        needed = "; needed are name, task, target and at least one gate" if len(path) == 1 else ""
        return f"the key {where!r} is missing{needed}"
    if kind == "literal_error":
        allowed = str(error["ctx"]["expected"])
        hint = closest(str(given), re.findall(r"'([^']+)'", allowed))
        return f"{where}: {given!r} is not one of {allowed}{hint}"
    if several and isinstance(given, (list, dict)):
        return f"{where}: {given!r} is no single value"
    said = _other("string_type" if several else kind, given, error)
    return f"{where}: {said}" if where else said


def _other(kind: str, given: Any, error: ErrorDetails) -> str:
    """Return what is wrong with a value of a known key."""
    if kind == "string_pattern_mismatch":
        return f"{given!r} is no name: a letter or digit, then up to 127 of these and of '.', '_', '-'"
    if kind == "tuple_type":
        written = f"; write [{given}]" if isinstance(given, (str, int, float)) else ""
        return f"{given!r} is no list{written}"
    if kind in {"dict_type", "model_type"}:
        gate = error.get("ctx", {}).get("class_name") == Gate.__name__
        return f"{given!r} is {_CONDITION if gate else 'no set of keys with values'}"
    if kind == "string_type":
        quoted = "" if given is None or isinstance(given, (list, dict)) else f"; write it in quotes: '{given}'"
        return f"{given!r} is no text{quoted}"
    if kind in {"float_type", "float_parsing", "int_type", "int_parsing"}:
        return f"{given!r} is no {'whole ' if kind.startswith('int') else ''}number"
    return error["msg"].removeprefix("Value error, ").replace("Input should", f"{given!r} should", 1)


def _keys_beside(path: Sequence[str]) -> Sequence[str]:
    """Return the keys that would be right where an unknown one stands."""
    if len(path) == 1:
        return tuple(Objective.model_fields)
    if path[0] == "gates":
        return ("min", "max", "group", "slice", "features", "n")
    part = _PARTS.get(path[0])
    if path[0] in ("rollout", "monitor") and len(path) > 3:  # rollout.guardrails.NAME.KEY
        part = Gate
    if path[:2] == ["regulations", "local_law_144"] and len(path) > 2:
        part = ImpactAudit
    return tuple(part.model_fields) if part else ()
