"""Which writes to a model registry change what people read as an approval, and of which models.

A table over the methods of MLflow's registry stores. What is not in it is free: registering a model or a version,
describing it, tagging it with what is not ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nbdeploy.registry.tags import is_standing


@dataclass(frozen=True)
class Act:
    """A write that is guarded.

    Attributes
    ----------
    models
        Names of the registered models that it changes.
    told
        What it does, as a refusal says it: “the alias champion of churn cannot be set”.
    """

    models: tuple[str, ...]
    told: str


Reading = Callable[[Mapping[str, Any]], Act | None]
"""From the arguments of a store's method, by name, to the guarded act, or None where it is free."""


def _alias(word: str) -> Reading:
    return lambda given: Act((str(given["name"]),), f"the alias {given['alias']} of {given['name']} cannot be {word}")


def _version(word: str) -> Reading:
    return lambda given: Act((str(given["name"]),), f"version {given['version']} of {given['name']} cannot be {word}")


def _model(word: str) -> Reading:
    return lambda given: Act((str(given["name"]),), f"the registered model {given['name']} cannot be {word}")


def _rename(given: Mapping[str, Any]) -> Act:
    # Both names: a renamed model takes its aliases along, out of an enforced name as well as into one.
    old, new = str(given["name"]), str(given["new_name"])
    return Act((old, new), f"the registered model {old} cannot be renamed to {new}")


def _tags(given: Mapping[str, Any]) -> Act | None:
    """Setting one tag, deleting one by its key, or giving several to what is created."""
    if "tag" in given:
        keys: Iterable[str] = (str(given["tag"].key),)
    elif "key" in given:
        keys = (str(given["key"]),)
    else:
        keys = tuple(str(tag.key) for tag in given.get("tags") or ())
    ours = [key for key in keys if is_standing(key)]
    if not ours:
        return None
    of = f"{given['name']}/{given['version']}" if given.get("version") else str(given["name"])
    return Act((str(given["name"]),), f"the tag {ours[0]} of {of} cannot be set or deleted")


GUARDED: Mapping[str, Reading] = {
    "set_registered_model_alias": _alias("set"),
    "delete_registered_model_alias": _alias("deleted"),
    "rename_registered_model": _rename,
    "delete_registered_model": _model("deleted"),
    "delete_model_version": _version("deleted"),
    "transition_model_version_stage": _version("moved to another stage"),
    "set_model_version_tag": _tags,
    "delete_model_version_tag": _tags,
    "set_registered_model_tag": _tags,
    "delete_registered_model_tag": _tags,
    "create_model_version": _tags,
    "create_registered_model": _tags,
}
"""By the name of the store's method."""
