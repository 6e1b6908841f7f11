"""Checkpoints: a signed note that says what it says in one way only."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nbdeploy.errors import LogError
from nbdeploy.trust import checkpoints
from nbdeploy.trust.keys import Signer

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
    assert checkpoints.read(note, KEY.public) == (42, ROOT)


NOTE = checkpoints.write(42, ROOT, KEY)
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
    ("a second signature", NOTE + NOTE.partition("\n\n")[2]),
    ("no blank line", NOTE.replace("\n\n", "\n")),
    ("signed by another key", checkpoints.write(42, ROOT, OTHER)),
]


@pytest.mark.parametrize("note", [case[1] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_note_that_was_changed_is_refused(note: str):
    with pytest.raises(LogError):
        checkpoints.read(note, KEY.public)


def test_a_reader_without_the_key_holds_the_form_all_the_same():
    assert checkpoints.read(checkpoints.write(42, ROOT, OTHER), None) == (42, ROOT)
    with pytest.raises(LogError):
        checkpoints.read(NOTE.replace("\n42\n", "\n042\n"), None)
