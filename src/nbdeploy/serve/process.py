"""One process with one model: started until it says that it is ready, asked over its socket, ended."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbdeploy.documents.objective import Objective
from nbdeploy.errors import ModelError
from nbdeploy.serve import wire

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")
"""The model's code gets no other variable of the service: they may hold secrets."""


@dataclass
class ModelProcess:
    """The process of a worker, and the next one after it died.

    Parameters
    ----------
    folder
        A model folder whose bytes were verified, and that nobody else writes to.
    version
        ``model/3``, for messages.
    objective
        Says how scores become decisions; None for the model's own.
    log
        File that receives what the model prints.

    Attributes
    ----------
    row_wise
        Whether rows of different requests may be asked together, as the model said when it was ready.
    """

    folder: Path
    version: str
    objective: Objective | None
    log: Path | None
    row_wise: bool = field(default=False, init=False)
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        """The process that answers now."""
        return None if self._process is None else self._process.pid

    async def start(self, patience: float) -> None:
        """Start a process and return when its model is loaded.

        Raises
        ------
        ModelError
            It does not load, or not within `patience` seconds.
        """
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", "nbdeploy.serve.worker", "--folder", str(self.folder)]
        command += ["--socket", str(theirs.fileno()), *_decide(self.objective)]
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        if self.log is not None:
            self.log.parent.mkdir(parents=True, exist_ok=True)
        with theirs, open(self.log or os.devnull, "ab") as log:  # noqa: ASYNC230, PTH123 - a local file; devnull is no Path
            self._process = await asyncio.create_subprocess_exec(
                *command,
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C on the terminal is for the service, which then stops in order
            )
        self._streams = await asyncio.open_unix_connection(sock=ours, limit=1 << 20)
        try:
            said = await asyncio.wait_for(wire.receive(self._streams[0]), patience)
        except TimeoutError:
            raise ModelError(f"{self.version} does not load within {patience:g} s") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            code = await self._process.wait()
            raise ModelError(f"the process of {self.version} ended while loading (exit status {code})") from None
        if "failed" in said:
            raise ModelError(f"{self.version} does not load ({said['failed']})", next="try it with: nbdeploy validate")
        self.row_wise = bool(said["row_wise"])

    async def ask(self, columns: dict[str, list[Any]], patience: float) -> dict[str, Any]:
        """Return what the model says to these columns: ``predictions`` (and ``scores``), or an ``error``.

        Raises
        ------
        TimeoutError
            No answer within `patience` seconds.
        ConnectionError, asyncio.IncompleteReadError
            The process died.
        """
        assert self._streams is not None  # noqa: S101 - for the type checker: only a started process is asked
        reader, writer = self._streams
        writer.write(wire.encode({"columns": columns}))
        await writer.drain()
        return await asyncio.wait_for(wire.receive(reader), patience)

    async def until_dead_or(self, asked: asyncio.Event) -> None:
        """Wait for an event.

        Raises
        ------
        ConnectionResetError
            The process died first.
        """
        assert self._process is not None  # noqa: S101 - for the type checker, as above
        waiting = asyncio.ensure_future(asked.wait())
        dead = asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait({waiting, dead}, return_when=asyncio.FIRST_COMPLETED)
            if dead.done() and not waiting.done():
                raise ConnectionResetError(f"the process of {self.version} ended")
        finally:
            waiting.cancel()
            dead.cancel()

    def kill(self) -> None:
        """Kill the process if it still runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def end(self) -> None:
        """Close the socket, at which the process ends by itself, and wait until it did."""
        if self._streams is not None:
            self._streams[1].close()
        process = self._process
        if process is None or process.returncode is not None:
            return
        try:
            await asyncio.wait_for(process.wait(), 2)
        except TimeoutError:
            process.kill()
            await process.wait()


def _decide(objective: Objective | None) -> list[str]:
    """Return how the process is told to make decisions of scores."""
    if objective is None or objective.task != "binary":
        return []
    rule = {
        "positive": objective.positive_class,
        "threshold": objective.decision_threshold,
        "score": objective.score,
        "declared": objective.threshold is not None,
    }
    return ["--decide", json.dumps(rule)]
