"""The ledger and the journal in PostgreSQL, as a team has them: one order for many writers."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sql
from tests.trust import postgres
from tests.trust.ledger.test_store import ENVELOPES, KEY
from tests.trust.writers import check, run_killed, store

from nbdeploy.errors import LogError
from nbdeploy.trust.ledger.store import Ledger

pytest.importorskip("psycopg", reason="psycopg is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(postgres.unfit() is not None, reason=postgres.unfit() or ""),
]


@pytest.fixture(scope="module")
def running():
    with postgres.server() as url:
        yield url


@pytest.fixture
def url(running: str) -> str:
    """An empty database."""
    engine = sql.create_engine(running)
    with engine.begin() as connection:
        connection.execute(sql.text("DROP SCHEMA public CASCADE"))
        connection.execute(sql.text("CREATE SCHEMA public"))
    engine.dispose()
    return running


def test_eight_writers_killed_at_random_lose_nothing_and_get_one_order(url: str, tmp_path: Path):
    """Cases A10 and L6, with no table there when they start, and a reader that looks at it all the while.

    The full size of 8 × 500 is in tests/benchmarks/ledger_writers.py.
    """
    stop, sizes = threading.Event(), []

    def look() -> None:
        reader = Ledger(url, public=KEY.public, seen=tmp_path / "reader.seen")
        while not stop.is_set():
            sizes.append(len(reader.verify()))
            stop.wait(0.1)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        outcome = run_killed(url, store(KEY, tmp_path / "key.pem"), tmp_path, writers=8, each=60, kills=8)
    finally:
        stop.set()
        looking.join()
    assert outcome.kills == 8
    assert sizes == sorted(sizes)
    check(Ledger(url, public=KEY.public, seen=tmp_path / "reader.seen"), outcome, writers=8, each=60)


def test_what_was_changed_in_the_database_is_seen(url: str):
    ledger = Ledger(url, KEY)
    for envelope in ENVELOPES:
        ledger.append(envelope)
    assert ledger.append(ENVELOPES[2]).index == 2
    with ledger._database.writing() as connection:
        connection.execute(sql.text("UPDATE ledger_entries SET envelope = 'other' WHERE index = 2"))
    with pytest.raises(LogError, match="entry 2 was edited"):
        ledger.verify()


def test_a_failed_append_leaves_the_old_state(url: str):
    ledger = Ledger(url, KEY)
    ledger.append(b"first")
    head = sql.text("UPDATE ledger_head SET size = 7, edge = NULL")
    with pytest.raises(LogError, match="cannot be written"), ledger._database.writing() as connection:
        connection.execute(head)
    assert len(ledger.verify()) == 1


def test_a_server_that_is_not_there_is_one_sentence(tmp_path: Path):
    with pytest.raises(LogError) as refused:
        Ledger(f"postgresql+psycopg://ledger@/postgres?host={tmp_path}", KEY)
    assert "\n" not in str(refused.value)
    assert "cannot be written" in str(refused.value)
