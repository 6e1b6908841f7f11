"""The parts of a policy: keys and who holds them, and what an environment asks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from datetime import time as day_time
from typing import Literal

from pydantic import AwareDatetime, Field, field_validator, model_validator

from nbdeploy.documents.objective import RISK_TIERS, RiskTier
from nbdeploy.documents.record import Record
from nbdeploy.errors import PolicyError
from nbdeploy.trust.keys import raw_public

Undecided = Literal["acknowledge", "waive", "block"]
Failed = Literal["waive", "block"]
Scan = Literal["allow", "waive", "block"]
STRICTER: tuple[str, ...] = ("allow", "acknowledge", "waive", "block")
"""What becomes of a gate that did not pass, from the mildest to the strictest."""


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


class Signatures(Record):
    """So many people, each with one of these roles."""

    by: tuple[str, ...] = Field(min_length=1)
    approvals: int = Field(default=1, ge=1)

    def __str__(self) -> str:
        return f"{self.approvals} by {' or '.join(self.by)}"


class Tier(Record):
    """What an environment asks beyond its own rule for models of a risk tier; a higher tier asks all of a lower one."""

    approvals: int | None = Field(default=None, ge=0)
    also: tuple[Signatures, ...] = ()
    expires_days: int | None = Field(default=None, ge=1)
    waiver_days: int | None = Field(default=None, ge=1)
    inconclusive: Undecided | None = None
    not_evaluated: Undecided | None = None
    failed: Failed | None = None
    scan: Scan | None = None


class Environment(Record):
    """What one environment asks for.

    Attributes
    ----------
    approvals, by
        So many people, each with one of the roles.
    also
        Further people beside those: nobody counts twice.
    tiers
        What models of a higher risk ask beyond that.
    runner
        Services that may have run the validation; empty for any with the role runner.
    notebooks
        Digests of validation notebooks whose own measurements count for floor gates.
    scan
        What becomes of code that a model brings and of names that are on no list: a signed waiver names each (waive),
        nobody may let it through (block), or it passes as it is (allow), with what the deployer's own account may do.
    waiver_days
        How long a waiver may last at most.
    older_policy
        Whether a request counts that was made under another policy than the one in force.
    on_expiry
        What an expired approval does to what runs: a warning, or an end.
    on_revoke
        What a revocation does to what runs: back to the last valid version, or an alarm only.
    """

    approvals: int = Field(default=1, ge=0)
    by: tuple[str, ...] = ("validator",)
    also: tuple[Signatures, ...] = ()
    tiers: dict[RiskTier, Tier] = {}
    expires_days: int = Field(default=30, ge=1)
    runner: tuple[str, ...] = ()
    inconclusive: Undecided = "acknowledge"
    not_evaluated: Undecided = "acknowledge"
    failed: Failed = "block"
    scan: Scan = "waive"
    waive_by: tuple[str, ...] = ()
    waiver_days: int | None = Field(default=None, ge=1)
    notebooks: tuple[str, ...] = ()
    older_policy: Literal["refuse", "accept"] = "refuse"
    on_expiry: Literal["warn", "withdraw"] = "warn"
    on_revoke: Literal["rollback", "alarm"] = "rollback"

    @model_validator(mode="after")
    def _possible(self) -> Environment:
        most = max(self.approvals, *(tier.approvals or 0 for tier in self.tiers.values()), 0)
        if most and not self.by:
            raise ValueError(f"{most} approvals are asked for, and `by` names no role that may give them")
        return self

    @property
    def groups(self) -> tuple[Signatures, ...]:
        """Every group of signatures that is asked for."""
        own = (Signatures(by=self.by, approvals=self.approvals),) if self.approvals else ()
        return (*own, *self.also)

    @property
    def needed(self) -> int:
        """How many different people must sign."""
        return self.approvals + sum(group.approvals for group in self.also)

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role whose signature counts here."""
        return tuple(dict.fromkeys((*self.by, *(role for group in self.also for role in group.by))))

    def for_tier(self, tier: RiskTier) -> Environment:
        """Return this rule with what a risk tier and all below it ask beyond it; it has no tiers left."""
        rule = self
        for name in RISK_TIERS[: RISK_TIERS.index(tier) + 1]:
            extra = self.tiers.get(name)
            rule = rule if extra is None else _stricter(rule, extra)
        return rule.model_copy(update={"tiers": {}})

    def missing(self, signed: Mapping[str, Collection[str]]) -> tuple[Signatures, ...]:
        """Return the signatures that are still needed.

        Each person fills one place only, and people are placed so that as few places as possible stay open: somebody
        with two roles does not take the place that only another one could have filled.

        Parameters
        ----------
        signed
            The people who signed, with the roles of each.
        """
        places = [index for index, group in enumerate(self.groups) for _ in range(group.approvals)]
        taken: dict[int, str] = {}

        def seat(person: str, seen: set[int]) -> bool:
            for place, index in enumerate(places):
                if place in seen or not set(signed[person]) & set(self.groups[index].by):
                    continue
                seen.add(place)
                if place not in taken or seat(taken[place], seen):
                    taken[place] = person
                    return True
            return False

        for person in signed:
            seat(person, set())
        unfilled = [index for place, index in enumerate(places) if place not in taken]
        return tuple(
            Signatures(by=group.by, approvals=unfilled.count(index))
            for index, group in enumerate(self.groups)
            if index in unfilled
        )


def _stricter(rule: Environment, extra: Tier) -> Environment:
    """Lay a tier over a rule: it can only ask more."""
    days = [day for day in (rule.waiver_days, extra.waiver_days) if day is not None]
    update: dict[str, object] = {
        "approvals": max(rule.approvals, extra.approvals or 0),
        "also": (*rule.also, *extra.also),
        "expires_days": min(rule.expires_days, extra.expires_days or rule.expires_days),
        "waiver_days": min(days, default=None),
    }
    for name in ("inconclusive", "not_evaluated", "failed", "scan"):
        update[name] = max(getattr(rule, name), getattr(extra, name) or "allow", key=STRICTER.index)
    return rule.model_copy(update=update)


class LedgerRules(Record):
    """``[ledger]``: how old the last checkpoint may be for a reader to go by it; None for any age."""

    max_age_hours: float | None = Field(default=None, gt=0)


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
