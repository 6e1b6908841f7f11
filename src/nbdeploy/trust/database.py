"""One SQL database with one writer at a time: where the ledger and the journal of releases live.

A writer holds its place from the first statement of a transaction: ``BEGIN IMMEDIATE`` in SQLite, a transaction-wide
advisory lock in PostgreSQL. A power cut leaves the old state or the new one.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine

from nbdeploy.errors import NbdeployError


class Database:
    """Tables that are made when they are first needed, and opened again for every transaction.

    Parameters
    ----------
    url
        A SQLAlchemy URL: SQLite for one person, PostgreSQL for a team.
    tables
        What is kept here.
    lock
        The number of PostgreSQL's advisory lock that all writers of these tables share.
    name
        What a sentence about it says: ``the ledger``.
    complaint
        The error that every failure of the database becomes; no method raises another one for it.
    """

    def __init__(self, url: str, tables: sql.MetaData, *, lock: int, name: str, complaint: type[NbdeployError]) -> None:
        self._lock = lock
        self._name = name
        self._complaint = complaint
        self._engine = self._opened(url)
        # Pooled connections to a server would stay open after their last user.
        weakref.finalize(self, self._engine.dispose)
        with self.writing() as connection:
            tables.create_all(connection)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Hold the only writer's place until the block ends; commit then, or roll back."""
        with self._border("written"), self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(sql.text("SELECT pg_advisory_xact_lock(:key)"), {"key": self._lock})
            yield connection
            connection.commit()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Look at one state of the database, however many statements it takes, while others write."""
        with self._border("read"), self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
                yield connection
            else:
                yield connection.execution_options(isolation_level="REPEATABLE READ")

    def _opened(self, url: str) -> Engine:
        if url.startswith("sqlite:///"):
            Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        try:
            return _engine(url)
        except (ImportError, sql.exc.ArgumentError) as error:
            raise self._complaint(
                f"the address of {self._name} names no database that can be reached from here ({_reason(error)})",
                next="install its driver, or mend [ledger] url in nbdeploy.toml",
            ) from None

    @contextmanager
    def _border(self, act: str) -> Iterator[None]:
        """Make one sentence of what the database complains about."""
        try:
            yield
        except (sql.exc.SQLAlchemyError, sqlite3.Error) as error:
            # The listener that sets SQLite's pragmas raises the driver's own errors.
            where = self._engine.url.render_as_string()
            raise self._complaint(f"{self._name} at {where} cannot be {act} ({_reason(error)})") from None


_PATIENCE = {"connect_timeout": 10, "keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}
"""libpq's: a server that is gone without a word is noticed within a minute, and not after two hours."""


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return sql.create_engine(url, pool_pre_ping=True, connect_args=_PATIENCE if "psycopg" in url else {})
    # The driver must not open transactions by itself: BEGIN IMMEDIATE takes the writer's place at once. And no pool:
    # a SQLite connection that is carried over a fork, as kernels are started, breaks the file's locks.
    engine = sql.create_engine(url, poolclass=sql.NullPool, connect_args={"timeout": 30, "isolation_level": None})

    @sql.event.listens_for(engine, "connect")
    def _settings(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    return engine


def _reason(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0][:200]
