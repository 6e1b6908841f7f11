"""Progress in a notebook: one display that is updated, and that reads well in the state in which it is stored."""

from __future__ import annotations

import time
from html import escape
from types import TracebackType
from typing import Any, Self

from IPython.display import display

from nbdeploy.documents.progress import Progress

_WORDS = {"waiting": "waiting", "running": "running …", "done": "done", "failed": "failed"}


class NotebookProgress:
    """Draws a line per part. Use it as a context manager and hand it to the verb as its watcher."""

    def __init__(self, interval: float = 0.2) -> None:
        self._interval = interval
        self._parts: dict[tuple[str, str], Progress] = {}
        self._handle: Any = None
        self._drawn = 0.0
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._parts:
            self._draw(force=True)

    def __call__(self, step: Progress) -> None:
        """Take one line of progress."""
        self._parts[step.stage, step.part] = step
        self._draw(force=False)

    def _draw(self, *, force: bool) -> None:
        now = time.monotonic()
        if not force and now - self._drawn < self._interval:
            return
        self._drawn = now
        bundle = {"text/html": self._html(), "text/plain": self._text()}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def _html(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(step.stage)}</td><td>{escape(step.part)}</td>"
            f'<td><progress value="{_share(step):.2f}" max="1"></progress></td>'
            f"<td>{escape(step.detail or _WORDS[step.state])}</td></tr>"
            for step in self._parts.values()
        )
        return f"<table><tbody>{rows}</tbody></table><p>{self._seconds()}</p>"

    def _text(self) -> str:
        lines = [f"{s.stage}: {s.part}: {s.detail or _WORDS[s.state]}" for s in self._parts.values()]
        return "\n".join([*lines, self._seconds()])

    def _seconds(self) -> str:
        return f"{time.monotonic() - self._began:.0f} s"


def _share(step: Progress) -> float:
    if step.state in ("done", "failed"):
        return 1.0
    return step.done / step.total if step.total else 0.0
