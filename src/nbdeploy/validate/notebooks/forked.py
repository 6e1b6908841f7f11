"""A process that another one forked for us: watched, waited for and signalled by its file descriptor."""

from __future__ import annotations

import os
import select
import signal
import subprocess


class Forked:
    """A process that is the kernel parent's child and not ours; jupyter_client takes it for a Popen."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, watched: int) -> None:
        self.pid = pid
        self._watched = watched
        self._ended = False

    def poll(self) -> int | None:
        """Return None while it runs and 0 when it has ended; how it did, the parent knows."""
        return 0 if self._ends_within(0) else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended.

        Raises
        ------
        subprocess.TimeoutExpired
            It runs on.
        """
        if not self._ends_within(timeout):
            raise subprocess.TimeoutExpired([f"process {self.pid}"], timeout or 0)
        return 0

    def send_signal(self, number: int) -> None:
        """Send a signal, never to another process that took the number."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._watched, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """Stop watching."""
        if self._watched >= 0:
            os.close(self._watched)
            self._watched = -1
            self._ended = True

    def _ends_within(self, seconds: float | None) -> bool:
        if not self._ended:
            watch = select.poll()
            watch.register(self._watched, select.POLLIN)
            self._ended = bool(watch.poll(None if seconds is None else seconds * 1000))
        return self._ended
