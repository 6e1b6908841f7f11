"""What an environment asks for: signatures by role, for whom more, and what becomes of gates that did not pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from pydantic import Field, model_validator

from nbdeploy.documents.objective import RISK_TIERS, RiskTier
from nbdeploy.documents.record import Record

Undecided = Literal["acknowledge", "waive", "block"]
Failed = Literal["waive", "block"]
Scan = Literal["allow", "waive", "block"]
STRICTER: tuple[str, ...] = ("allow", "acknowledge", "waive", "block")
"""What becomes of a gate that did not pass, from the mildest to the strictest."""


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
