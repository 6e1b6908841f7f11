"""A worker: one version in one process, supervised. Restarted when it dies, stopped when it has answered everything."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nbdeploy.documents.objective import Objective
from nbdeploy.errors import ModelError
from nbdeploy.serve.process import ModelProcess
from nbdeploy.serve.questions import ModelFailedError, Question, Questions, WorkerLostError
from nbdeploy.serve.schema import Rows

State = Literal["new", "starting", "ready", "restarting", "stopped", "failed"]


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
    folder, version, objective, log
        As of `ModelProcess`.
    """

    folder: Path
    version: str
    objective: Objective | None = None
    log: Path | None = None
    limits: Limits = field(default_factory=Limits)
    state: State = field(default="new", init=False)
    reason: str = field(default="", init=False)
    restarts: int = field(default=0, init=False)
    _process: ModelProcess = field(init=False)
    _questions: Questions = field(default_factory=Questions, init=False)
    _deaths: deque[float] = field(default_factory=deque, init=False)
    _supervisor: asyncio.Task[None] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._process = ModelProcess(self.folder, self.version, self.objective, self.log)

    @property
    def pid(self) -> int | None:
        """The process that answers now."""
        return self._process.pid

    @property
    def row_wise(self) -> bool:
        """Whether rows of different requests may be asked together."""
        return self._process.row_wise

    async def start(self) -> None:
        """Start the process and return when it is ready.

        Raises
        ------
        ModelError
            The model does not load, or takes longer than `limits.start`.
        """
        self.state = "starting"
        self._questions.rest()
        try:
            await self._process.start(self.limits.start)
        except ModelError as error:
            self.state, self.reason = "failed", error.fact
            await self._process.end()
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
        if len(self._questions) >= self.limits.queue:
            raise WorkerLostError(f"{self.version} is overloaded: {self.limits.queue} requests wait already")
        return await self._questions.put(rows)

    async def stop(self, patience: float = 30) -> None:
        """Answer what was asked, then end the process.

        What is unanswered after `patience` seconds gets WorkerLostError.
        """
        if self.state in ("ready", "restarting"):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._questions.idle.wait(), patience)
        self.state = "stopped"
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        await self._process.end()
        self._questions.give_up(f"{self.version} was stopped")

    # Supervision ------------------------------------------------------------------------------------------------------

    @property
    def _keeps_dying(self) -> bool:
        return len(self._deaths) > self.limits.restarts

    async def _supervise(self) -> None:
        while True:
            try:
                if self.state == "restarting":
                    await self._process.start(self.limits.start)
                    self.state = "ready"
                await self._answer_all()
            except Exception as error:  # noqa: BLE001 - a supervisor that ends would leave every caller waiting
                await self._after_death(error)

    async def _after_death(self, error: Exception) -> None:
        self.state = "restarting"
        self.restarts += 1
        self._process.kill()
        await self._process.end()
        now = time.monotonic()
        self._deaths.append(now)
        while self._deaths[0] < now - self.limits.window:
            self._deaths.popleft()
        if self._keeps_dying:  # callers are better off with another version, or with a quick answer
            why = error.fact if isinstance(error, ModelError) else "its process keeps dying"
            self.reason = f"{why} ({len(self._deaths)} times in {self.limits.window:g} s)"
            self._questions.give_up(f"{self.version}: {self.reason}")
        await asyncio.sleep(min(5.0, 0.05 * 2 ** len(self._deaths)))

    # Answering --------------------------------------------------------------------------------------------------------

    async def _answer_all(self) -> None:
        """Answer until the process dies. Nobody waits for a batch to fill."""
        while True:
            if not self._questions:
                self._questions.rest()
                await self._process.until_dead_or(self._questions.asked)
            batch = self._questions.batch(self.limits.batch_rows, row_wise=self.row_wise)
            if not batch:
                continue
            try:
                await self._answer_batch(batch)
            except (ConnectionError, asyncio.IncompleteReadError):
                self._questions.again(batch, f"the process of {self.version} died over this request")
                raise
            except TimeoutError:
                for question in batch:
                    question.fail(ModelFailedError(f"{self.version} gave no answer within {self.limits.answer:g} s"))
                raise
            except BaseException as error:  # whatever else ends this, stopping included: nobody is left waiting
                why = "was stopped" if isinstance(error, asyncio.CancelledError) else f"answered nonsense ({error})"
                for question in batch:
                    question.fail(WorkerLostError(f"{self.version} {why}"))
                raise

    async def _answer_batch(self, batch: Sequence[Question]) -> None:
        columns = {name: [v for q in batch for v in q.rows.columns[name]] for name in batch[0].rows.columns}
        said = await self._process.ask(columns, self.limits.answer)
        if "error" in said and len(batch) > 1:
            for question in batch:  # one bad row must not fail its neighbours
                await self._answer_batch([question])
            return
        if "error" in said:
            batch[0].fail(ModelFailedError(f"{self.version} failed ({said['error']})"))
            return
        place = 0
        for question in batch:
            question.say({key: values[place : place + question.rows.n] for key, values in said.items()})
            place += question.rows.n
