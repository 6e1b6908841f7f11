"""Which names a pickle may look up: exact ones that clean models need, and those that no model needs."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from nbdeploy.trust.scan.values import Named

_LOADERS = ("load", "loads", "load_model", "load_pickle", "read_pickle", "unpickle", "runstring", "eval", "exec")
"""Functions of whatever library that execute what they are given."""

_MOVED = {"__builtin__": "builtins", "copy_reg": "copyreg"}
"""Pickles up to protocol 2 name modules as Python 2 did."""


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
    return (_MOVED.get(named.module, named.module), named.name) in _lists()[0]


def refused(named: Named) -> bool:
    """Whether it runs commands or code, loads other files, or reaches any other name by its text."""
    _, modules, names = _lists()
    path = named.module.split(".")
    if any(".".join(path[: length + 1]) in modules for length in range(len(path))):
        return True
    first, *_ = named.name.split(".")
    return (
        (named.module, named.name) in names
        or (named.module, first) in names
        or named.name.rpartition(".")[2] in _LOADERS
        # A dotted name walks from object to object: from a harmless module to what that has imported.
        or any(part in modules for part in named.name.split(".")[:-1])
    )
