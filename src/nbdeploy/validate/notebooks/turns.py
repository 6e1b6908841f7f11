"""Which notebook runs when: several at a time, and those that time the model while nothing else is at work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Generic, TypeVar

from nbdeploy.documents.sections import Section
from nbdeploy.validate.notebooks.notebook import Notebook

ALONE: Section = "operations"
"""It times the model, so nothing else of the run is at work beside it."""

_SLOWEST_FIRST: tuple[Section, ...] = ("explainability", "robustness", ALONE, "data", "performance", "fairness")
"""In a draft; otherwise those that time the model come last."""

_LOOKS_UP_S = 0.2
"""A Ctrl-C that comes while a wait begins is not noticed until that wait ends, so that no wait is long."""

Result = TypeVar("Result")


class Turns(Generic[Result]):
    """Notebooks in threads, each of which executes one at a time.

    Parameters
    ----------
    execute
        Executes a notebook, within so many times its time limit.
    jobs
        At the same time.
    """

    def __init__(self, execute: Callable[[Notebook, int], Result], jobs: int) -> None:
        self._execute = execute
        self._jobs = jobs
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="notebook")
        # One at a time is one at a time, also of those that wait.
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="waiting") if jobs > 1 else self._pool
        self._futures: list[Future[Result]] = []

    def take(self, notebooks: Sequence[Notebook], busy: Path, *, draft: bool) -> None:
        """Execute notebooks; return when all have ended.

        Those that time the model come last and one by one, except in a draft. One of them that waits by itself, as long
        as the file `busy` is there, begins beside the last of the others.
        """
        order = sorted(notebooks, key=lambda each: _SLOWEST_FIRST.index(each.section))
        timed = [] if draft else [each for each in order if each.section == ALONE]
        waiting = [each for each in timed if each.waits][:1]
        if waiting:
            busy.touch()
        begun = [self._begin(self._pool, each) for each in order if each not in timed]
        ended = _as_ended(begun)
        for _ in range(len(begun) - 2 * self._jobs):
            next(ended)
        # Near the end: it has loaded what it needs when the others are done, and held it no longer than that.
        last = [self._begin(self._beside, each, limits=2) for each in waiting]
        for _ in ended:
            pass
        busy.unlink(missing_ok=True)
        for _ in _as_ended(last):
            pass
        for each in timed:
            if each not in waiting:
                next(_as_ended([self._begin(self._pool, each)]))

    def end(self, stop: Callable[[], None]) -> list[Result]:
        """Begin nothing more, `stop` what runs, and return what came of everything that had begun."""
        for threads in (self._pool, self._beside):
            threads.shutdown(wait=False, cancel_futures=True)
        stop()
        for threads in (self._pool, self._beside):
            threads.shutdown(wait=True)
        return [each.result() for each in self._futures if not each.cancelled()]

    def _begin(self, threads: ThreadPoolExecutor, notebook: Notebook, limits: int = 1) -> Future[Result]:
        self._futures.append(threads.submit(self._execute, notebook, limits))
        return self._futures[-1]


def _as_ended(futures: Sequence[Future[Result]]) -> Iterator[Result]:
    """What came of each, as they end; as `concurrent.futures.as_completed`, but never deaf to Ctrl-C for long."""
    pending = set(futures)
    while pending:
        ended, pending = wait(pending, _LOOKS_UP_S, FIRST_COMPLETED)
        yield from (future.result() for future in ended)
