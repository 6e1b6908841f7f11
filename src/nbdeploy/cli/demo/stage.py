"""What the demo's audience sees: the acts with their numbers, the commands, and how long each took."""

from __future__ import annotations

import time

from rich.console import Console
from rich.markup import escape


class Stage:
    """A terminal on which acts follow each other."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._seconds: list[tuple[str, float]] = []
        self._act: tuple[str, float] | None = None

    def begin(self, act: str, command: str = "") -> None:
        """End the act before and begin the next one, with the command that a user would type for it."""
        self.end()
        self._act = (act, time.monotonic())
        self._console.print(f"\n[bold cyan]{len(self._seconds) + 1}. {escape(act[0].upper() + act[1:])}[/]")
        if command:
            self.command(command)

    def end(self) -> None:
        """End the act, if one was begun."""
        if self._act:
            self._seconds.append((self._act[0], time.monotonic() - self._act[1]))
            self._act = None

    def command(self, command: str) -> None:
        """Show what a user would type."""
        self._console.print(f"[dim]$ {escape(command)}[/]", soft_wrap=True)

    def say(self, text: str) -> None:
        """Show a sentence."""
        self._console.print(escape(text), soft_wrap=True)

    def heading(self, text: str) -> None:
        """Show what the lines below are about."""
        self._console.print(f"\n[bold]{escape(text)}[/]")

    def times(self) -> None:
        """Show how long the acts took."""
        self.heading(f"{sum(seconds for _, seconds in self._seconds):.0f} seconds in all")
        for act, seconds in self._seconds:
            self.say(f"  {seconds:6.1f}  {act}")
