"""Keys: case K1 of the attack list, RFC 8032's vectors, and the points that are no keys (case D7)."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from nbdeploy.errors import KeyFileError, PolicyError
from nbdeploy.trust.keys import Signer, create_key, is_encrypted, key_id, load_key, raw_public, read_public

# RFC 8032 section 7.1: secret key, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
]


def text(raw: bytes) -> str:
    return "ed25519:" + base64.b64encode(raw).decode()


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_keys_and_signatures_are_those_of_rfc_8032(secret: str, public: str, message: str, signature: str):
    signer = Signer(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)))
    assert signer.public == text(bytes.fromhex(public))
    assert raw_public(signer.public).hex() == public
    assert key_id(signer.public) == hashlib.sha256(bytes.fromhex(public)).hexdigest()
    assert signer.private.sign(bytes.fromhex(message)).hex() == signature


@pytest.mark.parametrize("passphrase", [None, b"correct horse"], ids=["service", "person"])
def test_a_key_comes_back_as_it_was_made(tmp_path: Path, passphrase: bytes | None):
    file = tmp_path / "keys" / "vera.pem"
    public = create_key(file, passphrase)
    assert load_key(file, passphrase).public == public
    assert is_encrypted(file) == (passphrase is not None)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def _other_kind(file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _link(file: Path) -> None:
    file.rename(file.with_name("real.pem"))
    file.symlink_to("real.pem")


BROKEN = [
    ("K1 readable by others", lambda f: f.chmod(0o644), b"right", "chmod 600"),
    ("K1 readable by the group", lambda f: f.chmod(0o640), b"right", "chmod 600"),
    ("K1 wrong passphrase", lambda _: None, b"wrong", "passphrase is wrong"),
    ("K1 no passphrase", lambda _: None, None, "none was given"),
    ("K1 not there", lambda f: f.unlink(), b"right", "there is no key file"),
    ("K2 a link", _link, b"right", "may not be a link"),
    ("a folder", lambda f: [f.unlink(), f.mkdir(mode=0o700)], b"right", "is not a file"),
    ("not a key", lambda f: f.write_text("hello"), None, "not a PEM key"),
    ("empty", lambda f: f.write_text(""), None, "not a PEM key"),
    ("another kind of key", _other_kind, None, "no ed25519 key"),
]


@pytest.mark.parametrize(("spoil", "passphrase", "says"), [c[1:] for c in BROKEN], ids=[c[0] for c in BROKEN])
def test_a_key_that_may_not_be_used_is_one_sentence(tmp_path: Path, spoil, passphrase: bytes | None, says: str):
    file = tmp_path / "vera.pem"
    create_key(file, b"right")
    spoil(file)
    with pytest.raises(KeyFileError, match=says) as refused:
        load_key(file, passphrase)
    assert "\n" not in str(refused.value)


def test_a_pipe_in_the_place_of_a_key_does_not_hang(tmp_path: Path):
    os.mkfifo(tmp_path / "vera.pem", 0o600)
    with pytest.raises(KeyFileError):
        load_key(tmp_path / "vera.pem", None)


def test_a_passphrase_for_a_key_without_one_is_said(tmp_path: Path):
    create_key(tmp_path / "ci.pem", None)
    with pytest.raises(KeyFileError, match="has no passphrase"):
        load_key(tmp_path / "ci.pem", b"some")


def test_a_key_is_never_overwritten_and_never_made_with_an_empty_passphrase(tmp_path: Path):
    create_key(tmp_path / "vera.pem", b"right")
    before = (tmp_path / "vera.pem").read_bytes()
    with pytest.raises(KeyFileError, match="never overwritten"):
        create_key(tmp_path / "vera.pem", b"right")
    assert (tmp_path / "vera.pem").read_bytes() == before
    with pytest.raises(KeyFileError, match="empty"):
        create_key(tmp_path / "otto.pem", b"")


GOOD = bytes.fromhex(RFC_8032[0][1])


@pytest.mark.parametrize(
    "public",
    [
        "",
        base64.b64encode(GOOD).decode(),
        text(GOOD)[:-1],
        text(GOOD) + "\n",
        text(GOOD[:31]),
        text(GOOD + b"\0"),
        # The last letter before "=" carries two bits that decoders drop: this would be the same key under another name.
        text(GOOD)[:-2] + "p=",
        text(GOOD).replace("+", "-").replace("/", "_") + " ",
        "rsa:" + base64.b64encode(GOOD).decode(),
    ],
)
def test_what_is_not_written_like_a_public_key_is_refused(public: str):
    with pytest.raises(PolicyError):
        raw_public(public)


# The points of small order, from the curve's equation -----------------------------------------------------------------

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


def root(square: int) -> int | None:
    """A square root modulo P, P = 5 (mod 8): RFC 8032 section 5.1.3."""
    for candidate in (pow(square, (P + 3) // 8, P), pow(square, (P + 3) // 8, P) * pow(2, (P - 1) // 4, P) % P):
        if candidate * candidate % P == square % P:
            return candidate
    return None


def add(one: tuple[int, int], two: tuple[int, int]) -> tuple[int, int]:
    """Addition on -x² + y² = 1 + d x² y² (RFC 8032 section 5.1.4, affine)."""
    (a, b), (c, d) = one, two
    product = D * a * b * c * d
    return (a * d + b * c) * pow(1 + product, -1, P) % P, (b * d + a * c) * pow(1 - product, -1, P) % P


def small_order_points() -> set[tuple[int, int]]:
    """All multiples of a point of order 8: one whose double has y = 0."""
    # 2·(x, y) has y' = (y² + x²) / (1 - d x² y²). With y' = 0: y² = -x², and on the curve 2 y² = 1 - d y⁴.
    inner = root((1 + D) % P)
    assert inner is not None
    for square in ((-1 + inner) * pow(D, -1, P) % P, (-1 - inner) * pow(D, -1, P) % P):
        y, x = root(square), root(-square % P)
        if y is not None and x is not None:
            found, point = set(), (x, y)
            while point not in found:
                found.add(point)
                point = add(point, (x, y))
            return found
    raise AssertionError


def test_the_curve_has_eight_points_of_small_order():
    assert len(small_order_points()) == 8


def encodings() -> list[bytes]:
    """Every 32 bytes that decode to one of them: both sign bits, and a y below 19 written above the prime too."""
    ys = {y for _, y in small_order_points()}
    ys |= {y + P for y in ys if y + P < 2**255}
    return [(y | sign << 255).to_bytes(32, "little") for y in sorted(ys) for sign in (0, 1)]


@pytest.mark.parametrize("raw", encodings(), ids=lambda raw: raw.hex())
def test_a_point_of_small_order_is_no_key(raw: bytes):
    """Case D7: anybody can make signatures for such a key."""
    with pytest.raises(PolicyError, match="small order"):
        raw_public(text(raw))


def test_no_other_point_is_taken_for_one_of_small_order():
    from nbdeploy.trust.keys import _SMALL_ORDER

    assert {bytes(raw[:31]) + bytes([raw[31] & 0x7F]) for raw in encodings()} == _SMALL_ORDER


def test_a_folder_in_the_place_of_a_key_is_one_sentence(tmp_path: Path):
    with pytest.raises(KeyFileError, match="is not a file"):
        load_key(tmp_path, None)


def test_one_key_has_one_text():
    text = "ed25519:" + base64.b64encode(bytes(range(32))).decode()
    other = text[:-2] + chr(ord(text[-2]) + 1) + "="
    assert base64.b64decode(other[8:]) == base64.b64decode(text[8:])
    with pytest.raises(PolicyError):
        raw_public(other)


# Keys of OpenSSH ------------------------------------------------------------------------------------------------------


def openssh(signer: Signer, passphrase: bytes | None = None, form: PrivateFormat = PrivateFormat.OpenSSH) -> bytes:
    how = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return signer.private.private_bytes(Encoding.PEM, form, how)


def store(file: Path, data: bytes) -> Path:
    file.write_bytes(data)
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("passphrase", [None, b"correct horse"], ids=["plain", "encrypted"])
def test_a_key_of_openssh_is_the_same_key(tmp_path: Path, passphrase: bytes | None):
    signer = Signer(Ed25519PrivateKey.generate())
    file = store(tmp_path / "id_ed25519", openssh(signer, passphrase))
    assert load_key(file, passphrase).public == signer.public
    assert is_encrypted(file) == (passphrase is not None)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
@pytest.mark.parametrize("passphrase", [b"", b"correct horse"], ids=["plain", "encrypted"])
def test_a_key_that_ssh_keygen_made_is_read_with_its_public_line(tmp_path: Path, passphrase: bytes):
    file = tmp_path / "id_ed25519"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-a", "2", "-N", passphrase.decode(), "-C", "a comment", "-f", file]
    subprocess.run(command, check=True)
    assert load_key(file, passphrase or None).public == read_public(file.with_suffix(".pub"))
    assert is_encrypted(file) == bool(passphrase)


def _rsa_line() -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)


@pytest.mark.parametrize(
    ("data", "passphrase", "says"),
    [
        (lambda s: openssh(s, b"right"), b"wrong", "passphrase is wrong"),
        (lambda s: openssh(s, b"right"), None, "has a passphrase, and none was given"),
        (openssh, b"some", "has no passphrase"),
        (lambda s: openssh(s)[:120], None, "has a passphrase, and none was given|cannot be opened"),
        (lambda s: openssh(s)[:120], b"some", "cannot be opened"),
        (
            lambda _: b"-----BEGIN OPENSSH PRIVATE KEY-----\n!!\n-----END OPENSSH PRIVATE KEY-----\n",
            b"x",
            "cannot be opened",
        ),
    ],
    ids=["K1 wrong passphrase", "K1 none given", "K1 one too many", "cut", "cut, with a passphrase", "junk"],
)
def test_a_key_of_openssh_that_may_not_be_used_is_one_sentence(tmp_path: Path, data, passphrase, says: str):
    file = store(tmp_path / "id_ed25519", data(Signer(Ed25519PrivateKey.generate())))
    with pytest.raises(KeyFileError, match=says) as refused:
        load_key(file, passphrase)
    assert "\n" not in str(refused.value)


def test_another_kind_of_openssh_key_is_refused(tmp_path: Path):
    key = ec.generate_private_key(ec.SECP256R1())
    file = store(tmp_path / "id", key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    with pytest.raises(KeyFileError, match="is no ed25519 key"):
        load_key(file, None)


def test_public_halves_are_read_and_nothing_else_is_taken_for_one(tmp_path: Path):
    signer = Signer(Ed25519PrivateKey.generate())
    public = signer.private.public_key()
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for data in (line, line + b" vera@bank\n", pem):
        assert read_public(store(tmp_path / "key.pub", data)) == signer.public
    for data in (b"", b"ssh-ed25519 AAAA", _rsa_line(), openssh(signer), b"ssh-ed25519 " + b"\xff" * 80):
        assert read_public(store(tmp_path / "key.pub", data)) is None


def test_a_public_line_of_small_order_is_refused(tmp_path: Path):
    raw = b"\0\0\0\x0bssh-ed25519\0\0\0 " + bytes(32)
    with pytest.raises(PolicyError, match="small order"):
        read_public(store(tmp_path / "key.pub", b"ssh-ed25519 " + base64.b64encode(raw)))
