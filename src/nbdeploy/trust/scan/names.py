"""Which names a pickle may look up: exact ones that clean models need, and those that no model needs."""

from __future__ import annotations

import tomllib
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from functools import cache
from importlib.resources import files

from nbdeploy.trust.scan.values import Named

_LOADERS = (
    "load",
    "loads",
    "load_model",
    "load_pickle",
    "load_pyfunc",
    "read_pickle",
    "unpickle",
    "runstring",
    "eval",
    "exec",
    "system",
    "popen",
)
"""Functions of whatever library that execute what they are given."""

WHOLE = "*"
"""In the place of a name: the module itself is what is looked up."""

_EVERYTHING = ("builtins", "operator", "_operator", "functools")
"""Modules that lead to everything; with one of the others in hand, only code could go further."""


@cache
def _lists() -> tuple[frozenset[tuple[str, str]], frozenset[str], frozenset[tuple[str, str]]]:
    content = tomllib.loads(files("nbdeploy.trust.scan").joinpath("names.toml").read_text("utf-8"))
    allowed = {(module, name) for module, names in content["allowed"].items() for name in names}
    # numpy 2 moved its inner modules; models that an older one wrote name the old place.
    allowed |= {(module.replace("numpy._core", "numpy.core"), name) for module, name in allowed}
    refused = {(module, name) for module, names in content["refused_names"].items() for name in names}
    return frozenset(allowed), frozenset(content["refused_modules"]), frozenset(refused)


def allowed(named: Named) -> bool:
    """Whether clean models need it, and nothing but a plain object can come of it."""
    module, name = _now(named)
    return (module, name) in _lists()[0]


def refused(named: Named) -> bool:
    """Whether it runs commands or code, loads other files, or reaches any other name by its text."""
    return _refused(named.module, named.name) or _refused(*_now(named))


def _now(named: Named) -> tuple[str, str]:
    """Return where a name is today: pickles up to protocol 2 name modules as Python 2 did (`_compat_pickle`)."""
    moved = NAME_MAPPING.get((named.module, named.name))
    return moved or (IMPORT_MAPPING.get(named.module, named.module), named.name)


def _refused(module: str, name: str) -> bool:
    _, modules, names = _lists()
    path = module.split(".")
    if any(".".join(path[: length + 1]) in modules for length in range(len(path))):
        return True
    if name == WHOLE:
        return module in _EVERYTHING
    first, *_ = name.split(".")
    return (
        (module, name) in names
        or (module, first) in names
        or name.rpartition(".")[2].lstrip("_") in _LOADERS
        # A dotted name walks from object to object: from a harmless module to what that has imported.
        or any(part in modules for part in name.split(".")[:-1])
    )
