"""Signed checkpoints of the ledger: C2SP tlog-checkpoint, which is a signed note.

Sources: c2sp.org/tlog-checkpoint, c2sp.org/signed-note. The extension line with the time is ours: a reader who is only
shown an old tree must be able to tell. It is signed with the rest.

::

    nbdeploy/ledger
    42
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
    time 2026-11-21T12:30:00Z

    — nbdeploy/ledger Az3grl…

Signature lines by others, as witnesses add them, are passed over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from nbdeploy.errors import ClockError, LogError
from nbdeploy.trust.keys import Signer, raw_public

ORIGIN = "nbdeploy/ledger"
SKEW = timedelta(minutes=10)
"""How far two clocks may be apart."""

_ED25519 = b"\x01"
_LIMIT = 16 * 1024  # letters: room for many witnesses, and an end
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_TIME_LINE = re.compile(r"time ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was read. `note` is its text; `time` is None where it names none."""

    note: str
    size: int
    root: bytes
    time: datetime | None = None


def write(size: int, root: bytes, key: Signer, time: datetime | None = None) -> str:
    """Return the signed note for a tree; `time` in whole seconds."""
    body = f"{ORIGIN}\n{size}\n{base64.b64encode(root).decode()}\n"
    if time is not None:
        body += f"time {time.astimezone(UTC).strftime(_TIME)}\n"
    signed = _key_hash(key.public) + key.private.sign(body.encode())
    return f"{body}\n— {ORIGIN} {base64.b64encode(signed).decode()}\n"


def read(note: str, public: str | None) -> Checkpoint:
    """Read a checkpoint.

    Parameters
    ----------
    public
        The ledger's public key; None skips the signature (a reader who does not know it), never the form.

    Raises
    ------
    LogError
        Not the exact form, or not signed by that key.
    """
    body, gap, signatures = note.rpartition("\n\n")
    lines = body.split("\n")
    if len(note) > _LIMIT or not gap or len(lines) < 3 or not all(lines) or lines[0] != ORIGIN:
        raise _shapeless()
    size, root = _tree(lines[1], lines[2])
    checkpoint = Checkpoint(note, size, root, _time(lines[3:]))
    _check_signed(f"{body}\n".encode(), signatures, public)
    return checkpoint


def check_age(checkpoint: Checkpoint, now: datetime, max_age: timedelta | None) -> None:
    """Refuse a checkpoint that the reader's clock or the policy's limit speaks against.

    Raises
    ------
    ClockError
        It is of a moment that has not come.
    LogError
        It is older than `max_age`, or names no time where there is a limit.
    """
    if checkpoint.time is None:
        if max_age is not None:
            raise LogError("the ledger's checkpoint names no time, and the policy limits its age")
        return
    said = f"the ledger's checkpoint is of {checkpoint.time:%Y-%m-%d %H:%M} UTC"
    if checkpoint.time > now + SKEW:
        raise ClockError(
            f"{said}, and this machine's clock says {now:%Y-%m-%d %H:%M} UTC", next="set the clock that is wrong"
        )
    if max_age is not None and now - checkpoint.time > max_age:
        raise LogError(
            f"{said}, older than the {max_age / timedelta(hours=1):g} hours that may pass: newer entries may be hidden",
            next="see whether the ledger's service runs",
        )


def _shapeless() -> LogError:
    return LogError("the ledger's checkpoint does not have its form")


def _tree(size: str, root: str) -> tuple[int, bytes]:
    try:
        number, data = int(size), base64.b64decode(root, validate=True)
    except (ValueError, binascii.Error):
        raise _shapeless() from None
    if number < 0 or str(number) != size or len(data) != 32 or base64.b64encode(data).decode() != root:
        raise _shapeless()
    return number, data


def _time(extensions: list[str]) -> datetime | None:
    """Return the time that the extension lines name; other lines are for other readers."""
    named = [line for line in extensions if line.startswith("time ")]
    if not named:
        return None
    found = _TIME_LINE.fullmatch(named[0])
    if len(named) > 1 or found is None:
        raise _shapeless()
    try:
        return datetime.strptime(found[1], _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise _shapeless() from None


def _check_signed(body: bytes, signatures: str, public: str | None) -> None:
    """Ask for a signature of the ledger's key, and that each one by it holds."""
    own = _own(signatures)
    if public is None:
        return
    mine = [signed[4:] for signed in own if signed[:4] == _key_hash(public)]
    if not mine:
        raise LogError("the ledger's checkpoint is signed by another key")
    key = Ed25519PublicKey.from_public_bytes(raw_public(public))
    try:
        for signature in mine:
            key.verify(signature, body)
    except InvalidSignature:
        raise LogError("the signature of the ledger's checkpoint does not hold") from None


def _own(signatures: str) -> list[bytes]:
    """Return key hash and signature of each line in the ledger's name. Others' lines prove nothing here."""
    if not signatures.endswith("\n"):
        raise _shapeless()
    own = []
    for line in signatures.removesuffix("\n").split("\n"):
        try:
            dash, name, encoded = line.split(" ")
            signed = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            raise _shapeless() from None
        # One signature has one text: two readers must not keep two notes of one tree as if they were a fork.
        if dash != "—" or not name or len(signed) < 5 or base64.b64encode(signed).decode() != encoded:
            raise _shapeless()
        if name == ORIGIN:
            own.append(signed)
    if not own:
        raise _shapeless()
    return own


def _key_hash(public: str) -> bytes:
    """Return the key hash of a signed note: the first 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key)."""
    return hashlib.sha256(ORIGIN.encode() + b"\n" + _ED25519 + raw_public(public)).digest()[:4]
