"""The base of every document: frozen, strict about unknown keys, stored as exact bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

Scalar = bool | int | float | str
"""A value of a group, a label or a parameter, as JSON can hold it."""


def _number_in(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124 - NaN is the one value unlike itself


def _number_out(value: float | None) -> float | str | None:
    if value is None or value != value or abs(value) != float("inf"):  # noqa: PLR0124
        return None if value is None or value != value else value  # noqa: PLR0124
    return "inf" if value > 0 else "-inf"


Number = Annotated[float | None, BeforeValidator(_number_in), PlainSerializer(_number_out, when_used="json")]
"""A finite number, an infinite bound (``"inf"`` in JSON), or None where the quantity is undefined. Never NaN."""

Interval = tuple[Number, Number]
"""Lower and upper limit; a limit that does not exist is infinite."""


class Record(BaseModel):
    """A frozen document or part of one."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", allow_inf_nan=True)


class Document(Record):
    """A record that is stored by itself and named by the SHA-256 of its bytes."""

    schema_name: ClassVar[str]

    def to_bytes(self) -> bytes:
        """Return the bytes to store. Write them once: a digest is always of stored bytes, never of a second rendering."""
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
        from pydantic import ValidationError

        from nbdeploy.errors import FormatError

        try:
            return cls.model_validate(strict_json(data))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the document"
            raise FormatError(f"not a {cls.__name__.lower()}: {where}: {first['msg']}") from None


def strict_json(data: bytes, *, limit: int = 64 * 1024 * 1024) -> dict[str, Any]:
    """Parse one JSON object and refuse what two parsers could read differently.

    Raises
    ------
    FormatError
        Too large, not UTF-8, a byte-order mark, not JSON, not an object, a duplicate key, NaN or an infinite number,
        or nested too deeply.
    """
    from nbdeploy.errors import FormatError

    if len(data) > limit:
        raise FormatError(f"a document of {len(data)} bytes is over the limit of {limit}")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            twice = next(key for key, _ in items if sum(key == other for other, _ in items) > 1)
            raise FormatError(f"the key {twice[:80]!r} stands twice in one object")
        return found

    def constant(name: str) -> Any:
        raise FormatError(f"{name} is not a JSON number")

    def number(text: str) -> float:
        value = float(text)
        if abs(value) == float("inf"):
            raise FormatError(f"the number {text[:40]} is out of range")
        return value

    def integer(text: str) -> int:
        if len(text) > 40:
            raise FormatError(f"an integer of {len(text)} digits is out of range")
        return int(text)

    try:
        parsed = json.loads(
            data.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant, parse_float=number, parse_int=integer
        )
    except UnicodeDecodeError:
        raise FormatError("the document is not UTF-8") from None
    except RecursionError:
        raise FormatError("the document is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise FormatError(f"the document is not JSON (line {error.lineno}: {error.msg})") from None
    if not isinstance(parsed, dict):
        raise FormatError("the document is not a JSON object")
    return parsed


def group_label(group: Mapping[str, Scalar]) -> str:
    """Return ``sex=2, age_band=60+`` for a group, ``all`` for the empty group."""
    return ", ".join(f"{feature}={value}" for feature, value in group.items()) or "all"
