"""Who is who in a policy: people and services with their keys, and the roots that put it in force."""

from __future__ import annotations

from datetime import UTC, date, datetime
from datetime import time as day_time

from pydantic import AwareDatetime, Field, field_validator, model_validator

from nbdeploy.documents.record import Record
from nbdeploy.errors import PolicyError
from nbdeploy.trust.keys import raw_public

LEDGER = "ledger"
"""The role of the service whose key signs the ledger's checkpoints."""


class KeyEntry(Record):
    """A public key with the days on which it counts, both included.

    Attributes
    ----------
    revoked
        From this moment on the key counts no longer; what was logged before stays.
    compromised_since
        From this moment on somebody else may have had the key: nothing that it signed from then on counts.
    entries
        How many entries the ledger had when the key was given up. A statement after them does not count, whatever time
        it names: times can be invented, the ledger's order cannot.
    """

    public: str
    from_: date | None = Field(default=None, alias="from")
    until: date | None = None
    revoked: AwareDatetime | None = None
    compromised_since: AwareDatetime | None = None
    entries: int | None = Field(default=None, ge=0)

    @field_validator("public")
    @classmethod
    def _valid(cls, public: str) -> str:
        return valid_public(public)

    @model_validator(mode="after")
    def _consistent(self) -> KeyEntry:
        if self.entries is not None and self.ended is None:
            raise ValueError("entries belongs to a key that has revoked or compromised_since")
        return self

    @property
    def ended(self) -> datetime | None:
        """The first moment from which the key counts no longer for another reason than its days."""
        return min((at for at in (self.revoked, self.compromised_since) if at is not None), default=None)

    def holds(self, at: datetime) -> bool:
        """Whether the key's days include a moment."""
        after = self.from_ is None or at >= datetime.combine(self.from_, day_time.min, UTC)
        before = self.until is None or at <= datetime.combine(self.until, day_time.max, UTC)
        return after and before

    def gone(self, at: datetime, index: int | None) -> bool:
        """Whether the key was given up at a moment, or at a place in the ledger (counted from 0)."""
        if self.ended is not None and at >= self.ended:
            return True
        return self.entries is not None and index is not None and index >= self.entries

    def counts(self, at: datetime) -> bool:
        """Whether what is signed with it at a moment, and not logged yet, would count."""
        return self.holds(at) and not self.gone(at, None)


def valid_public(public: str) -> str:
    """Return a public key as it is written; ValueError, as pydantic reads it, where it is none."""
    try:
        raw_public(public)
    except PolicyError as error:
        raise ValueError(error.fact) from None
    return public


class Person(Record):
    """A human being; several keys may belong to one."""

    name: str = Field(min_length=1)
    roles: tuple[str, ...] = ()
    keys: tuple[KeyEntry, ...] = ()


class Service(Record):
    """A machine that signs. `person` is the human being it works for, who may then not approve what it did."""

    name: str = Field(min_length=1)
    roles: tuple[str, ...] = ()
    keys: tuple[KeyEntry, ...] = ()
    person: str | None = None


class Roots(Record):
    """``[roots]``: the keys that put a policy in force, and how many of them must sign it."""

    keys: tuple[str, ...] = Field(min_length=1)
    threshold: int = Field(default=1, ge=1)

    @field_validator("keys")
    @classmethod
    def _valid(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(keys)) != len(keys):
            raise ValueError("a key stands twice")
        return tuple(valid_public(key) for key in keys)

    @model_validator(mode="after")
    def _possible(self) -> Roots:
        if self.threshold > len(self.keys):
            raise ValueError(f"{self.threshold} signatures are asked for, and there are {len(self.keys)} keys")
        return self
