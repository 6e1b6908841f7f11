"""The two tables of the ledger, and how their rows are read: nothing in them is taken for what it should be."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from nbdeploy.errors import LogError
from nbdeploy.trust.ledger.log import Entry
from nbdeploy.trust.ledger.merkle import Edge

LOCK = 0x6E626470  # "nbdp": the advisory lock of PostgreSQL that writers of the ledger share
_ROWS = 500  # fetched at once

tables = sql.MetaData()
entry_table = sql.Table(
    "ledger_entries",
    tables,
    sql.Column("index", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("digest", sql.String(71), nullable=False, unique=True),
    sql.Column("envelope", sql.LargeBinary, nullable=False),
)
head_table = sql.Table(
    "ledger_head",
    tables,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("size", sql.BigInteger, nullable=False),
    sql.Column("edge", sql.LargeBinary, nullable=False),
    sql.Column("checkpoint", sql.Text, nullable=False),
)


def entries_after(connection: Connection, after: int, count: int | None = None) -> Iterator[Entry]:
    """Yield the entries with an index above `after`, in order; at most `count`."""
    columns = (entry_table.c.index, entry_table.c.digest, entry_table.c.envelope)
    query = sql.select(*columns).where(entry_table.c.index > after).order_by(entry_table.c.index).limit(count)
    found = connection.execute(query, execution_options={"yield_per": _ROWS})
    # By position: a row is a tuple, whose own `index` would shadow the column.
    for index, digest, envelope in found:
        # SQLite lets a column hold any type.
        if not isinstance(envelope, bytes):
            raise LogError(f"ledger entry {index} was edited: its envelope is {type(envelope).__name__}, not bytes")
        yield Entry(int(index), str(digest), envelope)


def head_note(connection: Connection) -> str:
    """Return the checkpoint of the head row, empty where there is none."""
    return str(connection.execute(sql.select(head_table.c.checkpoint)).scalar() or "")


def head_edge(connection: Connection) -> Edge:
    """Return the right edge of the tree from the head row."""
    row = connection.execute(sql.select(head_table.c.size, head_table.c.edge)).first()
    if row is None:
        return Edge()
    size, data = int(row.size), bytes(row.edge)
    if len(data) != 32 * size.bit_count():
        raise LogError("the head of the ledger is not the edge of a tree")
    return Edge(size, tuple(data[start : start + 32] for start in range(0, len(data), 32)))
