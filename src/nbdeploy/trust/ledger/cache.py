"""Entries that this machine fetched and verified, so that a long ledger is not fetched for every command.

It is trusted no more than the service: whatever is read from it is held to the signed root again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from nbdeploy.trust.ledger.log import Entry


class EntryCache:
    """A file with envelopes by index. Where it cannot be read or written, it is as if it were empty."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def entries(self, most: int) -> list[bytes]:
        """Return the envelopes from the first one on, without a gap, at most `most`."""
        found: list[bytes] = []
        try:
            with self._opened() as database:
                for index, envelope in database.execute("SELECT number, envelope FROM entries ORDER BY number"):
                    if index != len(found) or not isinstance(envelope, bytes) or len(found) == most:
                        break
                    found.append(envelope)
        except sqlite3.Error:
            self.clear()
            return []
        return found

    def add(self, entries: Sequence[Entry]) -> None:
        """Keep entries that were verified. Two commands at once add the same."""
        if not entries:
            return
        try:
            with self._opened() as database:
                rows = [(entry.index, entry.envelope) for entry in entries]
                database.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?)", rows)
        except sqlite3.Error:
            self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._file.unlink(missing_ok=True)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._file, timeout=10)) as database, database:
            # A cache that a power cut breaks is made again; there is nothing to wait for the disk for.
            database.execute("PRAGMA synchronous=OFF")
            database.execute("CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, envelope BLOB NOT NULL)")
            yield database
