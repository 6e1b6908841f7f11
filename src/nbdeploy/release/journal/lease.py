"""The lease: of several controllers on one ledger, one works."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime, timedelta

import sqlalchemy as sql

from nbdeploy.release.journal.tables import TABLES
from nbdeploy.release.living import began, lives
from nbdeploy.trust.database import Database

_lease = sql.Table(
    "release_lease",
    TABLES,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("holder", sql.String(300), nullable=False),
    sql.Column("until", sql.String(40), nullable=False),
)


class Lease:
    """Whose turn it is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take_lease(self, seconds: float = 60) -> bool:
        """Become, or stay, the one controller of this journal; False while another one lives.

        A holder on this machine counts as alive as long as its process does; one elsewhere until its time is up.
        """
        now = datetime.now(UTC)
        mine = _myself()
        values = {"holder": mine, "until": (now + timedelta(seconds=seconds)).isoformat()}
        with self._database.writing() as connection:
            row = connection.execute(sql.select(_lease)).first()
            if row is None:
                connection.execute(_lease.insert().values(id=0, **values))
                return True
            if row.holder != mine and _alive(row.holder, datetime.fromisoformat(row.until), now):
                return False
            connection.execute(_lease.update().values(**values))
            return True

    def leave_lease(self) -> None:
        """Let another controller take over at once."""
        with self._database.writing() as connection:
            connection.execute(_lease.delete().where(_lease.c.holder == _myself()))


def _myself() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{began(os.getpid())}"


def _alive(holder: str, until: datetime, now: datetime) -> bool:
    host, process, since = holder.rsplit(":", 2)
    return lives(int(process), since) if host == socket.gethostname() else now < until
