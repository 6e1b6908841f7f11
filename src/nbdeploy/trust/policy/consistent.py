"""What a policy may not say of its people, services and keys, however each line of it reads by itself."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from nbdeploy.trust.policy.holders import LEDGER, Person, Roots, Service


def check_consistent(holders: tuple[Person | Service, ...], roots: Roots | None) -> None:
    """Refuse what would leave open who is meant.

    Raises
    ------
    ValueError
        As pydantic reads it: a name stands twice, a service works for nobody, a key has two owners, the ledger's key is
        not one, or two roots are one person's.
    """
    names = [_folded(entry.name) for entry in holders]
    for entry in holders:
        if names.count(_folded(entry.name)) > 1:
            raise ValueError(f"{entry.name!r} stands twice")
    people = {entry.name for entry in holders if isinstance(entry, Person)}
    for entry in holders:
        if isinstance(entry, Service) and entry.person is not None and entry.person not in people:
            raise ValueError(f"service {entry.name!r} works for {entry.person!r}, who is not among the people")
    owners: dict[str, str] = {}
    for entry in holders:
        for key in entry.keys:
            owner = owners.setdefault(key.public, entry.name)
            if owner != entry.name:
                raise ValueError(f"one key belongs to {owner!r} and to {entry.name!r}")
    _check_ledger(holders)
    _check_roots(roots, owners)


def _check_ledger(holders: tuple[Person | Service, ...]) -> None:
    """Refuse what would leave open which ledger is meant: its one key is what it is known by."""
    named = [entry for entry in holders if LEDGER in entry.roles]
    for entry in named:
        if not isinstance(entry, Service) or entry.roles != (LEDGER,):
            raise ValueError(f"{entry.name!r} has the role {LEDGER}, which is for a service that has no other one")
        if any(key.from_ or key.until or key.ended for key in entry.keys):
            raise ValueError(f"the key of {entry.name!r} has days, and a ledger's checkpoints carry no time")
    if named and sum(len(entry.keys) for entry in named) != 1:
        raise ValueError(f"the role {LEDGER} belongs to exactly one key")


def _check_roots(roots: Roots | None, owners: Mapping[str, str]) -> None:
    """Refuse two root keys of one person: so many signatures must be so many people."""
    held: dict[str, str] = {}
    for public in roots.keys if roots else ():
        owner = owners.get(public)
        if owner is not None and held.setdefault(owner, public) != public:
            raise ValueError(f"roots: two of the keys belong to {owner!r}, and each signature must be another person's")


def _folded(name: str) -> str:
    """Return a name as people compare names: two spellings of one person must not count as two."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
