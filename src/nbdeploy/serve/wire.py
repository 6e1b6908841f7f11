"""What gateway and worker say to each other: JSON objects, each with its length in front, over a Unix socket."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import orjson

_LENGTH = 4


def encode(message: dict[str, Any]) -> bytes:
    """Return the frame of a message: four bytes of length, big-endian, then the JSON text."""
    body = orjson.dumps(message, default=_told, option=orjson.OPT_SERIALIZE_NUMPY)
    return len(body).to_bytes(_LENGTH, "big") + body


def _told(value: Any) -> Any:
    """Return a moment as text, for orjson does not know those of pandas; None for one that is missing."""
    if not hasattr(value, "isoformat"):
        raise TypeError(f"a model's answer of type {type(value).__name__} cannot be written as JSON")
    return value.isoformat() if value == value else None  # noqa: PLR0124 - a missing moment is not itself


async def receive(reader: asyncio.StreamReader) -> dict[str, Any]:
    """Read one message; IncompleteReadError when the other side is gone."""
    length = int.from_bytes(await reader.readexactly(_LENGTH), "big")
    message: dict[str, Any] = orjson.loads(await reader.readexactly(length))
    return message


def receive_blocking(connection: socket.socket) -> dict[str, Any] | None:
    """Read one message; None when the other side is gone."""
    head = _exactly(connection, _LENGTH)
    body = None if head is None else _exactly(connection, int.from_bytes(head, "big"))
    if body is None:
        return None
    message: dict[str, Any] = orjson.loads(body)
    return message


def _exactly(connection: socket.socket, length: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(min(1 << 20, length - len(parts)))
        if not part:
            return None
        parts += part
    return bytes(parts)
