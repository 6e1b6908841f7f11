"""The ledger: an append-only Merkle tree over envelopes, in SQL.

One row a leaf, and one head row with the right edge of the tree. An append holds the database's one writer's place, so
that concurrent writers get one order.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from nbdeploy.errors import KeyFileError, LogError
from nbdeploy.trust import checkpoints
from nbdeploy.trust.database import Database
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.merkle import Edge, inclusion_proof, leaf_hash, tree_root
from nbdeploy.trust.seen import check_growth, check_seen

_LOCK = 0x6E626470  # "nbdp": the advisory lock of PostgreSQL that writers of the ledger share

_tables = sql.MetaData()
_entries = sql.Table(
    "ledger_entries",
    _tables,
    sql.Column("index", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("digest", sql.String(71), nullable=False, unique=True),
    sql.Column("envelope", sql.LargeBinary, nullable=False),
)
_head = sql.Table(
    "ledger_head",
    _tables,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("size", sql.BigInteger, nullable=False),
    sql.Column("edge", sql.LargeBinary, nullable=False),
    sql.Column("checkpoint", sql.Text, nullable=False),
)


@dataclass(frozen=True)
class Entry:
    """One logged envelope."""

    index: int
    digest: str
    envelope: bytes


class Ledger:
    """The log of one project or team.

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

    Raises
    ------
    LogError
        From every method: the database cannot be opened, read or written. What was logged stays.
    KeyFileError
        `key` is not the one of `public`.
    """

    def __init__(
        self, url: str, key: Signer | None = None, *, public: str | None = None, seen: Path | None = None
    ) -> None:
        if key is not None and public not in (None, key.public):
            raise KeyFileError(
                "the ledger's key on this machine is not the one that the policy names",
                next="ask who keeps the policy which ledger is meant",
            )
        self.url = url
        self._key = key
        self._public = key.public if key else public
        self._seen = seen
        self._database = Database(url, _tables, lock=_LOCK, name="the ledger", complaint=LogError)

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
        """
        if self._key is None:
            raise KeyFileError("the ledger's key is not on this machine, so nothing can be logged here")
        digest = bytes_digest(envelope)
        with self._database.writing() as connection:
            known = connection.execute(sql.select(_entries.c.index).where(_entries.c.digest == digest)).scalar()
            if known is not None:
                return Entry(int(known), digest, envelope)
            edge = self._signed_edge(connection)
            grown = edge.append(leaf_hash(envelope))
            connection.execute(_entries.insert().values(index=edge.size, digest=digest, envelope=envelope))
            state = {
                "size": grown.size,
                "edge": b"".join(grown.roots),
                "checkpoint": checkpoints.write(grown.size, grown.root(), self._key),
            }
            if edge.size:
                connection.execute(_head.update().where(_head.c.id == 0).values(**state))
            else:
                connection.execute(_head.insert().values(id=0, **state))
        return Entry(edge.size, digest, envelope)

    def _signed_edge(self, connection: Connection) -> Edge:
        """Return the edge to continue, and none that somebody else wrote into the head: we would sign their history."""
        edge, note = _edge(connection), _checkpoint(connection)
        if (edge.size or note) and checkpoints.read(note, self._public) != (edge.size, edge.root()):
            raise LogError(
                "the ledger's head is not the tree that its checkpoint was signed for", next="nbdeploy audit"
            )
        if self._seen:
            check_growth(self._seen, edge, self._public)
        return edge

    # Reading ----------------------------------------------------------------------------------------------------------

    def entries(self, after: int = -1) -> list[Entry]:
        """Return the entries with an index above `after`, in order."""
        with self._database.reading() as connection:
            return _entries_after(connection, after)

    @property
    def size(self) -> int:
        """Number of entries."""
        with self._database.reading() as connection:
            return _edge(connection).size

    def root(self) -> bytes:
        """Return the root of the tree as the head row has it."""
        with self._database.reading() as connection:
            return _edge(connection).root()

    def checkpoint(self) -> str:
        """Return the signed checkpoint of the current tree (C2SP tlog-checkpoint), empty for an empty ledger."""
        with self._database.reading() as connection:
            return _checkpoint(connection)

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        """Return the proof that entry `index` is in the tree of the current size."""
        leaves = [leaf_hash(entry.envelope) for entry in self.entries()]
        if not 0 <= index < len(leaves):
            raise LogError(f"the ledger has no entry {index}; it has {len(leaves)}")
        return inclusion_proof(leaves, index)

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
            key; or the log is older than, or a fork of, what was seen here before.
        """
        with self._database.reading() as connection:
            entries, edge, note = _entries_after(connection, -1), _edge(connection), _checkpoint(connection)
        for position, entry in enumerate(entries):
            if entry.index != position:
                raise LogError(f"ledger entry {position} is missing")
            if bytes_digest(entry.envelope) != entry.digest:
                raise LogError(f"ledger entry {position} was edited")
        if len(entries) != edge.size:
            raise LogError(f"the ledger has {len(entries)} entries, and its head says {edge.size}")
        leaves = [leaf_hash(entry.envelope) for entry in entries]
        if tree_root(leaves) != edge.root():
            raise LogError("the ledger's entries do not give the root that its head says")
        if (entries or note) and checkpoints.read(note, self._public) != (edge.size, edge.root()):
            raise LogError(f"the signed checkpoint is of another tree than that of the ledger's {edge.size} entries")
        if self._seen:
            check_seen(self._seen, leaves, note, self._public)
        return entries


def _entries_after(connection: Connection, after: int) -> list[Entry]:
    columns = (_entries.c.index, _entries.c.digest, _entries.c.envelope)
    found = connection.execute(sql.select(*columns).where(_entries.c.index > after).order_by(_entries.c.index))
    # By position: a row is a tuple, whose own `index` would shadow the column.
    return [Entry(int(index), str(digest), _stored(index, envelope)) for index, digest, envelope in found]


def _stored(index: int, envelope: object) -> bytes:
    """Return what lies in the column, which SQLite lets be of any type."""
    if not isinstance(envelope, bytes):
        raise LogError(f"ledger entry {index} was edited: its envelope is {type(envelope).__name__}, not bytes")
    return envelope


def _checkpoint(connection: Connection) -> str:
    return str(connection.execute(sql.select(_head.c.checkpoint)).scalar() or "")


def _edge(connection: Connection) -> Edge:
    row = connection.execute(sql.select(_head.c.size, _head.c.edge)).first()
    if row is None:
        return Edge()
    size, data = int(row.size), bytes(row.edge)
    if len(data) != 32 * size.bit_count():
        raise LogError("the head of the ledger is not the edge of a tree")
    return Edge(size, tuple(data[start : start + 32] for start in range(0, len(data), 32)))
