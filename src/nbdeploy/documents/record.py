"""The base of every document: frozen, strict about unknown keys, stored as exact bytes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from math import isfinite, isnan
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)

from nbdeploy.errors import FormatError

_DEPTH = 100
_DIGITS = 40
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)

Scalar = bool | int | float | str
"""A value of a group, a label or a parameter, as JSON can hold it."""


def _number_in(value: Any) -> Any:
    return None if isinstance(value, float) and isnan(value) else value


def _number_out(value: float | None) -> float | str | None:
    if value is None or isnan(value):
        return None
    return value if isfinite(value) else ("inf" if value > 0 else "-inf")


Number = Annotated[
    float | None,
    BeforeValidator(_number_in),
    PlainSerializer(_number_out, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["inf", "-inf"]}, {"type": "null"}]}),
]
"""A finite number, an infinite bound (``"inf"`` in JSON), or None where the quantity is undefined. Never NaN."""

Interval = tuple[Number, Number]
"""Lower and upper limit; a limit that does not exist is infinite."""


def _moment_in(value: Any) -> datetime:
    """Take RFC 3339's one form: pydantic would also take a number of seconds, and a number in a text."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        return datetime.fromisoformat(value)
    raise ValueError("not a moment as RFC 3339 writes it")


def _in_our_days(value: datetime) -> datetime:
    if not 1970 < value.year < 9000:
        raise ValueError("the year is not between 1970 and 9000")
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_moment_in), AfterValidator(_in_our_days)]
"""A moment with its zone, in years that every zone can tell: the calendar's ends overflow when a zone is changed."""


class Record(BaseModel):
    """A frozen document or part of one."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", allow_inf_nan=True)


class Document(Record):
    """A record that is stored by itself and named by the SHA-256 of its bytes."""

    schema_name: ClassVar[str]

    def to_bytes(self) -> bytes:
        """Return the bytes to store. Write them once: a digest is of stored bytes, never of a second rendering."""
        content = self.model_dump(mode="json", by_alias=True)
        return (json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read back what `to_bytes` wrote.

        Raises
        ------
        FormatError
            The bytes are not one JSON object of this document's form, or a key stands twice.
        """
        try:
            return cls.model_validate(strict_json(data))
        except ValidationError as error:
            raise FormatError(f"not a {cls.__name__.lower()}: {first_problem(error)}") from None


def first_problem(error: ValidationError) -> str:
    """Return where a record first went wrong and how, fit for a sentence: keys may be anybody's text."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the document"
    return f"{_shown(where)}: {_shown(first['msg'])}"


def _shown(text: str) -> str:
    """Return foreign text short, and without what moves a terminal's cursor or cannot be encoded."""
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
    return shown if len(shown) <= 200 else shown[:199] + "…"


def _unique_keys(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) != len(items):
        twice = next(key for key, count in Counter(key for key, _ in items).items() if count > 1)
        raise FormatError(f"the key {twice[:80]!a} stands twice in one object")
    return found


def _refuse_constant(name: str) -> Any:
    raise FormatError(f"{name} is not a JSON number")


def _finite_number(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise FormatError(f"the number {text[:40]} is out of range")
    return value


def _short_integer(text: str) -> int:
    if len(text) > _DIGITS:
        raise FormatError(f"an integer of {len(text)} digits is out of range")
    return int(text)


def strict_json(data: bytes, *, limit: int = 64 * 1024 * 1024) -> dict[str, Any]:
    """Parse one JSON object and refuse what two parsers could read differently.

    Raises
    ------
    FormatError
        Too large, not UTF-8, a byte-order mark, not JSON, not an object, a duplicate key, NaN or an infinite number,
        an integer of more than 40 digits, half of a surrogate pair, or nested more than 100 deep.
    """
    if len(data) > limit:
        raise FormatError(f"a document of {len(data)} bytes is over the limit of {limit}")

    try:
        parsed = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_float=_finite_number,
            parse_int=_short_integer,
        )
    except UnicodeDecodeError:
        raise FormatError("the document is not UTF-8") from None
    except RecursionError:
        raise FormatError("the document is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise FormatError(f"the document is not JSON (line {error.lineno}: {error.msg})") from None
    if not isinstance(parsed, dict):
        raise FormatError("the document is not a JSON object")
    _check_depth(parsed)
    if _SURROGATE.search(data):
        _check_letters(parsed)
    return parsed


def _check_depth(parsed: dict[str, Any]) -> None:
    """Refuse by one number what the parser would take or not take by how deep its own caller stands."""
    level: list[Any] = [parsed]
    for _ in range(_DEPTH):
        inner = (item.values() if isinstance(item, dict) else item for item in level)
        level = [value for values in inner for value in values if isinstance(value, (dict, list))]
        if not level:
            return
    raise FormatError(f"the document is nested too deeply, over {_DEPTH} levels")


def _check_letters(parsed: dict[str, Any]) -> None:
    """Refuse halves of surrogate pairs, which JSON can escape and UTF-8 cannot hold (RFC 8259, section 8.2)."""
    try:
        json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise FormatError("the document holds half of a surrogate pair, which is no letter") from None


def group_label(group: Mapping[str, Scalar]) -> str:
    """Return ``sex=2, age_band=60+`` for a group, ``all`` for the empty group."""
    return ", ".join(f"{feature}={value}" for feature, value in group.items()) or "all"
