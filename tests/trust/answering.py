"""Applications that answer over HTTP for as long as a test needs them: below paths of one server, which starts once."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import uvicorn

_running: dict[str, Any] = {}
_numbers = itertools.count()


async def _switch(scope: dict[str, Any], receive: Any, send: Any) -> None:
    number, _, rest = scope["path"].removeprefix("/").partition("/")
    await _running[number](scope | {"path": f"/{rest}", "raw_path": f"/{rest}".encode()}, receive, send)


@cache
def _server() -> str:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    server = uvicorn.Server(uvicorn.Config(_switch, log_level="critical", lifespan="off", access_log=False))
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    while not server.started:
        time.sleep(0.005)
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def answering(app: Any) -> Iterator[str]:
    """Yield the address of a running application."""
    number = str(next(_numbers))
    _running[number] = app
    try:
        yield f"{_server()}/{number}"
    finally:
        del _running[number]
