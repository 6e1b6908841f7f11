"""What every ledger does, wherever it lies: a database here, or a service that holds its key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Level = Literal["local", "team"]
"""How much a ledger proves. *local*: whoever holds its key on this machine could rewrite it. *team*: a service holds
the key, and every reader remembers what it was shown."""


@dataclass(frozen=True)
class Entry:
    """One logged envelope."""

    index: int
    digest: str
    envelope: bytes


class Log(Protocol):
    """An append-only Merkle tree over envelopes with signed checkpoints. `Ledger` and `RemoteLedger` are the two."""

    @property
    def url(self) -> str:
        """Where it is."""

    @property
    def level(self) -> Level:
        """How much it proves."""

    @property
    def public(self) -> str | None:
        """The public key that its checkpoints are signed by; None where nobody named it."""

    @property
    def size(self) -> int:
        """Number of entries."""

    def append(self, envelope: bytes) -> Entry:
        """Log an envelope; the same one twice stays one entry."""

    def entries(self, after: int = -1) -> list[Entry]:
        """Return the entries with an index above `after`, in order."""

    def root(self) -> bytes:
        """Return the root of the tree."""

    def checkpoint(self) -> str:
        """Return the signed checkpoint (C2SP tlog-checkpoint); empty where nothing was signed yet."""

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        """Return the proof that entry `index` is in the present tree."""

    def consistency(self, first: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of the first `first` entries is a prefix of the present one."""

    def verify(self) -> list[Entry]:
        """Hold every entry to the signed checkpoint and that to the last one seen here, and return the entries."""
