"""What a human should look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sql

from nbdeploy.release.journal.tables import TABLES
from nbdeploy.trust.database import Database

_alerts = sql.Table(
    "release_alerts",
    TABLES,
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("at", sql.String(40), nullable=False),
    sql.Column("about", sql.String(300), nullable=False),
    sql.Column("text", sql.Text, nullable=False),
)


@dataclass(frozen=True)
class Alert:
    """Something that a human should look at."""

    at: datetime
    about: str
    text: str


class Alerts:
    """The journal's alerts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def alert(self, about: str, text: str, *, again: bool = False) -> bool:
        """Note something for a human, and return whether it is new.

        The same text about the same thing is noted once, unless `again`: then it happened anew.
        """
        same = (_alerts.c.about == about) & (_alerts.c.text == text)
        with self._database.writing() as connection:
            if not again and connection.execute(sql.select(_alerts.c.number).where(same)).first() is not None:
                return False
            connection.execute(_alerts.insert().values(at=datetime.now(UTC).isoformat(), about=about, text=text))
        return True

    def alerts(self) -> list[Alert]:
        """Return all alerts, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(sql.select(_alerts).order_by(_alerts.c.number))
            return [Alert(datetime.fromisoformat(row.at), row.about, row.text) for row in rows]
