"""Drawing results and progress on a terminal; the same words line by line where there is none."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from nbdeploy.documents.progress import Progress as Step

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from nbdeploy.flow.show import Result, Shown

_COLOURS = {"✓ ": "green", "✕ ": "bold red", "≈ ": "yellow", "– ": "magenta"}
"""Colour follows the sign of a verdict, which stands there in any case."""


def draw(result: Result, *, quiet: bool = False) -> None:
    """Print a result: tables with colour on a terminal, plain text elsewhere."""
    if quiet:
        return
    shown = result.show()
    if not sys.stdout.isatty():
        print(shown.text())
        return
    from rich.console import Console

    draw_shown(shown, Console(highlight=False))


def draw_shown(shown: Shown, console: Console) -> None:
    """Print one description. Foreign text is never read as markup."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console.print(Text(shown.title, style="bold"))
    for line in shown.lines:
        console.print(Text(line))
    for table in shown.tables:
        drawn = Table(box=None, header_style="dim", pad_edge=False)
        for header in table.headers:
            drawn.add_column(Text(header))
        for row in table.rows:
            drawn.add_row(*(Text(cell, style=_COLOURS.get(cell[:2], "")) for cell in row))
        console.print(Padding(drawn, (0, 2)))
        for row, advice in table.advised():
            console.print(Text(f"· {row[0]}: {advice}", style="dim"))
    for note in shown.notes:
        console.print(Text(f"· {note}", style="dim"))
    for step in shown.next:
        console.print(Text.assemble(("→ ", "bold"), step))


class Watching:
    """Progress of a long verb: a bar per part on a terminal, a line per finished part elsewhere.

    Use it as a context manager and hand it to the verb as its watcher.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._tasks: dict[tuple[str, str], TaskID] = {}
        self._bars: Progress | None = None
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            self._bars = Progress(
                TextColumn("  {task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[word]}"),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def __call__(self, step: Step) -> None:
        """Take one line of progress."""
        if self._quiet:
            return
        if self._bars is None:
            if step.state in ("done", "failed"):
                mark = "done" if step.state == "done" else "FAILED"
                print(
                    f"  {step.stage}: {step.part} {mark}{f' ({step.detail})' if step.detail else ''}",
                    file=sys.stderr,
                    flush=True,
                )
            return
        key = (step.stage, step.part)
        fields: dict[str, Any] = {"word": step.detail or step.state, "total": step.total or 1}
        if key not in self._tasks:
            self._tasks[key] = self._bars.add_task(f"{step.stage}: {step.part}", **fields)
        done = (step.total or 1) if step.state in ("done", "failed") else step.done
        self._bars.update(self._tasks[key], completed=done, **fields)
