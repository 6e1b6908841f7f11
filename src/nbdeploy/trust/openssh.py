"""OpenSSH's forms of ed25519 keys: the line of a ``.pub`` file, and the private key file.

Source: openssh/PROTOCOL.key in the OpenSSH sources; RFC 8709 for the public key.
"""

from __future__ import annotations

import base64
import binascii
import struct

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

_BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_END = b"-----END OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"


def is_private(data: bytes) -> bool:
    """Whether a file has OpenSSH's form of a private key."""
    return data.lstrip().startswith(_BEGIN)


def is_encrypted(data: bytes) -> bool:
    """Whether a private key of this form needs a passphrase; True where its head cannot be read."""
    text = data.strip().removeprefix(_BEGIN).removesuffix(_END)
    try:
        raw = base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return True
    head = raw.removeprefix(_MAGIC)
    if head == raw or len(head) < 4:
        return True
    (length,) = struct.unpack(">I", head[:4])
    return head[4 : 4 + length] != b"none"


def public_key(data: bytes) -> Ed25519PublicKey | None:
    """Read a line ``ssh-ed25519 AAAA… comment``; None where it is none."""
    if not data.startswith(b"ssh-ed25519 "):
        return None
    try:
        key = load_ssh_public_key(data.strip())
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PublicKey) else None
