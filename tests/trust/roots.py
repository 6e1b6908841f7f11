"""A small world of signed policies: roots with keys, versions published beside the file, and a machine that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.policy.file import read_policy
from nbdeploy.trust.policy.holders import Roots
from nbdeploy.trust.policy.in_force import Trusted, published, trusted_policy
from nbdeploy.trust.policy.seen import SeenPolicies
from nbdeploy.trust.policy.signing import Offered, envelope_file, sign_policy

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@cache
def root(name: str) -> Signer:
    """The key of this root, the same in every test of a run."""
    return Signer(Ed25519PrivateKey.generate())


def pinned(*names: str, threshold: int = 1) -> Roots:
    return Roots(keys=tuple(root(name).public for name in names), threshold=threshold)


def text(version: int, names: Sequence[str] = ("one", "two", "three"), threshold: int = 2, *, top: str = "") -> bytes:
    """A policy's file; no roots with empty `names`."""
    keys = ", ".join(f'"{root(name).public}"' for name in names)
    roots = f"[roots]\nkeys = [{keys}]\nthreshold = {threshold}\n" if names else ""
    return f"version = {version}\n{top}\n{roots}[environments.dev]\napprovals = 0\n".encode()


def signed(data: bytes, by: Sequence[str], previous: bytes | None = None) -> bytes | None:
    """The envelope of a policy, signed by these roots, to follow the policy of these bytes."""
    envelope = None
    for name in by:
        offered = Offered(read_policy(data), data, envelope)
        envelope = sign_policy(offered, bytes_digest(previous) if previous else None, root(name))
    return envelope


def write(file: Path, data: bytes, envelope: bytes | None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    envelope_file(file).unlink(missing_ok=True)
    if envelope is not None:
        envelope_file(file).write_bytes(envelope)


@dataclass
class Machine:
    """One deployer: the folder where policies arrive, and what it remembers."""

    folder: Path

    def __post_init__(self) -> None:
        self.file = self.folder / "policy.toml"
        self.seen = SeenPolicies(self.folder / "seen")

    def offer(self, data: bytes, by: Sequence[str] = ("one", "two"), previous: bytes | None = None) -> None:
        """Put a policy in the place where this machine reads it."""
        write(self.file, data, signed(data, by, previous))

    def publish(self, data: bytes, by: Sequence[str] = ("one", "two"), previous: bytes | None = None) -> None:
        """Put a policy into the folder of the versions before."""
        version = read_policy(data).version
        write(published(self.file) / f"{version}.toml", data, signed(data, by, previous))

    def trust(self, roots: Roots | None = None, *, now: datetime = NOW) -> Trusted:
        return trusted_policy(self.file, self.seen, roots, now)

    def begin(self) -> bytes:
        """Go by version 1, from pinned roots, and return its bytes."""
        first = text(1)
        self.offer(first)
        self.trust(pinned("one", "two", threshold=2))
        return first
