"""What became looser and what stricter between two policies: person by person, environment by environment, floor by
floor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nbdeploy.documents.objective import RISK_TIERS
from nbdeploy.trust.policy.changes import Change, Kind, fewer_is_stricter, fewer_of, graded, patterns
from nbdeploy.trust.policy.diff_floor import floor_changes
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.floor import Floor
from nbdeploy.trust.policy.holders import KeyEntry
from nbdeploy.trust.policy.rules import STRICTER, Environment


def changes(before: Policy, after: Policy) -> tuple[Change, ...]:
    """Return every change, what was loosened first.

    Whoever may sign more, or later, is a loosening; who loses a role or a key is a tightening. A change that is neither
    for sure is told as a change.
    """
    found = [*_whole(before, after), *_holders(before, after), *_environments(before, after), *_floors(before, after)]
    order: tuple[Kind, ...] = ("loosened", "changed", "tightened")
    return tuple(sorted(found, key=lambda change: order.index(change.kind)))


def _whole(before: Policy, after: Policy) -> Iterator[Change]:
    modes = ("observe", "warn", "enforce")
    yield from patterns("models", before.models, after.models, modes, "observe")
    yield from patterns("risk tiers", before.tiers, after.tiers, RISK_TIERS, "low")
    yield from graded("aliases", "moved without an approval", before.on_alias, after.on_alias, ("report", "restore"))
    yield from fewer_is_stricter(
        "ledger", "oldest checkpoint in hours", before.ledger_rules.max_age_hours, after.ledger_rules.max_age_hours
    )
    yield from fewer_is_stricter("policy", "last day", before.expires, after.expires)
    old, new = before.roots, after.roots
    if old is None or new is None:
        if old is not new:
            yield Change("tightened" if new else "loosened", "roots", "named" if new else "no longer named")
    elif old != new:
        if old.threshold != new.threshold:
            kind: Kind = "tightened" if new.threshold > old.threshold else "loosened"
            yield Change(kind, "roots", f"{new.threshold} must sign, before {old.threshold}")
        for key in new.keys:
            if key not in old.keys:
                yield Change("loosened", "roots", f"{_key_of(after, key)} is a root now")
        for key in old.keys:
            if key not in new.keys:
                yield Change("tightened", "roots", f"{_key_of(before, key)} is no longer a root")


def _key_of(policy: Policy, public: str) -> str:
    owner = next((entry.name for entry in policy.holders for key in entry.keys if key.public == public), None)
    return f"the key {public[:20]}…" + (f" of {owner}" if owner else "")


# People and services --------------------------------------------------------------------------------------------------


def _holders(before: Policy, after: Policy) -> Iterator[Change]:
    old = {entry.name: entry for entry in before.holders}
    new = {entry.name: entry for entry in after.holders}
    services = {entry.name for entry in (*before.services, *after.services)}
    for name in dict.fromkeys([*old, *new]):
        where = f"{'service' if name in services else 'person'} {name}"
        if name not in old:
            yield Change("loosened", where, f"new, as {', '.join(new[name].roles) or 'nothing'}")
            continue
        if name not in new:
            yield Change("tightened", where, f"gone; was {', '.join(old[name].roles) or 'nothing'}")
            continue
        for role in new[name].roles:
            if role not in old[name].roles:
                yield Change("loosened", where, f"is {role} now")
        for role in old[name].roles:
            if role not in new[name].roles:
                yield Change("tightened", where, f"is no longer {role}")
        yield from _keys(where, old[name].keys, new[name].keys)
        was, now = getattr(old[name], "person", None), getattr(new[name], "person", None)
        if was != now:
            text = f"works for {now or 'nobody'}, before for {was or 'nobody'}; who it works for may not approve"
            yield Change("changed", where, text)


def _keys(where: str, before: Sequence[KeyEntry], after: Sequence[KeyEntry]) -> Iterator[Change]:
    for entry in after:
        if entry not in before and all(entry.public != one.public for one in before):
            yield Change("loosened", where, f"has a new key, which{_span(entry)}: {entry.public}")
    for entry in before:
        if entry in after:
            continue
        now = [one for one in after if one.public == entry.public]
        if not now:
            yield Change("tightened", where, f"the key {entry.public} is gone, also for what it signed before")
        for one in now:
            if one not in before:
                kind: Kind = "tightened" if _narrower(entry, one) else "loosened"
                yield Change(kind, where, f"the key {entry.public}:{_span(one)}; before:{_span(entry)}")


def _narrower(before: KeyEntry, after: KeyEntry) -> bool:
    """Whether a key counts for less: no earlier, no longer, and what ended it ended it no later."""
    started = before.from_ is None or (after.from_ is not None and after.from_ >= before.from_)
    return started and all(
        (
            _no_later(before.until, after.until),
            _no_later(before.ended, after.ended),
            _no_later(before.entries, after.entries),
        )
    )


def _no_later(before: Any, after: Any) -> bool:
    return before is None or (after is not None and bool(after <= before))


def _span(key: KeyEntry) -> str:
    parts = [
        " counts" if key.from_ or key.until else "",
        f" from {key.from_}" if key.from_ else "",
        f" until {key.until}" if key.until else "",
        f", revoked {key.revoked:%Y-%m-%d %H:%M}" if key.revoked else "",
        f", in other hands since {key.compromised_since:%Y-%m-%d %H:%M}" if key.compromised_since else "",
        f", for the first {key.entries} entries of the ledger" if key.entries is not None else "",
    ]
    return "".join(parts).replace(" ,", ",").removeprefix(",") or " counts always"


# Environments ---------------------------------------------------------------------------------------------------------


def _environments(before: Policy, after: Policy) -> Iterator[Change]:
    for name in dict.fromkeys([*before.environments, *after.environments]):
        old, new = before.environments.get(name), after.environments.get(name)
        if old is None or new is None:
            text = "a new environment" if new else "the environment is gone: nothing can be asked for it"
            yield Change("changed" if new else "tightened", name, text)
            continue
        yield from _rule(name, old.for_tier("low"), new.for_tier("low"))
        for tier in RISK_TIERS:
            if tier in old.tiers or tier in new.tiers:
                yield from _rule(f"{name}, {tier} risk", old.for_tier(tier), new.for_tier(tier))


def _rule(where: str, old: Environment, new: Environment) -> Iterator[Change]:
    if old.needed != new.needed:
        kind: Kind = "tightened" if new.needed > old.needed else "loosened"
        yield Change(kind, where, f"{_signatures(new)}, before {_signatures(old)}")
    elif old.groups != new.groups:
        yield Change(_by_kind(old, new), where, f"{_signatures(new)}, before {_signatures(old)}")
    for name, word in (
        ("inconclusive", "an undecided gate"),
        ("not_evaluated", "a gate that was not evaluated"),
        ("failed", "a failed gate"),
        ("scan", "what the file scan asks about"),
    ):
        yield from graded(where, word, getattr(old, name), getattr(new, name), STRICTER)
    yield from graded(where, "a request under an older policy", old.older_policy, new.older_policy, _ACCEPTS)
    yield from graded(where, "what runs after its approval expired", old.on_expiry, new.on_expiry, _EXPIRY)
    yield from graded(where, "what runs after a revocation", old.on_revoke, new.on_revoke, _REVOKED)
    yield from fewer_is_stricter(where, "days of an approval", old.expires_days, new.expires_days)
    yield from fewer_is_stricter(where, "days of a waiver", old.waiver_days, new.waiver_days)
    yield from fewer_of(where, "may waive", old.waive_by or old.by, new.waive_by or new.by)
    yield from fewer_of(where, "may run the validation", old.runner, new.runner, empty="any runner")
    yield from fewer_of(where, "count as validation notebooks", old.notebooks, new.notebooks)


_ACCEPTS = ("accept", "refuse")
_EXPIRY = ("warn", "withdraw")
_REVOKED = ("alarm", "rollback")


def _signatures(rule: Environment) -> str:
    return " and ".join(map(str, rule.groups)) or "no signature"


def _by_kind(old: Environment, new: Environment) -> Kind:
    """Whether as many signatures of other roles are more or less: fewer roles in every group are more."""
    if len(old.groups) != len(new.groups):
        return "changed"
    pairs = list(zip(old.groups, new.groups, strict=True))
    if any(one.approvals != other.approvals for one, other in pairs):
        return "changed"
    if all(set(other.by) <= set(one.by) for one, other in pairs):
        return "tightened"
    return "loosened" if all(set(one.by) <= set(other.by) for one, other in pairs) else "changed"


def _floors(before: Policy, after: Policy) -> Iterator[Change]:
    yield from floor_changes("floor", before.floor, after.floor)
    for pattern in dict.fromkeys([*before.floors, *after.floors]):
        old, new = (policy.floors.get(pattern, Floor()) for policy in (before, after))
        yield from floor_changes(f"floor of {pattern}", old, new)
