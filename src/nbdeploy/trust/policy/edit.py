"""Changing a policy's text: people, roles and keys, with the comments and the order that its keepers gave it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from nbdeploy.errors import PolicyError, closest

Edit = Callable[[TOMLDocument], None]


def edited(data: bytes, edits: Sequence[Edit], *, version: int | None = None) -> bytes:
    """Return a policy's text with changes.

    Parameters
    ----------
    version
        Its version then; None leaves it.

    Raises
    ------
    PolicyError
        It is not TOML, or a change names what is not there.
    """
    try:
        document = tomlkit.parse(data.decode("utf-8"))
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise PolicyError(f"the policy is not TOML ({error})") from None
    for edit in edits:
        edit(document)
    if version is not None:
        document["version"] = version
    return tomlkit.dumps(document).encode()


def add_person(name: str, roles: Sequence[str], public: str | None) -> Edit:
    """Name a person, with a key if there is one."""

    def edit(document: TOMLDocument) -> None:
        if any(entry["name"] == name for entry in _holders(document)):
            raise PolicyError(
                f"the policy already names {name}", next="nbdeploy policy propose --add-role or --add-key changes that"
            )
        person = tomlkit.table()
        person["name"] = name
        person["roles"] = list(roles)
        person["keys"] = tomlkit.array()
        if public:
            _append_key(person, public)
        people = document.get("people")
        if people is None:
            document["people"] = people = tomlkit.aot()
        people.append(person)
        person.add(tomlkit.nl())

    return edit


def remove(name: str) -> Edit:
    """Take a person or a service out, with every key."""

    def edit(document: TOMLDocument) -> None:
        entry = _named(document, name)
        for table in ("people", "services"):
            listed = document.get(table, [])
            for place, one in enumerate(listed):
                if one is entry:
                    del listed[place]
                    return

    return edit


def add_role(name: str, role: str) -> Edit:
    """Give a person or a service one role more."""

    def edit(document: TOMLDocument) -> None:
        entry = _named(document, name)
        if role not in entry.setdefault("roles", []):
            entry["roles"].append(role)

    return edit


def remove_role(name: str, role: str) -> Edit:
    """Take a role from a person or a service."""

    def edit(document: TOMLDocument) -> None:
        entry = _named(document, name)
        if role not in entry.get("roles", []):
            raise PolicyError(f"{name} has not the role {role!r}{closest(role, entry.get('roles', []))}")
        entry["roles"].remove(role)

    return edit


def add_key(name: str, public: str) -> Edit:
    """Give a person or a service one key more, that counts from the start."""

    def edit(document: TOMLDocument) -> None:
        _append_key(_named(document, name), public)

    return edit


def rotate_key(old: str, new: str, today: date) -> Edit:
    """Let one key count until today and another one from today on, for the same holder."""

    def edit(document: TOMLDocument) -> None:
        entry, key = _keyed(document, old)
        until = key.get("until")
        key["until"] = min(until, today) if until is not None else today
        _append_key(entry, new, since=today)

    return edit


def give_up_key(old: str, at: datetime, entries: int | None, *, compromised: bool) -> Edit:
    """Say that a key counts no longer, or that somebody else may have had it since a moment.

    Parameters
    ----------
    entries
        How many entries the ledger has now; a later one by this key never counts. None where that is not known.
    """

    def edit(document: TOMLDocument) -> None:
        _, key = _keyed(document, old)
        key["compromised_since" if compromised else "revoked"] = at
        if entries is not None:
            key["entries"] = entries

    return edit


def _holders(document: TOMLDocument) -> list[Any]:
    return [*document.get("people", []), *document.get("services", [])]


def _named(document: TOMLDocument, name: str) -> Any:
    known = [str(entry["name"]) for entry in _holders(document)]
    found = next((entry for entry in _holders(document) if entry["name"] == name), None)
    if found is None:
        raise PolicyError(f"the policy names nobody called {name!r}{closest(name, known)}")
    return found


def _keyed(document: TOMLDocument, public: str) -> tuple[Any, Any]:
    """Return the holder of a key and the key's own table."""
    for entry in _holders(document):
        for key in entry.get("keys", []):
            if key["public"] == public:
                return entry, key
    raise PolicyError(f"the policy names nobody with the key {public[:24]}…", next="nbdeploy policy show")


def _append_key(entry: Any, public: str, *, since: date | None = None) -> None:
    """Add a key in the form that the holder's keys have: a list of short tables, or ``[[people.keys]]``."""
    if "keys" not in entry:
        entry["keys"] = tomlkit.array()
    key: Any = tomlkit.table() if isinstance(entry["keys"], AoT) else tomlkit.inline_table()
    key["public"] = public
    if since is not None:
        key["from"] = since
    entry["keys"].append(key)
