"""What a fitted estimator needs where it is loaded: packages with their versions, and modules that no package holds.

MLflow's own inference loads the model in a new process to see what that imports, which takes seconds. Here the objects
say where they come from while they are pickled.
"""

from __future__ import annotations

import dis
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions, packages_distributions
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import cloudpickle

from nbdeploy.errors import ModelError

ALWAYS = ("scikit-learn", "numpy", "scipy", "pandas", "cloudpickle")
"""What reads the pickle and makes the answers, whatever is in it."""

_UNLIKE = {
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "cv2": "opencv-python",
    "bs4": "beautifulsoup4",
}
"""Packages that are called otherwise than what is imported of them; others are searched for, which takes longer."""


class _Nowhere:
    def write(self, data: bytes) -> int:
        return len(data)


class _Noting(cloudpickle.Pickler):  # type: ignore[misc] # it ships no types
    """Pickles into nothing, and notes the module of each object, class and function, and what functions import."""

    def __init__(self) -> None:
        super().__init__(_Nowhere())
        self.modules: set[str] = set()

    def reducer_override(self, obj: Any) -> Any:
        self.modules.update(_modules_of(obj))
        return super().reducer_override(obj)


def _modules_of(obj: Any) -> Iterator[str]:
    if isinstance(obj, CodeType):  # of a function that is stored whole, as one of a notebook is
        yield from (str(one.argval) for one in dis.get_instructions(obj) if one.opname == "IMPORT_NAME")
    elif isinstance(obj, ModuleType):
        yield obj.__name__
    else:
        named = obj if isinstance(obj, (type, FunctionType, BuiltinFunctionType)) else type(obj)
        module = getattr(named, "__module__", None)
        if isinstance(module, str):
            yield module


def modules(estimator: Any) -> frozenset[str]:
    """Return the modules that the pickle of an estimator takes things from, without those of the standard library.

    Raises
    ------
    ModelError
        It holds what no pickle can.
    """
    noting = _Noting()
    try:
        noting.dump(estimator)
    except Exception as error:  # noqa: BLE001 - an object's own code says how it is pickled
        raise ModelError(
            f"the model {type(estimator).__name__} cannot be stored ({type(error).__name__}: {error})",
            next="take out of it what only this process has, such as a lock, an open file or a generator",
        ) from None
    aside = {*sys.stdlib_module_names, "__main__"}
    return frozenset(name for name in noting.modules if _top(name) not in aside)


@contextmanager
def carried(estimator: Any) -> Iterator[frozenset[str]]:
    """Let modules that no index has be pickled with what is in them, not by name; yield `modules` of the estimator.

    Such a module stands in a file beside the notebook, or in a checkout. What it imports is noted too.
    """
    before, added = set(cloudpickle.list_registry_pickle_by_value()), []
    try:
        while True:
            names = modules(estimator)
            new = [one for one in _own(names) if one.__name__ not in before]
            if not new:
                break
            for module in new:
                cloudpickle.register_pickle_by_value(module)
                added.append(module)
                before.add(module.__name__)
        yield names
    finally:
        for module in added:
            cloudpickle.unregister_pickle_by_value(module)


def _own(names: Iterable[str]) -> list[ModuleType]:
    tops = [sys.modules.get(top) for top in sorted({_top(name) for name in names})]
    return [module for module in tops if module is not None and _is_own(module)]


def requirements(names: Iterable[str]) -> list[str]:
    """Return ``package==version`` of the packages that hold these modules, and of those that are always needed.

    Raises
    ------
    ModelError
        A module is neither a package's nor one that `carried` takes along.
    """
    carried_along = {module.__name__ for module in _own(names)}
    found = {one.name: one for package in ALWAYS if (one := _installed(package)) is not None}
    missing = []
    for top in sorted({_top(name) for name in names} - carried_along):
        one = _installed(_UNLIKE.get(top, top))
        if one is not None and _holds(one, top):
            found.setdefault(one.name, one)
        elif getattr(sys.modules.get(top), "__file__", None):
            missing.append(top)  # without a file it is what a compiler made up, such as Cython's shared types
    for top, held_by in _searched(missing).items():
        if not held_by:
            raise ModelError(
                f"the model holds objects of the module {top!r}, which is of no installed package",
                next="log it with mlflow.sklearn.log_model and code_paths",
            )
        found |= {one.name: one for one in held_by}
    # What stands behind a `+` is a build of one index, which the usual one does not have.
    return [f"{name}=={one.version.partition('+')[0]}" for name, one in found.items()]


def _top(name: str) -> str:
    return name.partition(".")[0]


def _is_own(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    places = [Path(file)] if file else [Path(one) for one in getattr(module, "__path__", ())]
    installed = ("site-packages", "dist-packages")
    written = file is None or file.endswith(".py")  # what was compiled cannot be carried
    return written and bool(places) and not any(part in installed for place in places for part in place.parts)


def _installed(package: str) -> Distribution | None:
    try:
        return distribution(package)
    except PackageNotFoundError:
        return None


def _holds(package: Distribution, top: str) -> bool:
    record = package.read_text("RECORD")
    return record is not None and re.search(rf"(?m)^{re.escape(top)}[/.]", record) is not None


def _searched(tops: Sequence[str]) -> dict[str, list[Distribution]]:
    """Return the packages that hold each module; without their own lists of files, as of a system, by their names."""
    if not tops:
        return {}
    every = list(distributions())
    found = {top: [one for one in every if _holds(one, top)] for top in tops}
    if all(found.values()):
        return found
    named = packages_distributions()
    return {
        top: held or [one for name in named.get(top, ()) if (one := _installed(name)) is not None]
        for top, held in found.items()
    }
