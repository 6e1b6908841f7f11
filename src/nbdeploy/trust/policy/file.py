"""Reading a policy: the preset that it builds on, its own words over it, and one sentence for what is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from nbdeploy import templates
from nbdeploy.documents.record import Record
from nbdeploy.errors import PolicyError, closest
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.policy.document import Policy, Preset
from nbdeploy.trust.policy.floor import Floor, MonitorFloor, RolloutFloor
from nbdeploy.trust.policy.holders import KeyEntry, Person, Roots, Service
from nbdeploy.trust.policy.rules import Environment, LedgerRules, Signatures, Tier


def read_policy(data: bytes) -> Policy:
    """Read a policy file; what it does not say comes from its preset.

    Raises
    ------
    PolicyError
        Not TOML, an unknown key (the closest known one is named), or a contradiction.
    """
    content = _toml(data, "the policy")
    preset = content.get("preset")
    if preset is not None:
        if preset not in Preset.__args__:  # type: ignore[attr-defined]  # typing does not declare it on Literal
            known = ("solo", "team", "regulated")
            raise PolicyError(f"the policy's preset {preset!r} is not known{closest(str(preset), known)}")
        content = _merged(_toml(templates.path("policy", f"{preset}.toml").read_bytes(), f"preset {preset}"), content)
    try:
        policy = Policy.model_validate(content)
    except ValidationError as error:
        raise PolicyError(
            f"the policy cannot be read: {_complaint(error)}", next="mend it; nbdeploy policy check"
        ) from None
    policy._digest = bytes_digest(data)  # noqa: SLF001 - set once, by the only reader of files
    return policy


def _toml(data: bytes, what: str) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PolicyError(f"{what} is not TOML ({error})") from None


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one table over another, tables within tables; a list replaces a list."""
    result = dict(base)
    for key, value in over.items():
        inside = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = _merged(result[key], value) if inside else value
    return result


def _complaint(error: ValidationError) -> str:
    # A misspelt key often leaves another one missing: the spelling is what to mend.
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    path = [str(part) for part in first["loc"]]
    where = ".".join(path)
    if first["type"] != "extra_forbidden":
        message = first["msg"].removeprefix("Value error, ")
        return f"{where}: {message}" if where else message
    beside = _record(path[:-1])
    known = [field.alias or name for name, field in beside.model_fields.items()]
    return f"unknown key {where!r}{closest(path[-1], known)}"


_TABLES: dict[str, type[Record]] = {
    "people": Person,
    "services": Service,
    "environments": Environment,
    "floor": Floor,
    "floors": Floor,
    "roots": Roots,
    "ledger": LedgerRules,
}
_INSIDE: dict[str, type[Record]] = {
    "keys": KeyEntry,
    "also": Signatures,
    "tiers": Tier,
    "rollout": RolloutFloor,
    "monitor": MonitorFloor,
}


def _record(path: list[str]) -> type[Record]:
    """Return the record that a table of the file is read into."""
    beside = _TABLES.get(path[0], Policy) if path else Policy
    for part in path[1:]:
        beside = _INSIDE.get(part, beside)
    return beside
