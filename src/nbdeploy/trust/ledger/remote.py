"""The ledger of a team, seen from a machine that does not hold its key.

Nothing that the service says is believed: a checkpoint must be signed by the key that the policy names and continue the
one seen here before, entries must give its root, and what was logged must be shown to be in it.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nbdeploy.errors import LogError
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.cache import EntryCache
from nbdeploy.trust.ledger.checkpoints import Checkpoint
from nbdeploy.trust.ledger.http import LedgerCalls
from nbdeploy.trust.ledger.log import Entry, Level
from nbdeploy.trust.ledger.merkle import Tree, leaf_hash, verify_consistency, verify_inclusion
from nbdeploy.trust.ledger.seen import LastSeen

FIRST_AGE = timedelta(hours=24)
"""How old a checkpoint may be that a machine sees first, where the policy sets no limit."""


class RemoteLedger:
    """A ledger behind its service: the same interface as `Ledger`.

    Parameters
    ----------
    url
        Where the service answers: ``https://…``, or ``http://`` on this machine.
    public
        The ledger's public key, as the policy names it.
    folder
        Where this machine keeps the last seen checkpoint and the entries that it verified.
    max_age
        How old a checkpoint may be.
    token
        What the service asks for, if it does.

    Raises
    ------
    ServiceError
        From every method: the service does not answer, or refuses without a reason that is known here.
    LogError, ClockError
        From every method: what it says does not hold. Whatever it refuses keeps its own class.
    """

    level: Level = "team"

    def __init__(
        self,
        url: str,
        *,
        public: str,
        folder: Path,
        max_age: timedelta | None = None,
        token: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.url = url
        self._public = public
        self._max_age = max_age
        self._clock = clock
        self._calls = LedgerCalls(url, token)
        weakref.finalize(self, self._calls.close)
        self._seen = LastSeen(folder / "ledger.seen", public)
        self._cache = EntryCache(folder / "ledger-entries.db")
        self._entries: list[Entry] = []
        self._tree = Tree()
        self._lock = threading.RLock()

    @property
    def public(self) -> str:
        """The public key that its checkpoints are signed by."""
        return self._public

    def append(self, envelope: bytes) -> Entry:
        """Send an envelope, and see that it is in the tree that the service signed.

        Raises
        ------
        Refusal
            The service does not take it: nobody signed it whom its policy names, or its time has not come.
        """
        earlier = self._seen.read()
        index, note, proof = self._calls.submit(envelope)
        now = self._held(earlier, note)
        if not verify_inclusion(leaf_hash(envelope), index, now.size, proof, now.root):
            raise LogError(
                f"the ledger at {self.url} says that it logged an envelope, and cannot show it in the tree it signed",
                next="do not go on; ask who keeps the ledger",
            )
        return Entry(index, bytes_digest(envelope), envelope)

    @property
    def size(self) -> int:
        """Number of entries."""
        return self._head().size

    def root(self) -> bytes:
        """Return the root of the tree."""
        return self._head().root

    def checkpoint(self) -> str:
        """Return the signed checkpoint."""
        return self._head().note

    def entries(self, after: int = -1) -> list[Entry]:
        """Return the verified entries with an index above `after`, in order."""
        return self.verify()[after + 1 :]

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        """Return the proof that entry `index` is in the present tree, from the entries that were verified here."""
        with self._lock:
            size = len(self.verify())
            if not 0 <= index < size:
                raise LogError(f"the ledger has no entry {index}; it has {size}")
            return self._tree.inclusion(index, size)

    def consistency(self, first: int) -> tuple[bytes, ...]:
        """Return the proof that the first `first` entries are a prefix of the present ones."""
        with self._lock:
            size = len(self.verify())
            if not 0 <= first <= size:
                raise LogError(f"no tree of {first} is a part of the ledger's {size} entries")
            return self._tree.consistency(first, size)

    def verify(self) -> list[Entry]:
        """Hold every entry to the signed checkpoint, and that to the last one seen here.

        Entries that this machine verified before are read from its cache, and held to the root with the new ones.
        """
        with self._lock:
            head = self._head()
            if not self._entries:
                self._take(self._cache.entries(head.size))
            if not self._reaches(head):
                # What the cache holds may have been changed here; what the service gives must do without it.
                self._forget()
                if not self._reaches(head):
                    self._forget()
                    raise LogError(
                        f"the entries that the ledger at {self.url} gives are not those of the checkpoint it signed",
                        next="do not go on; ask who keeps the ledger",
                    )
            return self._entries[: head.size]

    def _head(self) -> Checkpoint:
        earlier = self._seen.read()
        return self._held(earlier, self._calls.checkpoint())

    def _held(self, earlier: Checkpoint | None, note: str) -> Checkpoint:
        """Read a checkpoint, and hold it to the clock, to the policy's limit and to the one seen before."""
        now = checkpoints.read(note, self._public)
        limit = self._max_age or (FIRST_AGE if earlier is None else None)
        checkpoints.check_age(now, self._clock(), limit)
        self._seen.hold(earlier, now, lambda old: self._continues(old, now), self._clock())
        return now

    def _continues(self, old: Checkpoint, now: Checkpoint) -> bool:
        if old.size in (0, now.size):
            return old.root == now.root or old.size < now.size
        proof = self._calls.consistency(old.size, now.size)
        return verify_consistency(old.size, old.root, now.size, now.root, proof)

    def _reaches(self, head: Checkpoint) -> bool:
        """Fetch what is missing up to a checkpoint, and return whether all of it gives the checkpoint's root."""
        known = len(self._entries)
        while len(self._entries) < head.size:
            page = self._calls.entries(len(self._entries) - 1)[: head.size - len(self._entries)]
            if not page:
                return False
            self._take(page)
        if self._tree.root(head.size) != head.root:
            return False
        self._cache.add(self._entries[known:])
        return True

    def _take(self, envelopes: list[bytes]) -> None:
        for envelope in envelopes:
            self._entries.append(Entry(len(self._entries), bytes_digest(envelope), envelope))
            self._tree.append(leaf_hash(envelope))

    def _forget(self) -> None:
        self._entries, self._tree = [], Tree()
        self._cache.clear()
