"""The policy: who may do what, where. It belongs to the risk function; whoever verifies uses their own copy."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field, PrivateAttr, model_validator

from nbdeploy.documents.objective import RISK_TIERS, RiskTier
from nbdeploy.documents.record import Record
from nbdeploy.errors import ExpiredError, LogError, PolicyError, RevokedError, RoleError, closest
from nbdeploy.trust.policy.consistent import check_consistent
from nbdeploy.trust.policy.floor import Floor
from nbdeploy.trust.policy.holders import LEDGER, KeyEntry, Person, Roots, Service
from nbdeploy.trust.policy.rules import Environment, LedgerRules

Preset = Literal["solo", "team", "regulated"]
Mode = Literal["observe", "warn", "enforce"]


@dataclass(frozen=True)
class Principal:
    """Whose key it is. `person` is the human being behind it, if one is named."""

    name: str
    person: str | None
    roles: tuple[str, ...]
    is_service: bool


class Policy(Record):
    """A policy with its preset filled in.

    Attributes
    ----------
    expires
        The last day on which it is in force; None for no end.
    roots
        Who must sign it, and the next one; None for a policy that is trusted because of where its file lies.
    floors
        Further floors, by patterns of models' names: all that fit a model hold for it, beside `floor`.
    tiers
        The risk tier that models have at least, by patterns of their names. An objective may say a higher one.
    on_alias
        What becomes of an alias of an enforced model that somebody moved without an approval.
    """

    preset: Preset | None = None
    version: int = Field(default=1, ge=1)
    expires: date | None = None
    roots: Roots | None = None
    people: tuple[Person, ...] = ()
    services: tuple[Service, ...] = ()
    environments: dict[str, Environment] = {}
    notebooks: tuple[str, ...] = ()
    floor: Floor = Floor()
    floors: dict[str, Floor] = {}
    tiers: dict[str, RiskTier] = {}
    models: dict[str, Mode] = {}
    on_alias: Literal["report", "restore"] = "report"
    ledger_rules: LedgerRules = Field(default=LedgerRules(), alias="ledger")
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
        check_consistent(self.holders, self.roots)
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

    def who(self, public: str, at: datetime, *, index: int | None = None) -> Principal:
        """Return whose key it is.

        Parameters
        ----------
        index
            The entry of the ledger (counted from 0) that holds what the key signed; None for what is not logged yet.

        Raises
        ------
        RoleError
            The policy does not name the key.
        RevokedError
            It was revoked or compromised by then.
        ExpiredError
            The policy names it for other days.
        """
        for entry in self.holders:
            named = [key for key in entry.keys if key.public == public]
            if not named:
                continue
            for key in named:
                if key.gone(at, index):
                    raise RevokedError(_given_up(entry.name, key), next="sign with a key that counts")
            if any(key.holds(at) for key in named):
                service = isinstance(entry, Service)
                person = entry.person if isinstance(entry, Service) else entry.name
                return Principal(entry.name, person, entry.roles, service)
            raise ExpiredError(
                f"the key of {entry.name} does not count on {at.date()}", next="sign with a key that does"
            )
        raise RoleError(
            "the policy names nobody with this key", next="nbdeploy policy add NAME --role ROLE --key ed25519:…"
        )

    def people_with(
        self, roles: Collection[str], *, exclude: Collection[str] = (), at: datetime | None = None
    ) -> tuple[str, ...]:
        """Return the people who hold one of these roles and a key; with `at`, a key that counts at that moment."""
        return tuple(
            person.name
            for person in self.people
            if person.name not in exclude
            and set(person.roles) & set(roles)
            and any(at is None or key.counts(at) for key in person.keys)
        )

    def tier(self, model: str) -> RiskTier:
        """Return the risk tier that a model has at least: the first matching pattern decides; low is the default."""
        return next((tier for pattern, tier in self.tiers.items() if fnmatchcase(model, pattern)), "low")

    def rule(self, environment: str, model: str, tier: RiskTier = "low") -> Environment:
        """Return what an environment asks for one model, with what its risk tier asks beyond.

        Parameters
        ----------
        tier
            What the objective says of itself. The policy's own tier for the model holds where it is higher.

        Raises
        ------
        PolicyError
            The policy does not know the environment.
        """
        rule = self.environments.get(environment)
        if rule is None:
            raise PolicyError(
                f"the policy has no environment {environment!r}{closest(environment, tuple(self.environments))}",
                next=f"its environments: {', '.join(self.environments) or 'none'}",
            )
        return rule.for_tier(max(tier, self.tier(model), key=RISK_TIERS.index))

    def floors_of(self, model: str) -> tuple[Floor, ...]:
        """Return every floor that holds for a model's objectives."""
        return (self.floor, *(floor for pattern, floor in self.floors.items() if fnmatchcase(model, pattern)))

    def mode(self, model: str) -> Mode:
        """Return how far nbdeploy goes with a model: the first matching pattern decides, and observe is the default."""
        return next((mode for pattern, mode in self.models.items() if fnmatchcase(model, pattern)), "observe")


def _given_up(owner: str, key: KeyEntry) -> str:
    stolen = key.compromised_since is not None and key.compromised_since == key.ended
    word = "may have been in other hands since" if stolen else "was revoked on"
    when = f" {key.ended.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if key.ended else ""
    logged = f", when the ledger had {key.entries} entries" if key.entries is not None else ""
    return f"the key of {owner} {word}{when}{logged}, and what was signed or logged after that does not count"
