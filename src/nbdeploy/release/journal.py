"""The journal: every release with its steps, in the ledger's database, so that a killed controller resumes.

A step, its document and the signed statement about it are written in one transaction; the statement is then moved into
the ledger, which takes the same envelope only once. Whenever a controller dies, no step is lost or told twice.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine

from nbdeploy.documents.release import Release, ReleaseState, ReleaseStep
from nbdeploy.errors import ServiceError

Verb = Literal["promote", "pause", "resume", "abort", "rollback"]
ACTIVE: tuple[ReleaseState, ...] = ("verifying", "starting", "rolling", "held")
"""States of a release that is on its way: its endpoint takes no other one meanwhile."""
_LOCK = 0x6E62726C  # "nbrl": PostgreSQL's advisory lock of journal writers

_tables = sql.MetaData()
_releases = sql.Table(
    "release_journal",
    _tables,
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("request", sql.String(16), nullable=False, unique=True),
    sql.Column("address", sql.String(300), nullable=False),
    sql.Column("state", sql.String(16), nullable=False),
    sql.Column("document", sql.LargeBinary, nullable=False),
    sql.Column("previous", sql.String(16)),
    sql.Column("paused", sql.Boolean, nullable=False),
    sql.Column("baked", sql.Boolean, nullable=False),
)
_statements = sql.Table(
    "release_statements",
    _tables,
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("envelope", sql.LargeBinary, nullable=False),
    sql.Column("logged", sql.Boolean, nullable=False),
)
_commands = sql.Table(
    "release_commands",
    _tables,
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
_alerts = sql.Table(
    "release_alerts",
    _tables,
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("at", sql.String(40), nullable=False),
    sql.Column("about", sql.String(300), nullable=False),
    sql.Column("text", sql.Text, nullable=False),
)
_lease = sql.Table(
    "release_lease",
    _tables,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("holder", sql.String(300), nullable=False),
    sql.Column("until", sql.String(40), nullable=False),
)


@dataclass(frozen=True)
class Journaled:
    """A release as the journal has it.

    Attributes
    ----------
    number
        Order of arrival; None before it was written.
    address
        The gateway's address of its endpoint.
    previous
        Request of the release that was live before it.
    paused
        A human holds it; only a violated guardrail moves it then.
    baked
        The last step's bake is over: the previous version is not kept warm any more.
    """

    release: Release
    address: str
    number: int | None = None
    previous: str | None = None
    paused: bool = False
    baked: bool = False

    def stepped(self, state: ReleaseState, weight: float, reason: str, at: datetime, **changes: Any) -> Journaled:
        """Return it with one more step."""
        step = ReleaseStep(at=at, state=state, weight=weight, reason=reason)
        steps = (*self.release.steps, step)
        release = self.release.model_copy(update={"state": state, "weight": weight, "steps": steps})
        return replace(self, release=release, **changes)


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


@dataclass(frozen=True)
class Alert:
    """Something that a human should look at."""

    at: datetime
    about: str
    text: str


class Journal:
    """The journal of all releases behind one ledger.

    Parameters
    ----------
    url
        The ledger's SQLAlchemy URL.
    """

    def __init__(self, url: str) -> None:
        if url.startswith("sqlite:///"):
            Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        self._engine = _engine(url)
        try:
            with self._writing() as connection:
                _tables.create_all(connection)
        except sql.exc.SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise ServiceError(
                f"the journal at {self._engine.url.render_as_string()} cannot be opened ({reason})"
            ) from None

    # Releases ---------------------------------------------------------------------------------------------------------

    def releases(self) -> list[Journaled]:
        """Return every release, oldest first."""
        with self._engine.connect() as connection:
            return [_journaled(row) for row in connection.execute(sql.select(_releases).order_by(_releases.c.number))]

    def release(self, request: str) -> Journaled | None:
        """Return the release of a request, or None if it never came to one."""
        with self._engine.connect() as connection:
            row = connection.execute(sql.select(_releases).where(_releases.c.request == request)).first()
        return None if row is None else _journaled(row)

    def write(self, *releases: Journaled, statements: tuple[bytes, ...] = ()) -> None:
        """Write releases and the signed statements about them, all or nothing."""
        with self._writing() as connection:
            for journaled in releases:
                values = _values(journaled)
                changed = connection.execute(
                    _releases.update().where(_releases.c.request == journaled.release.request).values(**values)
                )
                if changed.rowcount == 0:
                    connection.execute(_releases.insert().values(request=journaled.release.request, **values))
            for envelope in statements:
                connection.execute(_statements.insert().values(envelope=envelope, logged=False))

    def unlogged(self) -> list[tuple[int, bytes]]:
        """Return the statements that are not in the ledger yet, in order."""
        query = sql.select(_statements).where(_statements.c.logged.is_(False)).order_by(_statements.c.number)
        with self._engine.connect() as connection:
            return [(int(row.number), bytes(row.envelope)) for row in connection.execute(query)]

    def logged(self, number: int) -> None:
        """Note that a statement is in the ledger."""
        with self._writing() as connection:
            connection.execute(_statements.update().where(_statements.c.number == number).values(logged=True))

    # Commands ---------------------------------------------------------------------------------------------------------

    def ask(self, endpoint: str, verb: Verb, *, by: str, reason: str = "", environment: str | None = None) -> int:
        """Leave a command for the controller and return its number."""
        values = {"endpoint": endpoint, "environment": environment, "verb": verb, "by": by, "reason": reason}
        with self._writing() as connection:
            row = connection.execute(_commands.insert().values(at=datetime.now(UTC).isoformat(), **values))
            (number,) = row.inserted_primary_key or (0,)
            return int(number)

    def command(self, number: int) -> Command:
        """Return a command; its `done` is None until the controller answered."""
        with self._engine.connect() as connection:
            row = connection.execute(sql.select(_commands).where(_commands.c.number == number)).one()
        return _command(row)

    def commands(self) -> list[Command]:
        """Return the commands without an answer, oldest first."""
        query = sql.select(_commands).where(_commands.c.done.is_(None)).order_by(_commands.c.number)
        with self._engine.connect() as connection:
            return [_command(row) for row in connection.execute(query)]

    def answer(self, number: int, answer: str, *, done: bool) -> None:
        """Answer a command."""
        with self._writing() as connection:
            connection.execute(_commands.update().where(_commands.c.number == number).values(done=done, answer=answer))

    # Alerts -----------------------------------------------------------------------------------------------------------

    def alert(self, about: str, text: str) -> None:
        """Note something for a human; the same text about the same thing is noted once."""
        same = (_alerts.c.about == about) & (_alerts.c.text == text)
        with self._writing() as connection:
            if connection.execute(sql.select(_alerts.c.number).where(same)).first() is None:
                connection.execute(_alerts.insert().values(at=datetime.now(UTC).isoformat(), about=about, text=text))

    def alerts(self) -> list[Alert]:
        """Return all alerts, oldest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(sql.select(_alerts).order_by(_alerts.c.number))
            return [Alert(datetime.fromisoformat(row.at), row.about, row.text) for row in rows]

    # The lease --------------------------------------------------------------------------------------------------------

    def take_lease(self, seconds: float = 60) -> bool:
        """Become, or stay, the one controller of this journal; False while another one lives.

        A holder on this machine counts as alive as long as its process does; one elsewhere until its time is up.
        """
        now = datetime.now(UTC)
        mine = f"{socket.gethostname()}:{os.getpid()}"
        values = {"holder": mine, "until": (now + timedelta(seconds=seconds)).isoformat()}
        with self._writing() as connection:
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
        with self._writing() as connection:
            connection.execute(_lease.delete().where(_lease.c.holder == f"{socket.gethostname()}:{os.getpid()}"))

    # The database -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Hold the only writer's place until the block ends; commit then, or roll back. As the ledger does."""
        with self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.exec_driver_sql("ROLLBACK")
                    raise
                connection.exec_driver_sql("COMMIT")
                return
            with connection.begin():
                connection.execute(sql.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
                yield connection


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return sql.create_engine(url, pool_pre_ping=True)
    engine = sql.create_engine(url, connect_args={"timeout": 30, "isolation_level": None})

    @sql.event.listens_for(engine, "connect")
    def _settings(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    return engine


def _values(journaled: Journaled) -> dict[str, Any]:
    return {
        "address": journaled.address,
        "state": journaled.release.state,
        "document": journaled.release.to_bytes(),
        "previous": journaled.previous,
        "paused": journaled.paused,
        "baked": journaled.baked,
    }


def _journaled(row: Any) -> Journaled:
    release = Release.from_bytes(bytes(row.document))
    return Journaled(release, row.address, int(row.number), row.previous, bool(row.paused), bool(row.baked))


def _command(row: Any) -> Command:
    done = None if row.done is None else bool(row.done)
    return Command(int(row.number), row.endpoint, row.environment, row.verb, row.by, row.reason, done, row.answer or "")


def _alive(holder: str, until: datetime, now: datetime) -> bool:
    host, _, process = holder.rpartition(":")
    if host != socket.gethostname():
        return now < until
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and belongs to somebody else
        return True
    return True
