"""Every release with its steps, and the signed statements about them.

A step, its document and the statement about it are written in one transaction; the statement is then moved into the
ledger, which takes the same envelope only once. Whenever a controller dies, no step is lost or told twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sql

from nbdeploy.documents.release import Release, ReleaseState, ReleaseStep
from nbdeploy.release.journal.tables import TABLES
from nbdeploy.trust.database import Database

ACTIVE: tuple[ReleaseState, ...] = ("verifying", "starting", "rolling", "held")
"""States of a release that is on its way: its endpoint takes no other one meanwhile."""

_releases = sql.Table(
    "release_journal",
    TABLES,
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
    TABLES,
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("envelope", sql.LargeBinary, nullable=False),
    sql.Column("logged", sql.Boolean, nullable=False),
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


class Releases:
    """The journal's releases, and what was signed about them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def releases(self, address: str | None = None) -> list[Journaled]:
        """Return every release, or those of one address, oldest first."""
        query = sql.select(_releases).order_by(_releases.c.number)
        if address is not None:
            query = query.where(_releases.c.address == address)
        with self._database.reading() as connection:
            return [_journaled(row) for row in connection.execute(query)]

    def addresses(self) -> list[str]:
        """Return every address that something was to be released at."""
        with self._database.reading() as connection:
            return sorted(connection.execute(sql.select(_releases.c.address).distinct()).scalars())

    def release(self, request: str) -> Journaled | None:
        """Return the release of a request, or None if it never came to one."""
        with self._database.reading() as connection:
            row = connection.execute(sql.select(_releases).where(_releases.c.request == request)).first()
        return None if row is None else _journaled(row)

    def write(self, *releases: Journaled, statements: tuple[bytes, ...] = ()) -> None:
        """Write releases and the signed statements about them, all or nothing."""
        with self._database.writing() as connection:
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
        with self._database.reading() as connection:
            return [(int(row.number), bytes(row.envelope)) for row in connection.execute(query)]

    def logged(self, number: int) -> None:
        """Note that a statement is in the ledger."""
        with self._database.writing() as connection:
            connection.execute(_statements.update().where(_statements.c.number == number).values(logged=True))


@lru_cache(maxsize=10_000)
def _release(document: bytes) -> Release:
    """Read a release, each once: the controller looks at all of them several times a second, and few ever change."""
    return Release.from_bytes(document)


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
    return Journaled(
        _release(bytes(row.document)), row.address, int(row.number), row.previous, bool(row.paused), bool(row.baked)
    )
