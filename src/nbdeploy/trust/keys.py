"""Signing keys: ed25519, stored as PKCS#8 PEM that only its owner can read."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
    load_ssh_private_key,
)

from nbdeploy.errors import KeyFileError, PolicyError
from nbdeploy.trust import openssh

_LIMIT = 64 * 1024
_PUBLIC = re.compile(r"ed25519:([A-Za-z0-9+/]{43}=)")

# The eight points of small order in every encoding that decoders take, without the sign bit: a key that is one of them
# verifies signatures that nobody made. The tests calculate them from the curve's equation.
_SMALL_ORDER = frozenset(
    bytes.fromhex(text)
    for text in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


@dataclass(frozen=True)
class Signer:
    """A private key in memory. Its `public` text is how policies name it."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        """``ed25519:`` and the base64 of the 32 public bytes."""
        return public_text(self.private.public_key())


def public_text(key: Ed25519PublicKey) -> str:
    """Return how a policy writes a public key."""
    return "ed25519:" + base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def raw_public(public: str) -> bytes:
    """Return the 32 bytes of a public key.

    Raises
    ------
    PolicyError
        Not ``ed25519:BASE64``, not 32 bytes, or a point of small order.
    """
    match = _PUBLIC.fullmatch(public)
    try:
        raw = base64.b64decode(match[1], validate=True) if match else b""
    except binascii.Error:
        raw = b""
    # One key has one text: the last letter of the base64 carries two bits that must be zero.
    if match is None or base64.b64encode(raw).decode() != match[1]:
        raise PolicyError(
            f"{public[:80]!r} is not a public key", next="write it as nbdeploy key show prints it: ed25519:…"
        )
    if raw[:31] + bytes([raw[31] & 0x7F]) in _SMALL_ORDER:
        raise PolicyError(f"{public!r} is a point of small order, for which anybody can make signatures")
    return raw


def key_id(public: str) -> str:
    """Return the SHA-256 of the raw public key, in hexadecimal."""
    return hashlib.sha256(raw_public(public)).hexdigest()


def create_key(path: Path, passphrase: bytes | None) -> str:
    """Make a key, store it at `path` with mode 0600, and return its public half.

    Parameters
    ----------
    passphrase
        Encrypts the file; None is for services only.

    Raises
    ------
    KeyFileError
        The file exists, the passphrase is empty, or the folder cannot be written.
    """
    return store_key(path, Signer(Ed25519PrivateKey.generate()), passphrase)


def store_key(path: Path, signer: Signer, passphrase: bytes | None) -> str:
    """Write a key as PKCS#8, as `create_key` does; an existing file is never overwritten."""
    if passphrase is not None and not passphrase:
        raise KeyFileError("the passphrase is empty", next="choose one, or make a service key with --service")
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    data = signer.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyFileError(
            f"{path} exists and is never overwritten", next="choose another name, or move it away"
        ) from None
    except OSError as error:
        raise KeyFileError(f"{path} cannot be written ({error.strerror})") from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
    except OSError as error:
        path.unlink()  # half a key would stand in the way of the whole one
        raise KeyFileError(f"{path} cannot be written ({error.strerror})") from None
    return signer.public


def load_key(path: Path, passphrase: bytes | None) -> Signer:
    """Read a private key: PKCS#8, or as OpenSSH writes it.

    Raises
    ------
    KeyFileError
        No such file, a link, readable by others, no ed25519 key, or a wrong passphrase. Nothing was signed.
    """
    data = _private_bytes(path)
    encrypted = _encrypted(data)
    if encrypted and not passphrase:
        raise KeyFileError(f"the key {path} has a passphrase, and none was given")
    if passphrase and not encrypted and _is_key(data):
        raise KeyFileError(f"the key {path} has no passphrase, and one was given")
    load = load_ssh_private_key if openssh.is_private(data) else load_pem_private_key
    try:
        key = load(data, passphrase or None)
    except (ValueError, TypeError):
        word = "the passphrase is wrong" if encrypted else "it is not a PEM key, nor one of OpenSSH"
        raise KeyFileError(f"the key {path} cannot be opened: {word}", next="try again") from None
    except UnsupportedAlgorithm:
        raise KeyFileError(f"the key {path} is of a kind that is not known here") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path} is no ed25519 key", next="make one with: nbdeploy key create NAME")
    return Signer(key)


def read_public(path: Path) -> str | None:
    """Return the public key that a file holds (a line of OpenSSH, or PEM); None where it is a private key or neither.

    Raises
    ------
    KeyFileError
        The file cannot be read.
    PolicyError
        It holds a point of small order.
    """
    try:
        data = path.read_bytes()[:_LIMIT]
    except OSError as error:
        raise KeyFileError(f"the key {path} cannot be opened ({error.strerror})") from None
    key = openssh.public_key(data)
    if key is None and b"-----BEGIN PUBLIC KEY-----" in data:
        try:
            found = load_pem_public_key(data)
        except (ValueError, UnsupportedAlgorithm):
            return None
        key = found if isinstance(found, Ed25519PublicKey) else None
    if key is None:
        return None
    text = public_text(key)
    raw_public(text)
    return text


def is_encrypted(path: Path) -> bool:
    """Return whether a key file needs a passphrase."""
    return _encrypted(_private_bytes(path))


def _encrypted(data: bytes) -> bool:
    return openssh.is_encrypted(data) if openssh.is_private(data) else b"ENCRYPTED" in data


def _is_key(data: bytes) -> bool:
    return openssh.is_private(data) or b"PRIVATE KEY-----" in data


def _private_bytes(path: Path) -> bytes:
    """Read a key file through one descriptor, so that what was checked is what is read."""
    try:
        # Without O_NONBLOCK a pipe in the key's place would be waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeyFileError(f"there is no key file {path}", next="make one with: nbdeploy key create NAME") from None
    except OSError as error:
        raise KeyFileError(
            f"the key {path} cannot be opened ({error.strerror})", next="a key file may not be a link"
        ) from None
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise KeyFileError(f"{path} is not a file")
        if about.st_mode & 0o077:
            raise KeyFileError(f"others can read the key {path}", next=f"chmod 600 {path}, and think about a new key")
        return os.read(handle, _LIMIT)
    finally:
        os.close(handle)
