"""The ledger: one order, no loss, and no change that `verify` does not see. Cases L1–L3, L6, A10 and P2."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.trust.writers import check, run_killed, store

from nbdeploy.errors import ClockError, KeyFileError, LogError
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.merkle import Tree, leaf_hash, verify_inclusion
from nbdeploy.trust.ledger.store import Ledger

KEY, OTHER = (Signer(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in (1, 2))
ENVELOPES = [f"envelope {n}".encode() for n in range(6)]


def note(size: int, key: Signer = KEY) -> str:
    return checkpoints.write(size, Tree([leaf_hash(envelope) for envelope in ENVELOPES[:size]]).root(), key)


def address(file: Path) -> str:
    return f"sqlite:///{file}"


def filled(file: Path, envelopes: list[bytes], key: Signer = KEY, seen: Path | None = None) -> Ledger:
    ledger = Ledger(address(file), key, seen=seen)
    for envelope in envelopes:
        ledger.append(envelope)
    return ledger


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.db"


def tamper(file: Path, *statements: tuple[str, tuple]) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        for statement, values in statements:
            database.execute(statement, values)


# Writing and reading --------------------------------------------------------------------------------------------------


def test_entries_come_back_in_the_order_in_which_they_were_logged(file: Path):
    ledger = filled(file, ENVELOPES)
    assert [entry.envelope for entry in ledger.entries()] == ENVELOPES
    assert [entry.index for entry in ledger.entries(after=3)] == [4, 5]
    assert [entry.envelope for entry in ledger.verify()] == ENVELOPES
    leaves = [leaf_hash(envelope) for envelope in ENVELOPES]
    assert (ledger.size, ledger.root()) == (6, Tree(leaves).root())
    signed = checkpoints.read(ledger.checkpoint(), KEY.public)
    assert (signed.size, signed.root) == (6, Tree(leaves).root())
    for index in range(6):
        assert verify_inclusion(leaves[index], index, 6, ledger.inclusion(index), ledger.root())


def test_the_same_envelope_twice_is_one_entry(file: Path):
    ledger = filled(file, ENVELOPES)
    again = ledger.append(ENVELOPES[2])
    assert (again.index, ledger.size) == (2, 6)


def test_an_empty_ledger_is_in_order(file: Path):
    ledger = Ledger(address(file), KEY, seen=file.with_name("seen"))
    assert ledger.verify() == []
    assert (ledger.size, ledger.checkpoint()) == (0, "")
    with pytest.raises(LogError, match="no entry 0"):
        ledger.inclusion(0)


def test_without_the_key_a_ledger_is_read_and_never_written(file: Path):
    filled(file, ENVELOPES)
    reader = Ledger(address(file))
    assert len(reader.verify()) == 6
    with pytest.raises(KeyFileError):
        reader.append(b"more")


def test_a_reader_with_the_public_key_sees_who_signed(file: Path):
    filled(file, ENVELOPES, OTHER)
    assert Ledger(address(file)).public is None
    assert len(Ledger(address(file)).verify()) == 6
    reader = Ledger(address(file), public=OTHER.public)
    assert (reader.public, len(reader.verify())) == (OTHER.public, 6)
    with pytest.raises(LogError, match="signed by another key"):
        Ledger(address(file), public=KEY.public).verify()


def test_a_key_that_is_not_the_named_one_opens_nothing(file: Path):
    assert Ledger(address(file), KEY, public=KEY.public).public == KEY.public
    with pytest.raises(KeyFileError, match="not the one that the policy names"):
        Ledger(address(file), KEY, public=OTHER.public)


def test_what_is_no_database_is_one_sentence(file: Path):
    file.parent.mkdir()
    file.write_bytes(b"this is no database, however long it may be" * 100)
    with pytest.raises(LogError) as refused:
        Ledger(address(file), KEY)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("url", ["postgresql+nodriver://host/ledger", "not an address", "nosuch://host/ledger"])
def test_an_address_that_leads_nowhere_is_one_sentence(url: str):
    with pytest.raises(LogError) as refused:
        Ledger(url, KEY)
    assert "\n" not in str(refused.value)


# What somebody with the database can do -------------------------------------------------------------------------------

ENTRY = 'INSERT INTO ledger_entries ("index", digest, envelope) VALUES (?, ?, ?)'
TAMPERED = [
    ("L1 the last entry removed", [('DELETE FROM ledger_entries WHERE "index" = 5', ())]),
    ("L1 an entry in the middle removed", [('DELETE FROM ledger_entries WHERE "index" = 2', ())]),
    ("L1 the first entry removed", [('DELETE FROM ledger_entries WHERE "index" = 0', ())]),
    ("L1 an entry made text", [('UPDATE ledger_entries SET envelope = ? WHERE "index" = 2', ("other",))]),
    ("L1 an entry edited", [('UPDATE ledger_entries SET envelope = ? WHERE "index" = 2', (b"other",))]),
    ("L1 an entry edited with its digest", [
        ('UPDATE ledger_entries SET envelope = ?, digest = ? WHERE "index" = 2', (b"", bytes_digest(b""))),
    ]),
    ("L1 two entries swapped", [
        ('UPDATE ledger_entries SET "index" = -1 WHERE "index" = 2', ()),
        ('UPDATE ledger_entries SET "index" = 2 WHERE "index" = 3', ()),
        ('UPDATE ledger_entries SET "index" = 3 WHERE "index" = -1', ()),
    ]),
    ("an entry added past the head", [(ENTRY, (6, "sha256:x", b"more"))]),
    ("the head shortened", [("UPDATE ledger_head SET size = 5", ())]),
    ("the head of a tree that cannot be", [("UPDATE ledger_head SET edge = ?", (b"\0" * 33,))]),
    ("another edge", [("UPDATE ledger_head SET edge = ?", (b"\0" * 64,))]),
    ("the head removed", [("DELETE FROM ledger_head", ())]),
    ("everything removed but the head", [("DELETE FROM ledger_entries", ())]),
    ("the checkpoint removed", [("UPDATE ledger_head SET checkpoint = ''", ())]),
    ("the checkpoint of another key", [("UPDATE ledger_head SET checkpoint = ?", (note(6, OTHER),))]),
    ("an older checkpoint", [("UPDATE ledger_head SET checkpoint = ?", (note(5),))]),
]  # fmt: skip


@pytest.mark.parametrize("statements", [case[1] for case in TAMPERED], ids=[case[0] for case in TAMPERED])
def test_what_was_changed_in_the_database_is_seen(file: Path, statements):
    ledger = filled(file, ENVELOPES)
    tamper(file, *statements)
    with pytest.raises(LogError) as refused:
        ledger.verify()
    assert "\n" not in str(refused.value)


HEADS = [case for case in TAMPERED if "head" in case[1][0][0] and "DELETE" not in case[1][0][0]]


@pytest.mark.parametrize("statements", [case[1] for case in HEADS], ids=[case[0] for case in HEADS])
def test_nothing_is_signed_on_a_head_that_somebody_else_wrote(file: Path, statements):
    ledger = filled(file, ENVELOPES)
    tamper(file, *statements)
    with pytest.raises(LogError):
        ledger.append(b"more")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger in one file, without its write-ahead log, to be copied."""
    file = tmp_path_factory.mktemp("ledger") / "ledger.db"
    filled(file, ENVELOPES)
    whole = file.with_name("whole.db")
    with closing(sqlite3.connect(file)) as database:
        database.execute("VACUUM INTO ?", (str(whole),))
    return whole


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.sampled_from([*ENVELOPES, b"forged"]), max_size=8).filter(lambda rows: rows != ENVELOPES))
def test_no_other_list_of_entries_goes_for_the_ledger(original: Path, rows: list[bytes]):
    """Any edit, drop, swap or truncation, with digests and indices made to fit."""
    copy = original.with_name("copy.db")
    shutil.copy(original, copy)
    unique = list(dict.fromkeys(rows))
    if unique == ENVELOPES:
        return
    tamper(
        copy,
        ("DELETE FROM ledger_entries", ()),
        *((ENTRY, (index, bytes_digest(row), row)) for index, row in enumerate(unique)),
    )
    with pytest.raises(LogError):
        Ledger(address(copy), KEY).verify()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_other_head_goes_for_the_ledgers(original: Path, data: st.DataObject):
    """Any letter of the checkpoint or byte of the edge changed, dropped or added, and any other size."""
    with closing(sqlite3.connect(original)) as database:
        size, edge, signed = database.execute("SELECT size, edge, checkpoint FROM ledger_head").fetchone()
    column = data.draw(st.sampled_from(["size", "edge", "checkpoint"]))
    if column == "size":
        value = data.draw(st.integers(-1, 2**40).filter(lambda other: other != size))
    else:
        whole = edge if column == "edge" else signed.encode()
        at = data.draw(st.integers(0, len(whole) - 1))
        value = whole[:at] + data.draw(st.binary(max_size=2)) + whole[at + 1 :]
        if value == whole:
            return
    copy = original.with_name("head.db")
    shutil.copy(original, copy)
    if column == "checkpoint":
        value = value.decode("utf-8", "replace")
    tamper(copy, (f"UPDATE ledger_head SET {column} = ?", (value,)))  # noqa: S608 - one of three names
    with pytest.raises(LogError):
        Ledger(address(copy), KEY).verify()


# What a reader remembers ----------------------------------------------------------------------------------------------


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    return tmp_path / "machine" / "seen"


def test_a_ledger_that_grew_is_remembered(file: Path, seen: Path):
    """Case P2 in passing: a machine that remembers nothing starts with what it sees."""
    ledger = filled(file, ENVELOPES[:3], seen=seen)
    ledger.verify()
    assert checkpoints.read(seen.read_text("utf-8"), KEY.public).size == 3
    ledger.append(b"more")
    ledger.verify()
    assert checkpoints.read(seen.read_text("utf-8"), KEY.public).size == 4
    assert [path.name for path in seen.parent.iterdir()] == ["seen"]


REWRITTEN = [
    ("L3 an older copy put back", ENVELOPES[:4]),
    ("L3 an empty ledger put back", []),
    ("L2 a fork of the same size", [*ENVELOPES[:4], b"fork"]),
    ("L2 a longer fork", [*ENVELOPES[:4], b"fork", b"and", b"more"]),
    ("L2 a fork from the start", [b"fork", *ENVELOPES[1:]]),
]


@pytest.mark.parametrize("history", [case[1] for case in REWRITTEN], ids=[case[0] for case in REWRITTEN])
def test_another_history_is_refused_and_both_signed_notes_are_kept(file: Path, seen: Path, history: list[bytes]):
    """The rewriter holds the ledger's key: every checkpoint is signed well."""
    filled(file, ENVELOPES[:5], seen=seen).verify()
    remembered = seen.read_text("utf-8")
    rewritten = filled(file.with_name("other.db"), history)
    now = rewritten.checkpoint()
    reader = Ledger(rewritten.url, KEY, seen=seen)
    for _ in range(2):
        with pytest.raises(LogError, match="seen here before"):
            reader.verify()
    assert seen.read_text("utf-8") == remembered
    evidence = seen.with_name("seen.fork-5").read_text("utf-8")
    assert remembered in evidence
    assert now in evidence


@pytest.mark.parametrize("history", [case[1] for case in REWRITTEN[:3]], ids=[case[0] for case in REWRITTEN[:3]])
def test_nothing_is_signed_on_a_history_that_is_older_than_what_was_seen(file: Path, seen: Path, history: list[bytes]):
    filled(file, ENVELOPES[:5], seen=seen).verify()
    filled(file.with_name("other.db"), history)
    with pytest.raises(LogError, match="seen here before"):
        Ledger(address(file.with_name("other.db")), KEY, seen=seen).append(b"more")


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xfe", checkpoints.write(99, bytes(32), OTHER).encode()])
def test_a_memory_that_was_changed_is_no_reason_to_go_on(file: Path, seen: Path, content: bytes):
    ledger = filled(file, ENVELOPES, seen=seen)
    ledger.verify()
    seen.write_bytes(content)
    with pytest.raises(LogError):
        ledger.verify()


def test_a_machine_that_forgot_goes_on_with_a_pinned_key_and_says_so(file: Path, seen: Path, caplog):
    """Case P2."""
    filled(file, ENVELOPES, seen=seen)
    assert Ledger(address(file), public=KEY.public, seen=seen).verify()
    assert not caplog.text
    seen.unlink()
    assert Ledger(address(file), public=KEY.public, seen=seen).verify()
    assert "for the first time (entries: 6" in caplog.text
    assert seen.is_file()


def test_a_machine_that_forgot_and_knows_no_key_refuses(file: Path, seen: Path):
    """Case P2: there is nothing left to go by."""
    filled(file, ENVELOPES)
    reader = Ledger(address(file), seen=seen)
    with pytest.raises(LogError, match="nobody named its key"):
        reader.verify()
    assert not seen.exists()


def test_a_writer_that_forgot_does_not_make_a_memory_by_writing(file: Path, seen: Path, caplog):
    """Case P2: else deleting the file and waiting for the next entry would do."""
    ledger = filled(file, ENVELOPES, seen=seen)
    seen.unlink()
    ledger.append(b"more")
    assert not seen.exists()
    ledger.verify()
    assert "for the first time (entries: 7" in caplog.text


def test_everything_deleted_is_not_an_empty_ledger(file: Path, seen: Path):
    """Case L1: no entry and no head, as if nothing had ever been logged."""
    ledger = filled(file, ENVELOPES, seen=seen)
    tamper(file, ("DELETE FROM ledger_entries", ()), ("DELETE FROM ledger_head", ()))
    for _ in range(2):
        with pytest.raises(LogError, match="and 6 were seen here before"):
            ledger.verify()
    assert "an empty ledger" in seen.with_name("seen.fork-6").read_text("utf-8")


def test_a_writer_remembers_what_it_signed(file: Path, seen: Path):
    """Case L3: a backup that was put back is not continued, though nobody had read the newer entries."""
    ledger = filled(file, ENVELOPES[:3], seen=seen)
    older = file.with_name("backup.db")
    with closing(sqlite3.connect(file)) as database:
        database.execute("VACUUM INTO ?", (str(older),))
    ledger.append(b"after the backup")
    restored = Ledger(address(older), KEY, seen=seen)
    for act in (lambda: restored.append(b"another history"), restored.refresh, restored.verify):
        with pytest.raises(LogError, match="seen here before"):
            act()


# Time -----------------------------------------------------------------------------------------------------------------

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
READERS = [
    ("L3 within the limit", HOUR, {"max_age": 2 * HOUR}, None),
    ("L3 stale beyond max age", 3 * HOUR, {"max_age": 2 * HOUR}, LogError),
    ("no limit", 3000 * HOUR, {}, None),
    ("whoever holds the key knows that nothing is hidden", 3000 * HOUR, {"max_age": HOUR, "key": KEY}, None),
    ("A8 the reader's clock two days behind", -48 * HOUR, {}, ClockError),
    ("A8 the reader's clock a little behind", -HOUR / 12, {}, None),
]


@pytest.mark.parametrize(("later", "options", "refused"), [r[1:] for r in READERS], ids=[r[0] for r in READERS])
def test_a_checkpoint_has_an_age(file: Path, seen: Path, later: timedelta, options, refused):
    Ledger(address(file), KEY, clock=lambda: START).append(b"one")
    reader = Ledger(address(file), public=KEY.public, seen=seen, clock=lambda: START + later, **options)
    if refused is None:
        assert len(reader.verify()) == 1
    else:
        with pytest.raises(refused):
            reader.verify()


def test_an_older_checkpoint_of_the_same_tree_is_refused(file: Path, seen: Path):
    """Case L3: time goes one way, as size does."""
    writer = Ledger(address(file), KEY, clock=lambda: START)
    writer.append(b"one")
    old = writer.checkpoint()
    Ledger(address(file), KEY, clock=lambda: START + HOUR).refresh()
    reader = Ledger(address(file), public=KEY.public, seen=seen, clock=lambda: START + HOUR)
    reader.verify()
    tamper(file, ("UPDATE ledger_head SET checkpoint = ?", (old,)))
    with pytest.raises(LogError, match="older than the one of 2026-11-21 13:00 UTC"):
        reader.verify()


def test_an_empty_ledger_can_be_signed_for(file: Path, seen: Path):
    ledger = Ledger(address(file), KEY, seen=seen)
    assert checkpoints.read(ledger.refresh(), KEY.public).size == 0
    assert ledger.verify() == []
    assert ledger.append(b"one").index == 0
    assert len(ledger.verify()) == 1


# Others at the same time ----------------------------------------------------------------------------------------------


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return store(KEY, tmp_path / "ledger.pem")


def test_a_writer_killed_at_any_moment_leaves_the_old_state_or_the_new_one(file: Path, key_file: Path, tmp_path: Path):
    """Case L6: after every kill all that was acknowledged is there, and at most one entry more."""
    told, sizes = tmp_path / "told-0", []

    def look() -> None:
        acknowledged = len(told.read_text().splitlines())
        sizes.append(len(Ledger(address(file), KEY).verify()) - acknowledged)

    outcome = run_killed(address(file), key_file, tmp_path, writers=1, each=25, kills=15, longest=0.06, killed_one=look)
    assert outcome.kills == len(sizes)
    assert outcome.kills >= 5
    assert set(sizes) <= {0, 1}
    check(Ledger(address(file), KEY), outcome, writers=1, each=25)


def test_writers_killed_at_random_lose_nothing_and_get_one_order(file: Path, key_file: Path, tmp_path: Path):
    """Cases A10 and L6. The file does not exist when they start."""
    outcome = run_killed(address(file), key_file, tmp_path, writers=4, each=25, kills=5)
    assert outcome.kills == 5
    check(Ledger(address(file), KEY), outcome, writers=4, each=25)


KILLED = """
import os, sys
from nbdeploy.trust.ledger import store as module
from nbdeploy.trust.keys import load_key
from pathlib import Path
ledger = module.Ledger(sys.argv[1], load_key(Path(sys.argv[2]), None))
write = module.checkpoints.write
def die(*args):
    write(*args)
    os._exit(9)  # between the entry and its head, as a power cut would
with ledger._database.writing() as connection:
    connection.execute(module.entry_table.insert().values(index=6, digest="sha256:x", envelope=b"half"))
    module.checkpoints.write = die
    die(7, bytes(32), ledger._key)
"""

FULL = """
import resource, signal, sys
from nbdeploy.errors import LogError
from nbdeploy.trust.keys import load_key
from nbdeploy.trust.ledger.store import Ledger
from pathlib import Path
ledger = Ledger(sys.argv[1], load_key(Path(sys.argv[2]), None))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    for n in range(1000):
        ledger.append(f"{n} ".encode() * 1000)
except LogError as error:
    print(error)
"""


def test_a_power_cut_in_an_append_leaves_the_old_state(file: Path, key_file: Path):
    """Case L6."""
    ledger = filled(file, ENVELOPES)
    done = subprocess.run([sys.executable, "-c", KILLED, address(file), str(key_file)], check=False)
    assert done.returncode == 9
    assert len(ledger.verify()) == 6
    assert ledger.append(b"half").index == 6


def test_a_full_disk_is_one_sentence_and_leaves_the_old_state(file: Path, key_file: Path):
    """Case L6."""
    ledger = filled(file, ENVELOPES)
    done = subprocess.run(
        [sys.executable, "-c", FULL, address(file), str(key_file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("E-LOG the ledger at sqlite:///")
    whole = len(ledger.verify())
    assert whole > 6
    assert ledger.append(b"there is room again").index == whole


def test_a_checkpoint_that_cannot_be_remembered_is_said_and_the_entry_stays(file: Path, tmp_path: Path):
    """Case L6: the disk of the reader's memory is full; the same envelope again is the same entry."""
    memory = tmp_path / "memory"
    memory.write_text("a file where a folder should be")
    ledger = Ledger(address(file), KEY, seen=memory / "seen")
    with pytest.raises(LogError, match="cannot be") as refused:
        ledger.append(b"first")
    assert "\n" not in str(refused.value)
    memory.unlink()
    assert ledger.append(b"first").index == 0
    assert len(ledger.verify()) == 1
