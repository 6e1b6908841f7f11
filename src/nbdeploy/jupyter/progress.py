"""Progress in a notebook: one display that is updated, and that reads well in the state in which it is stored."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from IPython.display import display
from markupsafe import Markup

from nbdeploy.documents.progress import Progress
from nbdeploy.report import fragments, wording

_WORDS = {"waiting": "waiting", "running": "running …", "done": "done", "failed": "failed"}
_LEFT_OFF = {"waiting": "not begun", "running": "not finished"}
"""What a part that waits or runs is called once nothing goes on any more."""


class NotebookProgress:
    """Draws a line per part. Use it as a context manager and hand it to the verb as its watcher.

    While the verb works every part has a bar; once it is over, one line says so and the parts are folded under it,
    unless one of them failed.
    """

    def __init__(self, interval: float = 0.2) -> None:
        self._interval = interval
        self._parts: dict[tuple[str, str], Progress] = {}
        self._handle: Any = None
        self._drawn = 0.0
        self._began = time.monotonic()
        self._ending = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending = "Stopped" if kind else "Done"
        if self._parts:
            self._draw()

    def __call__(self, step: Progress) -> None:
        """Take one line of progress."""
        self._parts[step.stage, step.part] = step
        if time.monotonic() - self._drawn >= self._interval:
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        bundle = {"text/html": self._html(), "text/plain": self._text()}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def _html(self) -> str:
        rows = [(step.stage, step.part, _bar(step), self._word(step)) for step in self._parts.values()]
        table = fragments.table(("stage", "part", "", ""), rows)
        if not self._ending:
            return str(table + Markup("<p>{}</p>").format(self._headline()))
        return str(fragments.fold(self._headline(), table, unfolded=not self._all_done()))

    def _text(self) -> str:
        lines = [f"  {step.stage}: {step.part}: {self._word(step)}" for step in self._parts.values()]
        return "\n".join([self._headline(), *lines])

    def _headline(self) -> str:
        seconds = f"{time.monotonic() - self._began:.0f} s"
        done = sum(step.state == "done" for step in self._parts.values())
        parts = f"{done} of {wording.counted(len(self._parts), 'part')} done"
        return f"{self._ending} after {seconds}: {parts}" if self._ending else f"{seconds}: {parts}"

    def _all_done(self) -> bool:
        return all(step.state == "done" for step in self._parts.values())

    def _word(self, step: Progress) -> str:
        left_off = _LEFT_OFF.get(step.state) if self._ending else None
        return left_off or step.detail or _WORDS[step.state]


def _bar(step: Progress) -> Markup:
    share = 1.0 if step.state == "done" else step.done / step.total if step.total else 0.0
    return Markup('<progress value="{:.2f}" max="1"></progress>').format(share)
