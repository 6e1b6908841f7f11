"""Making, reading and replacing keys. A passphrase is asked for when it is needed, and stays nowhere."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbdeploy.errors import KeyFileError, NbdeployError
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown
from nbdeploy.trust.keys import Signer, is_encrypted, load_key, read_public, store_key
from nbdeploy.trust.keys import create_key as write_key

Ask = Callable[[], bytes]


def key_folder() -> Path:
    """Return where a person's keys lie: ``NBDEPLOY_KEYS``, or ``.nbdeploy/keys`` in the home folder."""
    return Path(os.environ.get("NBDEPLOY_KEYS") or Path.home() / ".nbdeploy" / "keys")


_ELSEWHERE = re.compile(r"(pkcs11|yubikey|piv|tpm2?|ssh-agent|gpg-agent|agent|[a-z]+kms|hsm):", re.IGNORECASE)
"""How other tools name keys that are no files."""


def find_key(given: Path) -> Path:
    """Return the key file that `given` names: a path, or a name in the key folder."""
    if given.is_file():
        return given
    if _ELSEWHERE.match(str(given)):
        raise KeyFileError(
            f"{given} is a key on a token or in an agent, and only key files are read; nothing was signed",
            next="give a key file, or the name of one in your key folder",
        )
    named = key_folder() / f"{_file_name(str(given))}.pem"
    if named.is_file():
        return named
    raise KeyFileError(
        f"there is no key file {given}, and none of that name in {key_folder()}",
        next="make one with: nbdeploy key create NAME",
    )


def _file_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "key"


def open_key(given: Path, passphrase: Ask) -> Signer:
    """Return a key to sign with; the passphrase is only asked for when it has one."""
    path = find_key(given)
    return load_key(path, passphrase() if is_encrypted(path) else None)


def check_personal(given: Path) -> None:
    """Refuse to let a person decide with a key that nothing protects: whoever copies the file would be that person.

    Raises
    ------
    KeyFileError
        It has no passphrase, and so is a service's.
    """
    path = find_key(given)
    if not is_encrypted(path):
        raise KeyFileError(
            f"the key {path} has no passphrase, and a person decides only with one that has",
            next=f"nbdeploy key import {path} --name NAME stores it with one",
        )


def create_key(name: str, *, file: Path | None = None, passphrase: bytes | None = None) -> tuple[Path, str]:
    """Make an ed25519 key and return its file and its public half (``ed25519:…``)."""
    path = file or key_folder() / f"{_file_name(name)}.pem"
    return path, write_key(path, passphrase)


def public_key(file: Path, passphrase: Ask) -> str:
    """Return the public half of a key file, or of a ``.pub`` line of OpenSSH."""
    path = find_key(file)
    return read_public(path) or open_key(path, passphrase).public


@dataclass(frozen=True)
class KeyStored(Result):
    """A key that was stored, encrypted, and what its policy must say about it."""

    name: str
    file: Path
    public: str
    source: Path

    def show(self) -> Shown:
        return Shown(
            title=f"Imported the key of {self.name}",
            lines=[
                f"Public key: {self.public}",
                f"It is stored encrypted in {self.file}. {self.source} was not changed.",
            ],
            next=[f"nbdeploy policy add '{self.name}' --role validator --key {self.public}"],
        )

    def facts(self) -> dict[str, Any]:
        return {"file": str(self.file), "public": self.public}


def import_key(source: Path, name: str, *, file: Path | None = None, passphrase: Ask, new: Ask) -> KeyStored:
    """Store an ed25519 key of another program, encrypted.

    Parameters
    ----------
    source
        PKCS#8 or OpenSSH's own form, with or without passphrase. It is read, never changed.
    passphrase, new
        Asked for the one that the source has, if it has one, and for the one that the stored key gets.

    Raises
    ------
    KeyFileError
        The source is no private ed25519 key, others can read it, or the target exists.
    """
    if read_public(source) is not None:
        raise KeyFileError(
            f"{source} is a public key, and there is nothing to keep secret in it", next=f"nbdeploy key show {source}"
        )
    signer = load_key(source, passphrase() if is_encrypted(source) else None)
    path = file or key_folder() / f"{_file_name(name)}.pem"
    if path.exists():
        raise KeyFileError(f"{path} exists and is never overwritten", next="choose another name, or move it away")
    return KeyStored(name, path, store_key(path, signer, new()), source)


@dataclass(frozen=True)
class KeyRotated(Result):
    """A new key beside the old one. Both files stay."""

    old_file: Path
    file: Path
    old: str
    public: str
    owner: str

    def show(self) -> Shown:
        today = datetime.now(UTC).date()
        says = [
            f'{{public = "{self.old}", until = {today}}}',
            f'{{public = "{self.public}", from = {today}}}',
        ]
        known = [f"The policy names the old key for {self.owner}."] if self.owner else []
        return Shown(
            title=f"Made a new key in {self.file}",
            lines=[
                *known,
                f"The old key stays in {self.old_file}: keep it until the policy has changed.",
                "The new one counts once the policy says so. Its keys would then be:",
                *says,
            ],
            next=[f"nbdeploy policy propose --rotate {self.old} {self.public}"],
        )

    def facts(self) -> dict[str, Any]:
        return {"old": self.old, "public": self.public, "file": str(self.file)}


def rotate_key(given: Path, *, passphrase: Ask, new: Ask) -> KeyRotated:
    """Make a key that replaces another one; the old file is not touched.

    Parameters
    ----------
    passphrase, new
        Asked for the old key's passphrase, if it has one, and for the new one's. A service's key, which has none, is
        replaced by one without.
    """
    path = find_key(given)
    encrypted = is_encrypted(path)
    old = open_key(path, passphrase).public
    stem = re.sub(r"-[0-9]+$", "", path.stem)
    number = next(n for n in range(2, 10_000) if not path.with_name(f"{stem}-{n}.pem").exists())
    target = path.with_name(f"{stem}-{number}.pem")
    return KeyRotated(path, target, old, write_key(target, new() if encrypted else None), _owner(old))


def _owner(public: str) -> str:
    """Return whose key the project's policy says it is; empty outside of a project, or where it says nothing."""
    try:
        project = Project.find()
        holders = project.policy.holders if project else ()
    except NbdeployError:  # a key can be replaced although the policy cannot be read
        return ""
    return next((entry.name for entry in holders for key in entry.keys if key.public == public), "")
