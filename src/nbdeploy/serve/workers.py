"""A worker process, supervised: started, asked, restarted when it dies, stopped when it has answered everything."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nbdeploy.documents.objective import Objective
from nbdeploy.errors import ModelError
from nbdeploy.serve import wire
from nbdeploy.serve.schema import Rows

State = Literal["new", "starting", "ready", "restarting", "stopped", "failed"]
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")
"""The model's code gets no other variable of the service: they may hold secrets."""


class ModelFailedError(Exception):
    """The model raised on these rows, or took too long over them."""


class WorkerLostError(Exception):
    """The worker died, is overloaded or is stopped; the question may be put to another one."""


@dataclass(eq=False)
class _Question:
    rows: Rows
    answer: asyncio.Future[dict[str, Any]]
    tries: int = 0


@dataclass
class Limits:
    """How patient a worker's supervisor is: seconds, rows and numbers of requests."""

    start: float = 180
    answer: float = 60
    batch_rows: int = 256
    queue: int = 2048
    restarts: int = 5
    window: float = 60


@dataclass
class Worker:
    """One version in one process. All methods belong to the event loop that started it.

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
    """

    folder: Path
    version: str
    objective: Objective | None = None
    log: Path | None = None
    limits: Limits = field(default_factory=Limits)
    state: State = field(default="new", init=False)
    reason: str = field(default="", init=False)
    restarts: int = field(default=0, init=False)
    row_wise: bool = field(default=False, init=False)
    _queue: deque[_Question] = field(default_factory=deque, init=False)
    _asked: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _idle: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _deaths: deque[float] = field(default_factory=deque, init=False)
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = field(default=None, init=False)
    _supervisor: asyncio.Task[None] | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        """The process that answers now."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the process and return when it is ready.

        Raises
        ------
        ModelError
            The model does not load, or takes longer than `limits.start`.
        """
        self.state = "starting"
        self._idle.set()
        try:
            await self._spawn()
        except ModelError as error:
            self.state, self.reason = "failed", error.fact
            await self._end_process()
            raise
        self.state = "ready"
        self._supervisor = asyncio.create_task(self._supervise(), name=f"worker {self.version}")

    async def ask(self, rows: Rows) -> dict[str, Any]:
        """Return ``predictions`` (and ``scores``) for the rows. While the process restarts, the question waits.

        Raises
        ------
        ModelFailedError
            The model raised on these rows, or took longer than `limits.answer`.
        WorkerLostError
            The process died twice over this question, is overloaded or stopped.
        """
        if self.state not in ("ready", "restarting"):
            raise WorkerLostError(f"{self.version} is {self.state}{': ' + self.reason if self.reason else ''}")
        if self.state == "restarting" and self._keeps_dying:
            raise WorkerLostError(f"{self.version}: {self.reason}")
        if len(self._queue) >= self.limits.queue:
            raise WorkerLostError(f"{self.version} is overloaded: {self.limits.queue} requests wait already")
        question = _Question(rows, asyncio.get_running_loop().create_future())
        self._queue.append(question)
        self._idle.clear()
        self._asked.set()
        return await question.answer

    async def stop(self, patience: float = 30) -> None:
        """Answer what was asked, then end the process.

        What is unanswered after `patience` seconds gets WorkerLostError.
        """
        if self.state in ("ready", "restarting"):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), patience)
        self.state = "stopped"
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        await self._end_process()
        self._give_up(f"{self.version} was stopped")

    # The process ------------------------------------------------------------------------------------------------------

    async def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", "nbdeploy.serve.worker", "--folder", str(self.folder)]
        command += ["--socket", str(theirs.fileno()), *self._decide()]
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
            said = await asyncio.wait_for(wire.receive(self._streams[0]), self.limits.start)
        except TimeoutError:
            raise ModelError(f"{self.version} does not load within {self.limits.start:g} s") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            code = await self._process.wait()
            raise ModelError(f"the process of {self.version} ended while loading (exit status {code})") from None
        if "failed" in said:
            raise ModelError(f"{self.version} does not load ({said['failed']})", next="try it with: nbdeploy validate")
        self.row_wise = bool(said["row_wise"])

    def _decide(self) -> list[str]:
        objective = self.objective
        if objective is None or objective.task != "binary":
            return []
        rule = {
            "positive": objective.positive_class,
            "threshold": objective.decision_threshold,
            "score": objective.score,
            "declared": objective.threshold is not None,
        }
        return ["--decide", json.dumps(rule)]

    async def _end_process(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        process = self._process
        if process is None or process.returncode is not None:
            return
        try:
            await asyncio.wait_for(process.wait(), 2)  # it ends by itself when its socket closes
        except TimeoutError:
            process.kill()
            await process.wait()

    # Supervision ------------------------------------------------------------------------------------------------------

    @property
    def _keeps_dying(self) -> bool:
        return len(self._deaths) > self.limits.restarts

    async def _supervise(self) -> None:
        while True:
            try:
                if self.state == "restarting":
                    await self._spawn()
                    self.state = "ready"
                await self._answer_all()
            except Exception as error:  # noqa: BLE001 - a supervisor that ends would leave every caller waiting
                await self._after_death(error)

    async def _after_death(self, error: Exception) -> None:
        self.state = "restarting"
        self.restarts += 1
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        await self._end_process()
        now = time.monotonic()
        self._deaths.append(now)
        while self._deaths[0] < now - self.limits.window:
            self._deaths.popleft()
        if self._keeps_dying:  # callers are better off with another version, or with a quick answer
            why = error.fact if isinstance(error, ModelError) else "its process keeps dying"
            self.reason = f"{why} ({len(self._deaths)} times in {self.limits.window:g} s)"
            self._give_up(f"{self.version}: {self.reason}")
        await asyncio.sleep(min(5.0, 0.05 * 2 ** len(self._deaths)))

    async def _answer_all(self) -> None:
        """Answer until the process dies. What queued while a batch ran is the next batch: nobody waits for one."""
        while True:
            if not self._queue:
                self._idle.set()
                self._asked.clear()
                await self._until_asked_or_dead()
            batch = self._next_batch()
            if not batch:
                continue
            try:
                await self._answer_batch(batch)
            except (ConnectionError, asyncio.IncompleteReadError):
                self._again(batch)
                raise
            except TimeoutError:
                for question in batch:
                    _fail(question, ModelFailedError(f"{self.version} gave no answer within {self.limits.answer:g} s"))
                raise

    async def _until_asked_or_dead(self) -> None:
        assert self._process is not None  # noqa: S101 - for the type checker: only a spawned worker answers
        asked = asyncio.ensure_future(self._asked.wait())
        dead = asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait({asked, dead}, return_when=asyncio.FIRST_COMPLETED)
            if dead.done() and not asked.done():
                raise ConnectionResetError(f"the process of {self.version} ended")
        finally:
            asked.cancel()
            dead.cancel()

    def _next_batch(self) -> list[_Question]:
        batch: list[_Question] = []
        size = 0
        while self._queue and (not batch or (self.row_wise and size + self._queue[0].rows.n <= self.limits.batch_rows)):
            if batch and (self._queue[0].tries or self._queue[0].rows.columns.keys() != batch[0].rows.columns.keys()):
                break  # a question that a process died over is asked alone, so that it harms nobody else
            question = self._queue.popleft()
            if question.answer.done():  # the caller went away
                continue
            batch.append(question)
            size += question.rows.n
            if question.tries:
                break
        return batch

    async def _answer_batch(self, batch: Sequence[_Question]) -> None:
        columns = {name: [v for q in batch for v in q.rows.columns[name]] for name in batch[0].rows.columns}
        said = await self._exchange(columns)
        if "error" in said and len(batch) > 1:
            for question in batch:  # one bad row must not fail its neighbours
                await self._answer_batch([question])
            return
        if "error" in said:
            _fail(batch[0], ModelFailedError(f"{self.version} failed ({said['error']})"))
            return
        place = 0
        for question in batch:
            part = {key: values[place : place + question.rows.n] for key, values in said.items()}
            place += question.rows.n
            if not question.answer.done():
                question.answer.set_result(part)

    async def _exchange(self, columns: dict[str, list[Any]]) -> dict[str, Any]:
        assert self._streams is not None  # noqa: S101 - for the type checker, as above
        reader, writer = self._streams
        writer.write(wire.encode({"columns": columns}))
        await writer.drain()
        return await asyncio.wait_for(wire.receive(reader), self.limits.answer)

    def _again(self, batch: Sequence[_Question]) -> None:
        for question in reversed(batch):
            question.tries += 1
            if question.tries > 1:
                _fail(question, WorkerLostError(f"the process of {self.version} died over this request"))
            elif not question.answer.done():
                self._queue.appendleft(question)

    def _give_up(self, why: str) -> None:
        while self._queue:
            _fail(self._queue.popleft(), WorkerLostError(why))
        self._idle.set()


def _fail(question: _Question, error: Exception) -> None:
    if not question.answer.done():
        question.answer.set_exception(error)
