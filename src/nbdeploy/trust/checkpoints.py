"""Signed checkpoints of the ledger: C2SP tlog-checkpoint, which is a signed note.

Sources: c2sp.org/tlog-checkpoint, c2sp.org/signed-note.

::

    nbdeploy/ledger
    42
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — nbdeploy/ledger Az3grl…
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from nbdeploy.errors import LogError
from nbdeploy.trust.keys import Signer, raw_public

ORIGIN = "nbdeploy/ledger"
_ED25519 = b"\x01"


def write(size: int, root: bytes, key: Signer) -> str:
    """Return the signed note for a tree."""
    body = f"{ORIGIN}\n{size}\n{base64.b64encode(root).decode()}\n"
    signed = _key_hash(key.public) + key.private.sign(body.encode())
    return f"{body}\n— {ORIGIN} {base64.b64encode(signed).decode()}\n"


def read(note: str, public: str | None) -> tuple[int, bytes]:
    """Return size and root of a checkpoint.

    Parameters
    ----------
    public
        The ledger's public key; None skips the signature (a reader who does not know it), never the form.

    Raises
    ------
    LogError
        Not the exact form, or not signed by that key.
    """
    body, gap, signature = note.partition("\n\n")
    lines = body.split("\n")
    try:
        origin, size_text, root_text = lines
        size, root = int(size_text), base64.b64decode(root_text, validate=True)
        dash, name, encoded = signature.removesuffix("\n").split(" ")
        signed = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise LogError("the ledger's checkpoint does not have its form") from None
    if not gap or origin != ORIGIN or name != ORIGIN or dash != "—" or str(size) != size_text or len(root) != 32:
        raise LogError("the ledger's checkpoint does not have its form")
    if public is not None:
        if signed[:4] != _key_hash(public):
            raise LogError("the ledger's checkpoint is signed by another key")
        try:
            Ed25519PublicKey.from_public_bytes(raw_public(public)).verify(signed[4:], f"{body}\n".encode())
        except InvalidSignature:
            raise LogError("the signature of the ledger's checkpoint does not hold") from None
    return size, root


def _key_hash(public: str) -> bytes:
    """Return the key hash of a signed note: the first 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key)."""
    return hashlib.sha256(ORIGIN.encode() + b"\n" + _ED25519 + raw_public(public)).digest()[:4]
