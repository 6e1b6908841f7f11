"""The ledger: an append-only Merkle tree over envelopes, in SQL.

One row a leaf, and one head row with the right edge of the tree. An append holds the database's one writer's place, so
that concurrent writers get one order.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from nbdeploy.errors import ClockError, KeyFileError, LogError
from nbdeploy.trust.database import Database
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.checkpoints import SKEW, Checkpoint
from nbdeploy.trust.ledger.log import Entry, Level
from nbdeploy.trust.ledger.merkle import Edge, leaf_hash
from nbdeploy.trust.ledger.proofs import Proofs
from nbdeploy.trust.ledger.seen import LastSeen
from nbdeploy.trust.ledger.state import State
from nbdeploy.trust.ledger.tables import LOCK, entries_after, entry_table, head_edge, head_note, head_table, tables


class Ledger:
    """The log of one project, or what the ledger service of a team keeps.

    Parameters
    ----------
    url
        A SQLAlchemy URL: SQLite for one person, PostgreSQL for a team.
    key
        Signs checkpoints. Without it the ledger can be read, and not be written.
    public
        The public key that checkpoints must be signed by, as the policy names it; that of `key` unless given. With
        neither, `verify` does not ask who signed the checkpoint.
    seen
        Where this machine remembers the last checkpoint that held. Without it a rollback goes unnoticed.
    max_age
        How old a checkpoint a reader takes. Whoever holds the key is not asked: no one else could have logged more.

    Raises
    ------
    LogError
        From every method: the database cannot be opened, read or written. What was logged stays.
    KeyFileError
        `key` is not the one of `public`.
    """

    level: Level = "local"

    def __init__(
        self,
        url: str,
        key: Signer | None = None,
        *,
        public: str | None = None,
        seen: Path | None = None,
        max_age: timedelta | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if key is not None and public not in (None, key.public):
            raise KeyFileError(
                "the ledger's key on this machine is not the one that the policy names",
                next="ask who keeps the policy which ledger is meant",
            )
        self.url = url
        self._key = key
        self._public = key.public if key else public
        self._seen = LastSeen(seen, self._public) if seen else None
        self._max_age = None if key else max_age
        self._clock = clock
        self._database = Database(url, tables, lock=LOCK, name="the ledger", complaint=LogError)
        self._proofs = Proofs(self._database)

    @property
    def public(self) -> str | None:
        """The public key that its checkpoints are signed by, which no other ledger has; None where nobody named it."""
        return self._public

    # Writing ----------------------------------------------------------------------------------------------------------

    def append(self, envelope: bytes) -> Entry:
        """Log an envelope and sign the new tree; the same envelope twice stays one entry.

        Raises
        ------
        KeyFileError
            This ledger was opened without its key.
        LogError
            The tree that would be continued is not the one that this key signed, or is older than the one seen here.
        ClockError
            This machine's clock is behind the checkpoint that is there.
        """
        digest = bytes_digest(envelope)
        earlier = self._seen.read() if self._seen else None
        with self._database.writing() as connection:
            signer = self._signer()
            known = connection.execute(sql.select(entry_table.c.index).where(entry_table.c.digest == digest)).scalar()
            if known is not None:
                return Entry(int(known), digest, envelope)
            edge, last = self._signed_edge(connection, earlier)
            connection.execute(entry_table.insert().values(index=edge.size, digest=digest, envelope=envelope))
            signed = self._sign(connection, edge.append(leaf_hash(envelope)), last, signer)
        if self._seen and (earlier or not edge.size):
            self._seen.write(signed)
        return Entry(edge.size, digest, envelope)

    def refresh(self, older_than: timedelta = timedelta(0)) -> str:
        """Sign the present tree with the present time, if its checkpoint is older than that; return the checkpoint.

        An empty ledger gets a checkpoint too: that there is nothing is a claim like any other.
        """
        note = self.checkpoint()
        if note:
            time = checkpoints.read(note, self._public).time
            if time is not None and self._clock() - time <= older_than:
                return note
        earlier = self._seen.read() if self._seen else None
        with self._database.writing() as connection:
            signer = self._signer()
            edge, last = self._signed_edge(connection, earlier)
            return self._sign(connection, edge, last, signer).note

    def _signer(self) -> Signer:
        if self._key is None:
            raise KeyFileError("the ledger's key is not on this machine, so nothing can be logged here")
        return self._key

    def _signed_edge(self, connection: Connection, earlier: Checkpoint | None) -> tuple[Edge, Checkpoint | None]:
        """Return the edge to continue, and none that somebody else wrote into the head: we would sign their history."""
        edge, note = head_edge(connection), head_note(connection)
        last = checkpoints.read(note, self._public) if edge.size or note else None
        if last is not None and (last.size, last.root) != (edge.size, edge.root()):
            raise LogError(
                "the ledger's head is not the tree that its checkpoint was signed for", next="nbdeploy audit verify"
            )
        if self._seen:
            self._seen.check_head(earlier, edge.size, edge.root())
        return edge, last

    def _sign(self, connection: Connection, edge: Edge, last: Checkpoint | None, signer: Signer) -> Checkpoint:
        """Make `edge` the head, signed with a time that is never before the last one's."""
        now = time = self._clock().replace(microsecond=0)
        if last is not None and last.time is not None:
            if now < last.time - SKEW:
                raise ClockError(
                    f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, and the ledger's checkpoint is of "
                    f"{last.time:%Y-%m-%d %H:%M} UTC",
                    next="set the clock",
                )
            time = max(now, last.time)  # writers' clocks differ a little
        note = checkpoints.write(edge.size, edge.root(), signer, time)
        state = {"size": edge.size, "edge": b"".join(edge.roots), "checkpoint": note}
        if last is None:
            connection.execute(head_table.insert().values(id=0, **state))
        else:
            connection.execute(head_table.update().where(head_table.c.id == 0).values(**state))
        return Checkpoint(note, edge.size, edge.root(), time)

    # Reading ----------------------------------------------------------------------------------------------------------

    def entries(self, after: int = -1) -> list[Entry]:
        """Return the entries with an index above `after`, in order."""
        with self._database.reading() as connection:
            return list(entries_after(connection, after))

    def page(self, after: int, *, count: int, size: int) -> list[Entry]:
        """Return the next entries: at most `count`, and no more bytes than `size` after the first."""
        found: list[Entry] = []
        with self._database.reading() as connection:
            for entry in entries_after(connection, after, count):
                size -= len(entry.envelope)
                if found and size < 0:
                    break
                found.append(entry)
        return found

    @property
    def size(self) -> int:
        """Number of entries."""
        with self._database.reading() as connection:
            return head_edge(connection).size

    def root(self) -> bytes:
        """Return the root of the tree as the head row has it."""
        with self._database.reading() as connection:
            return head_edge(connection).root()

    def checkpoint(self) -> str:
        """Return the signed checkpoint of the current tree (C2SP tlog-checkpoint), empty where none was signed yet."""
        with self._database.reading() as connection:
            return head_note(connection)

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the proof that entry `index` is in the tree of the first `size` entries, of all unless given."""
        return self._proofs.inclusion(index, size)

    def consistency(self, first: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the proof that the first `first` entries are a prefix of the first `size`, of all unless given."""
        return self._proofs.consistency(first, size)

    def verify(self) -> list[Entry]:
        """Hold every entry to the signed tree, and the tree to the last one seen on this machine.

        Returns
        -------
        list of Entry
            The entries that hold. Decide on these: what is read later may be others.

        Raises
        ------
        LogError
            An entry was edited, dropped, swapped or added past the head; the checkpoint is not signed by the ledger's
            key, or too old; or the log is older than, or a fork of, what was seen here before.
        ClockError
            The checkpoint, or the one seen before, is of a moment that has not come by this machine's clock.
        """
        earlier = self._seen.read() if self._seen else None
        with self._database.reading() as connection:
            state = State.read(connection)
        tree = state.tree()
        now = state.signed(self._public)
        if now is None:
            if self._seen:
                self._seen.gone(earlier)
            return state.entries
        checkpoints.check_age(now, self._clock(), self._max_age)
        if self._seen:
            self._seen.hold(earlier, now, lambda old: tree.root(old.size) == old.root, self._clock())
        return state.entries
