"""What people ask the controller for, and what it answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sql

from nbdeploy.release.journal.tables import TABLES
from nbdeploy.trust.database import Database

Verb = Literal["promote", "pause", "resume", "abort", "rollback"]

_commands = sql.Table(
    "release_commands",
    TABLES,
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("endpoint", sql.String(300), nullable=False),
    sql.Column("environment", sql.String(128)),
    sql.Column("verb", sql.String(16), nullable=False),
    sql.Column("by", sql.String(200), nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("at", sql.String(40), nullable=False),
    sql.Column("done", sql.Boolean),
    sql.Column("answer", sql.Text),
)


@dataclass(frozen=True)
class Command:
    """What a human asked the controller for. `done` is None until it answered, then whether it did it."""

    number: int
    endpoint: str
    environment: str | None
    verb: Verb
    by: str
    reason: str
    done: bool | None
    answer: str


class Commands:
    """The journal's commands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, endpoint: str, verb: Verb, *, by: str, reason: str = "", environment: str | None = None) -> int:
        """Leave a command for the controller and return its number."""
        values = {"endpoint": endpoint, "environment": environment, "verb": verb, "by": by, "reason": reason}
        with self._database.writing() as connection:
            row = connection.execute(_commands.insert().values(at=datetime.now(UTC).isoformat(), **values))
            (number,) = row.inserted_primary_key or (0,)
            return int(number)

    def command(self, number: int) -> Command:
        """Return a command; its `done` is None until the controller answered."""
        with self._database.reading() as connection:
            row = connection.execute(sql.select(_commands).where(_commands.c.number == number)).one()
        return _command(row)

    def commands(self) -> list[Command]:
        """Return the commands without an answer, oldest first."""
        query = sql.select(_commands).where(_commands.c.done.is_(None)).order_by(_commands.c.number)
        with self._database.reading() as connection:
            return [_command(row) for row in connection.execute(query)]

    def answer(self, number: int, answer: str, *, done: bool) -> None:
        """Answer a command."""
        with self._database.writing() as connection:
            connection.execute(_commands.update().where(_commands.c.number == number).values(done=done, answer=answer))


def _command(row: Any) -> Command:
    done = None if row.done is None else bool(row.done)
    return Command(int(row.number), row.endpoint, row.environment, row.verb, row.by, row.reason, done, row.answer or "")
