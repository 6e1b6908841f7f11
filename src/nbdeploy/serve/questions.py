"""Questions that wait for a model: what queued while a batch ran is the next batch."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nbdeploy.serve.schema import Rows


class ModelFailedError(Exception):
    """The model raised on these rows, or took too long over them."""


class WorkerLostError(Exception):
    """The worker died, is overloaded or is stopped; the question may be put to another one."""


@dataclass(eq=False)
class Question:
    """Rows, the answer to come, and over how many processes it was asked in vain."""

    rows: Rows
    answer: asyncio.Future[dict[str, Any]]
    tries: int = 0

    def say(self, answer: dict[str, Any]) -> None:
        """Answer it, unless the caller went away."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, error: Exception) -> None:
        """Answer it with an error, unless the caller went away."""
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass
class Questions:
    """The queue of one worker. `asked` is set while it may hold something, `idle` while nothing is unanswered."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    _waiting: deque[Question] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, rows: Rows) -> asyncio.Future[dict[str, Any]]:
        """Queue a question and return its answer to come."""
        question = Question(rows, asyncio.get_running_loop().create_future())
        self._waiting.append(question)
        self.idle.clear()
        self.asked.set()
        return question.answer

    def rest(self) -> None:
        """Note that everything is answered."""
        self.idle.set()
        self.asked.clear()

    def batch(self, most_rows: int, *, row_wise: bool) -> list[Question]:
        """Take the questions that are asked together: one, or as many of the same columns as `most_rows` allows.

        One that a process died over is asked alone, so that it harms nobody else.
        """
        batch: list[Question] = []
        size = 0
        while self._waiting and (not batch or (row_wise and size + self._waiting[0].rows.n <= most_rows)):
            if batch and (
                self._waiting[0].tries or self._waiting[0].rows.columns.keys() != batch[0].rows.columns.keys()
            ):
                break
            question = self._waiting.popleft()
            if question.answer.done():  # the caller went away
                continue
            batch.append(question)
            size += question.rows.n
            if question.tries:
                break
        return batch

    def again(self, batch: Sequence[Question], why: str) -> None:
        """Put a batch that a process died over back in front; a question that it happened to twice fails."""
        for question in reversed(batch):
            question.tries += 1
            if question.tries > 1:
                question.fail(WorkerLostError(why))
            elif not question.answer.done():
                self._waiting.appendleft(question)

    def give_up(self, why: str) -> None:
        """Fail everything that waits."""
        while self._waiting:
            self._waiting.popleft().fail(WorkerLostError(why))
        self.idle.set()
