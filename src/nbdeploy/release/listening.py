"""Where requests come in: the socket, and a server that ends when it is told to and not by a signal of its own."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable, Iterator

import uvicorn

from nbdeploy.errors import ServiceError
from nbdeploy.serve.gateway import Gateway


@contextlib.contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """Hold a port of the loopback address, 0 for any free one.

    Raises
    ------
    ServiceError
        It is in use.
    """
    # asyncio only switches Nagle's delay off (40 ms an answer) for sockets that name their protocol.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        why = "is in use" if error.errno == errno.EADDRINUSE else "cannot be listened at"
        raise ServiceError(
            f"port {port} {why} ({error.strerror})", next="choose another one with --port, or --port 0"
        ) from None
    with listener:
        yield listener


class Server(uvicorn.Server):
    """Uvicorn without signal handling of its own, which would end the process before its workers."""

    def __init__(self, gateway: Gateway, announce: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                gateway.app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=30
            )
        )
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        """Stop taking requests; those under way are answered."""
        self.should_exit = True
