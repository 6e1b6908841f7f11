"""Which notebook runs when: several at a time, and those that time the model while nothing else is at work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Generic, TypeVar

from nbdeploy.documents.sections import Section
from nbdeploy.validate.notebooks import Notebook

ALONE: Section = "operations"
"""It times the model, so nothing else of the run is at work beside it."""

_SLOWEST_FIRST: tuple[Section, ...] = ("explainability", "robustness", ALONE, "data", "performance", "fairness")
"""In a draft; otherwise those that time the model come last."""

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
        ended = as_completed(begun)
        for _ in range(len(begun) - 2 * self._jobs):
            next(ended).result()
        # Near the end: it has loaded what it needs when the others are done, and held it no longer than that.
        last = [self._begin(self._beside, each, limits=2) for each in waiting]
        for future in ended:
            future.result()
        busy.unlink(missing_ok=True)
        for future in last:
            future.result()
        for each in timed:
            if each not in waiting:
                self._begin(self._pool, each).result()

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
