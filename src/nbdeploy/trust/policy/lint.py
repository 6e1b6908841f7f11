"""What is worth saying about a policy that can be read: where it promises what nobody can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from nbdeploy.documents.objective import RISK_TIERS
from nbdeploy.errors import closest
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.holders import LEDGER, Person, Service
from nbdeploy.trust.policy.rules import Environment

SOON = timedelta(days=30)
_SIGNING = ("author", "runner", "deployer", LEDGER)
"""Roles that the program itself asks for; those that sign approvals are named by the environments."""


@dataclass(frozen=True)
class Problem:
    """One thing to mend. An *error* keeps somebody from working; a *warning* may be meant."""

    kind: Literal["error", "warning"]
    text: str


def problems(policy: Policy, now: datetime) -> tuple[Problem, ...]:
    """Return what to mend, errors first."""
    found = [
        *(Problem("error", text) for text in (*_unapprovable(policy, now), *_unknown_runners(policy))),
        *(Problem("error", text) for text in _ended(policy, now)),
        *(Problem("warning", text) for text in (*_roles(policy), *_keys(policy, now), *_patterns(policy))),
        *(Problem("warning", text) for text in _roots(policy, now)),
    ]
    return tuple(dict.fromkeys(found))


def _unapprovable(policy: Policy, now: datetime) -> Iterator[str]:
    """Yield the environments in which too few people can sign, at all or for the work of one author."""
    for name, rule, tier in _rules(policy):
        where = f"{name}{f' (models of {tier} risk)' if tier else ''}"
        roles = {person.name: person.roles for person in policy.people}
        able = {who: roles[who] for who in policy.people_with(rule.roles, at=now)}
        short = rule.missing(able)
        if short:
            asked, left = (" and ".join(map(str, groups)) for groups in (rule.groups, short))
            yield f"{where}: nothing can be approved. It asks for {asked}; {_people(able)}, and {left} is missing"
            continue
        for author in _authors(policy):
            if author in able and rule.missing({who: held for who, held in able.items() if who != author}):
                yield f"{where}: what {author} makes cannot be approved, for nobody approves their own work"


def _rules(policy: Policy) -> Iterator[tuple[str, Environment, str]]:
    for name, rule in policy.environments.items():
        yield name, rule.for_tier("low"), ""
        for tier in RISK_TIERS:
            if tier in rule.tiers and rule.for_tier(tier) != rule.for_tier("low"):
                yield name, rule.for_tier(tier), tier


def _authors(policy: Policy) -> tuple[str, ...]:
    """Return the people whose work is to be approved: authors, and those that a runner works for."""
    people = [person.name for person in policy.people if {"author", "runner"} & set(person.roles)]
    behind = [service.person for service in policy.services if service.person and "runner" in service.roles]
    return tuple(dict.fromkeys([*people, *behind]))


def _unknown_runners(policy: Policy) -> Iterator[str]:
    services = {service.name: service for service in policy.services}
    for name, rule in policy.environments.items():
        for runner in rule.runner:
            if runner not in services:
                yield f"{name}: the runner {runner!r} is no service of this policy{closest(runner, tuple(services))}"
            elif "runner" not in services[runner].roles:
                yield f"{name}: the service {runner!r} may run validations here, and has not the role runner"


def _ended(policy: Policy, now: datetime) -> Iterator[str]:
    if policy.expires is not None and policy.expires < now.date():
        yield f"the policy expired on {policy.expires}: nothing is started any more"


def _roles(policy: Policy) -> Iterator[str]:
    asked: dict[str, str] = {}
    for name, rule, _ in _rules(policy):
        signing = (role for group in rule.groups for role in group.by)
        for role in (*signing, *rule.waive_by):
            asked.setdefault(role, name)
    held = {role for person in policy.people for role in person.roles}
    for role, name in asked.items():
        if role not in held:
            yield f"{name}: nobody has the role {role!r}"
    known = (*asked, *_SIGNING)
    for person in policy.people:
        for role in person.roles:
            if role not in known and role != "auditor":
                yield f"{person.name}: the role {role!r} may do nothing here{closest(role, known)}"


def _keys(policy: Policy, now: datetime) -> Iterator[str]:
    for entry in policy.holders:
        what = "service" if isinstance(entry, Service) else "person"
        good = [key for key in entry.keys if key.counts(now)]
        if not entry.keys:
            if isinstance(entry, Service) or _signs(policy, entry):
                yield f"{entry.name}: the {what} has no key, and can sign nothing"
        elif not good:
            waits = any(key.from_ and key.from_ > now.date() for key in entry.keys)
            yield f"{entry.name}: no key of this {what} counts {'yet' if waits else 'any more'}"
        elif all(key.until is not None and key.until <= (now + SOON).date() for key in good):
            last = max(key.until for key in good if key.until is not None)
            yield f"{entry.name}: the last key counts until {last}; make the next one with: nbdeploy key rotate"


def _signs(policy: Policy, person: Person) -> bool:
    return any(set(person.roles) & {*rule.roles, *rule.waive_by} for _, rule, _ in _rules(policy))


def _patterns(policy: Policy) -> Iterator[str]:
    """Yield patterns that never decide, because an earlier one takes everything that they fit."""
    if policy.environments and "enforce" not in policy.models.values():
        yield "models: nothing is enforced, so that no approval is asked for anywhere"
    for table, patterns in (("models", tuple(policy.models)), ("tiers", tuple(policy.tiers))):
        for place, pattern in enumerate(patterns):
            before = next((one for one in patterns[:place] if fnmatchcase(pattern, one)), None)
            if before is not None:
                yield f"{table}: {pattern!r} never decides, for {before!r} stands above it"


def _roots(policy: Policy, now: datetime) -> Iterator[str]:
    given_up = {key.public: entry.name for entry in policy.holders for key in entry.keys if key.ended is not None}
    for public in policy.roots.keys if policy.roots else ():
        if public in given_up:
            yield f"roots: a key of {given_up[public]} was given up and is a root all the same"
    if policy.roots is not None and policy.roots.threshold == len(policy.roots.keys):
        yield "roots: every root must sign, so that one lost key would end all changes"
    if policy.expires is not None and now.date() <= policy.expires <= (now + SOON).astimezone(UTC).date():
        yield f"the policy expires on {policy.expires}: have the roots sign its next version before that"


def _people(able: dict[str, tuple[str, ...]]) -> str:
    if not able:
        return "nobody has these roles and a key that counts today"
    return f"only {', '.join(able)} {'has' if len(able) == 1 else 'have'} these roles and a key that counts today"
