"""Checkpoints: a signed note that says what it says in one way only."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nbdeploy.errors import ClockError, LogError
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.checkpoints import Checkpoint

KEY, OTHER = (Signer(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in (1, 2))
ROOT = hashlib.sha256(b"root").digest()


def test_a_checkpoint_reads_as_its_specification_says():
    """C2SP tlog-checkpoint: origin, size, root, a blank line, then the signature line of a signed note."""
    note = checkpoints.write(42, ROOT, KEY)
    lines = note.split("\n")
    assert lines[:4] == ["nbdeploy/ledger", "42", base64.b64encode(ROOT).decode(), ""]
    dash, name, encoded = lines[4].split(" ")
    assert (dash, name, lines[5:]) == ("\u2014", "nbdeploy/ledger", [""])
    signed = base64.b64decode(encoded)
    # c2sp.org/signed-note: the key id is the start of SHA-256(name, newline, 0x01 for ed25519, key).
    raw = base64.b64decode(KEY.public.removeprefix("ed25519:"))
    assert signed[:4] == hashlib.sha256(b"nbdeploy/ledger\n\x01" + raw).digest()[:4]
    KEY.private.public_key().verify(signed[4:], note.partition("\n\n")[0].encode() + b"\n")
    assert checkpoints.read(note, KEY.public) == Checkpoint(note, 42, ROOT)


NOTE = checkpoints.write(42, ROOT, KEY)
AT = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
TIMED = checkpoints.write(42, ROOT, KEY, AT)
FORGED = checkpoints.write(43, ROOT, KEY).partition("\n\n")[2]
WITNESS = f"\u2014 witness.example/w1 {base64.b64encode(bytes(80)).decode()}\n"
_B64 = base64.b64encode(ROOT).decode()
BROKEN = [
    ("empty", ""),
    ("another size", NOTE.replace("\n42\n", "\n43\n")),
    ("another root", NOTE.replace(base64.b64encode(ROOT).decode(), base64.b64encode(bytes(32)).decode())),
    ("a short root", NOTE.replace(base64.b64encode(ROOT).decode(), base64.b64encode(ROOT[:31]).decode())),
    ("a size with a zero in front", NOTE.replace("\n42\n", "\n042\n")),
    ("a size with a sign", NOTE.replace("\n42\n", "\n+42\n")),
    ("a negative size", NOTE.replace("\n42\n", "\n-42\n")),
    ("a size in other digits", NOTE.replace("\n42\n", "\n\u0664\u0662\n")),
    ("another origin", NOTE.replace("nbdeploy/ledger\n", "nbdeploy/other\n", 1)),
    ("another signer's name", NOTE.replace("\u2014 nbdeploy/ledger", "\u2014 nbdeploy/other")),
    ("another dash", NOTE.replace("\u2014", "-")),
    ("no signature", NOTE.partition("\n\n")[0] + "\n\n"),
    ("half a signature", NOTE[:-20] + "\n"),
    ("an extra line", NOTE.replace("\n\n", "\nextension\n\n")),
    ("a second signature that does not hold", NOTE + FORGED),
    ("a signature line that is none", NOTE + "\u2014 witness\n"),
    ("more than a note may be", NOTE + WITNESS * 200),
    ("a signature with other last bits", NOTE[:-3] + chr(ord(NOTE[-3]) + 1) + "=\n"),
    ("two times", TIMED.replace("\n\n", "\ntime 2026-11-21T12:30:00Z\n\n")),
    ("another time", TIMED.replace("12:30", "12:31")),
    ("a root with other last bits", NOTE.replace(_B64, _B64[:-2] + chr(ord(_B64[-2]) + 1) + "=")),
    ("no blank line", NOTE.replace("\n\n", "\n")),
    ("signed by another key", checkpoints.write(42, ROOT, OTHER)),
]


@pytest.mark.parametrize("note", [case[1] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_note_that_was_changed_is_refused(note: str):
    with pytest.raises(LogError):
        checkpoints.read(note, KEY.public)


def test_a_reader_without_the_key_holds_the_form_all_the_same():
    assert checkpoints.read(checkpoints.write(42, ROOT, OTHER), None).root == ROOT
    with pytest.raises(LogError):
        checkpoints.read(NOTE.replace("\n42\n", "\n042\n"), None)


def test_the_time_is_an_extension_line_and_signed():
    assert TIMED.split("\n")[3:5] == ["time 2026-11-21T12:30:00Z", ""]
    assert checkpoints.read(TIMED, KEY.public).time == AT
    assert checkpoints.read(NOTE, KEY.public).time is None


SIGNED_OTHERWISE = [
    ("no date", "time 12:30", True),
    ("a day that is not", "time 2026-02-30T12:30:00Z", True),
    ("a zone", "time 2026-11-21T12:30:00+00:00", True),
    ("a line for others", "weather fine", False),
]


@pytest.mark.parametrize(
    ("line", "refused"), [case[1:] for case in SIGNED_OTHERWISE], ids=[c[0] for c in SIGNED_OTHERWISE]
)
def test_an_extension_line_is_a_time_or_none_of_our_business(line: str, refused: bool):
    body = f"nbdeploy/ledger\n42\n{_B64}\n{line}\n"
    key_hash = base64.b64decode(NOTE.split(" ")[-1])[:4]
    signature = base64.b64encode(key_hash + KEY.private.sign(body.encode())).decode()
    note = f"{body}\n\u2014 nbdeploy/ledger {signature}\n"
    if refused:
        with pytest.raises(LogError):
            checkpoints.read(note, KEY.public)
    else:
        assert checkpoints.read(note, KEY.public) == Checkpoint(note, 42, ROOT)


def test_room_is_left_for_witnesses():
    """Signed notes may carry signatures of others, which are passed over, wherever they stand."""
    head, signature = TIMED.split("\n\n")
    for note in (TIMED + WITNESS * 3, f"{head}\n\n{WITNESS}{signature}"):
        assert checkpoints.read(note, KEY.public).size == 42
    with pytest.raises(LogError):
        checkpoints.read(f"{head}\n\n{WITNESS}", KEY.public)


HOUR = timedelta(hours=1)
AGES = [
    ("L3 as old as may be", TIMED, AT + 24 * HOUR, 24 * HOUR, None),
    ("L3 stale beyond max age", TIMED, AT + 25 * HOUR, 24 * HOUR, LogError),
    ("old, and no limit", TIMED, AT + 2500 * HOUR, None, None),
    ("no time, and a limit", NOTE, AT, 24 * HOUR, LogError),
    ("no time, and no limit", NOTE, AT, None, None),
    ("A8 two days ahead of the reader", TIMED, AT - 48 * HOUR, None, ClockError),
    ("A8 a minute ahead of the reader", TIMED, AT - HOUR / 60, None, None),
]


@pytest.mark.parametrize(
    ("note", "now", "limit", "refused"), [case[1:] for case in AGES], ids=[case[0] for case in AGES]
)
def test_a_reader_can_tell_that_a_checkpoint_is_stale(note, now, limit, refused):
    checkpoint = checkpoints.read(note, KEY.public)
    if refused is None:
        checkpoints.check_age(checkpoint, now, limit)
    else:
        with pytest.raises(refused):
            checkpoints.check_age(checkpoint, now, limit)
