"""The ledger and the journal in PostgreSQL, as a team has them: one order for many writers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sql
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.trust import postgres
from tests.trust.test_ledger import ENVELOPES, KEY, WRITER

from nbdeploy.errors import LogError
from nbdeploy.trust.ledger import Ledger

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


def test_eight_writers_get_one_order_and_lose_nothing(url: str, tmp_path: Path):
    """Case A10, with no table there when they start, and a reader that looks at it all the while."""
    stored = tmp_path / "ledger.pem"
    stored.touch(mode=0o600)
    stored.write_bytes(KEY.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    command = [sys.executable, "-c", WRITER, url, str(stored)]
    writers = [subprocess.Popen([*command, str(n)], stderr=subprocess.PIPE, text=True) for n in range(8)]
    reader = Ledger(url, public=KEY.public, seen=tmp_path / "seen")
    sizes = []
    while any(writer.poll() is None for writer in writers):
        sizes.append(len(reader.verify()))
    complaints = [writer.communicate()[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 8, complaints
    entries = [entry.envelope.decode() for entry in reader.verify()]
    assert sizes == sorted(sizes)
    assert len(entries) == len(set(entries)) == 8 * 25 + 1
    for n in range(8):
        assert [entry for entry in entries if entry.startswith(f"{n} ")] == [f"{n} {m}" for m in range(25)]


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
