"""The policy: who may do what, where. It belongs to the risk function; whoever verifies uses their own copy."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as day_time
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator

from nbdeploy.documents.objective import Gate, Section
from nbdeploy.documents.record import Record
from nbdeploy.errors import ExpiredError, LogError, PolicyError, RoleError
from nbdeploy.trust.keys import raw_public

Preset = Literal["solo", "team", "regulated"]
Mode = Literal["observe", "warn", "enforce"]


class KeyEntry(Record):
    """A public key with the days on which it counts, both included."""

    public: str
    from_: date | None = Field(default=None, alias="from")
    until: date | None = None

    @field_validator("public")
    @classmethod
    def _valid(cls, public: str) -> str:
        try:
            raw_public(public)
        except PolicyError as error:
            raise ValueError(error.fact) from None
        return public

    def holds(self, at: datetime) -> bool:
        """Whether the key counts at a moment."""
        after = self.from_ is None or at >= datetime.combine(self.from_, day_time.min, UTC)
        before = self.until is None or at <= datetime.combine(self.until, day_time.max, UTC)
        return after and before


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


class Environment(Record):
    """What one environment asks for.

    `runner` names the services that may have run the validation; empty for any with the role runner. `notebooks` lists
    the digests of validation notebooks whose own measurements count for floor gates. `scan` says what becomes of code
    that a model brings and of names that are on no list: a signed waiver names each (waive), nobody may let it through
    (block), or it passes as it is (allow), with what the deployer's own account may do. `waiver_days` is how long a
    waiver may last at most.
    """

    approvals: int = Field(default=1, ge=0)
    by: tuple[str, ...] = ("validator",)
    expires_days: int = Field(default=30, ge=1)
    runner: tuple[str, ...] = ()
    inconclusive: Literal["acknowledge", "waive", "block"] = "acknowledge"
    not_evaluated: Literal["acknowledge", "waive", "block"] = "acknowledge"
    failed: Literal["waive", "block"] = "block"
    scan: Literal["waive", "block", "allow"] = "waive"
    waive_by: tuple[str, ...] = ()
    waiver_days: int | None = Field(default=None, ge=1)
    notebooks: tuple[str, ...] = ()


class Floor(Record):
    """What an objective may exceed and never undercut."""

    sensitive: tuple[str, ...] = ()
    max_min_group_size: int | None = Field(default=None, ge=1)
    decide: Literal["interval", "point"] | None = None
    min_level: float | None = Field(default=None, gt=0.5, lt=1)
    gates: dict[Section, dict[str, Gate]] = {}


@dataclass(frozen=True)
class Principal:
    """Whose key it is. `person` is the human being behind it, if one is named."""

    name: str
    person: str | None
    roles: tuple[str, ...]
    is_service: bool


LEDGER = "ledger"
"""The role of the service whose key signs the ledger's checkpoints."""


class Policy(Record):
    """A policy with its preset filled in."""

    preset: Preset | None = None
    version: int = Field(default=1, ge=1)
    people: tuple[Person, ...] = ()
    services: tuple[Service, ...] = ()
    environments: dict[str, Environment] = {}
    notebooks: tuple[str, ...] = ()
    floor: Floor = Floor()
    models: dict[str, Mode] = {}
    _digest: str = PrivateAttr(default="")

    @property
    def digest(self) -> str:
        """``sha256:…`` of the file that `read_policy` read; its preset is part of the program."""
        return self._digest

    @property
    def holders(self) -> tuple[Person | Service, ...]:
        """Everybody and everything that may hold a key."""
        return (*self.people, *self.services)

    @model_validator(mode="after")
    def _consistent(self) -> Policy:
        names = [_folded(entry.name) for entry in self.holders]
        for entry in self.holders:
            if names.count(_folded(entry.name)) > 1:
                raise ValueError(f"{entry.name!r} stands twice")
        people = {person.name for person in self.people}
        for service in self.services:
            if service.person is not None and service.person not in people:
                raise ValueError(f"service {service.name!r} works for {service.person!r}, who is not among the people")
        owners: dict[str, str] = {}
        for entry in self.holders:
            for key in entry.keys:
                owner = owners.setdefault(key.public, entry.name)
                if owner != entry.name:
                    raise ValueError(f"one key belongs to {owner!r} and to {entry.name!r}")
        _check_ledger(self.holders)
        return self

    @property
    def trusted_notebooks(self) -> tuple[str, ...]:
        """Digests of the notebooks that count, over all environments."""
        listed = (*self.notebooks, *(digest for rule in self.environments.values() for digest in rule.notebooks))
        return tuple(dict.fromkeys(listed))

    @property
    def publics(self) -> tuple[str, ...]:
        """Every public key that the policy names."""
        return tuple(key.public for entry in self.holders for key in entry.keys)

    @property
    def ledger(self) -> str | None:
        """The public key that the ledger's checkpoints must be signed by, if the policy names it."""
        return next((key.public for entry in self.services if LEDGER in entry.roles for key in entry.keys), None)

    def check_ledger(self, public: str | None) -> None:
        """Refuse another ledger than the policy's.

        Parameters
        ----------
        public
            The public key of the ledger at hand; None where nobody named it.

        Raises
        ------
        LogError
            The policy names another one.
        """
        if self.ledger is not None and public != self.ledger:
            raise LogError("this is not the ledger that the policy names", next="compare its key with the policy's")

    def who(self, public: str, at: datetime) -> Principal:
        """Return whose key it is.

        Raises
        ------
        RoleError
            The policy does not name the key.
        ExpiredError
            It names it for other days.
        """
        for entry in self.holders:
            named = [key for key in entry.keys if key.public == public]
            if any(key.holds(at) for key in named):
                service = isinstance(entry, Service)
                person = entry.person if isinstance(entry, Service) else entry.name
                return Principal(entry.name, person, entry.roles, service)
            if named:
                raise ExpiredError(
                    f"the key of {entry.name} does not count on {at.date()}", next="sign with a key that does"
                )
        raise RoleError(
            "the policy names nobody with this key", next="nbdeploy policy add NAME --role ROLE --key ed25519:…"
        )

    def approvers(self, environment: str, *, exclude: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """Return the people with a key whose signature counts in an environment."""
        by = self.environments[environment].by
        return tuple(
            person.name
            for person in self.people
            if person.keys and person.name not in exclude and set(person.roles) & set(by)
        )

    def mode(self, model: str) -> Mode:
        """Return how far nbdeploy goes with a model: the first matching pattern decides, and observe is the default."""
        return next((mode for pattern, mode in self.models.items() if fnmatchcase(model, pattern)), "observe")


def _check_ledger(holders: Iterable[Person | Service]) -> None:
    """Refuse what would leave open which ledger is meant: its one key is what it is known by."""
    named = [entry for entry in holders if LEDGER in entry.roles]
    for entry in named:
        if not isinstance(entry, Service) or entry.roles != (LEDGER,):
            raise ValueError(f"{entry.name!r} has the role {LEDGER}, which is for a service that has no other one")
        if any(key.from_ or key.until for key in entry.keys):
            raise ValueError(f"the key of {entry.name!r} has days, and a ledger's checkpoints carry no time")
    if named and sum(len(entry.keys) for entry in named) != 1:
        raise ValueError(f"the role {LEDGER} belongs to exactly one key")


def _folded(name: str) -> str:
    """Return a name as people compare names: two spellings of one person must not count as two."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
