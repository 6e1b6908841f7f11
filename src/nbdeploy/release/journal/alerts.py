"""What a human should look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

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
    sql.Column("trouble", sql.Boolean, nullable=False),
    sql.Column("over", sql.String(40)),
)


@dataclass(frozen=True)
class Alert:
    """Something that a human should look at. `over` is when it was over, where the controller could tell."""

    at: datetime
    about: str
    text: str
    over: datetime | None = None


class Alerts:
    """The journal's alerts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def alert(self, about: str, text: str, *, again: bool = False, trouble: bool = False) -> bool:
        """Note something for a human, and return whether it is new.

        The same text about the same thing is noted once, unless `again`, or what was noted is over: then it happened
        anew. Of `trouble` the controller says itself when it is `over`.
        """
        same = (_alerts.c.about == about) & (_alerts.c.text == text) & _alerts.c.over.is_(None)
        with self._database.writing() as connection:
            if not again and connection.execute(sql.select(_alerts.c.number).where(same)).first() is not None:
                return False
            connection.execute(_alerts.insert().values(at=_now(), about=about, text=text, trouble=trouble))
        return True

    def over(self, about: str) -> None:
        """Note that what was in trouble goes well again."""
        open_ = (_alerts.c.about == about) & _alerts.c.trouble & _alerts.c.over.is_(None)
        with self._database.writing() as connection:
            connection.execute(_alerts.update().where(open_).values(over=_now()))

    def alerts(self) -> list[Alert]:
        """Return all alerts, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(sql.select(_alerts).order_by(_alerts.c.number))
            return [_alert(row) for row in rows]


def _alert(row: Any) -> Alert:
    over = None if row.over is None else datetime.fromisoformat(row.over)
    return Alert(datetime.fromisoformat(row.at), row.about, row.text, over)


def _now() -> str:
    return datetime.now(UTC).isoformat()
