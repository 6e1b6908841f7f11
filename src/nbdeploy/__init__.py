"""nbdeploy: take a model from a notebook to production under control.

The public names stand in the order of the flow. Importing the package loads nothing heavy; a verb loads what it needs
when it is called.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # type checkers take it for typing's own, which is slow to import

__version__ = "0.1.0"

__all__ = [
    "declare",
    "validate",
    "card",
    "export_card",
    "deploy",
    "sign_off",
    "revoke",
    "status",
    "release",
    "rollback",
    "audit",
    "init",
    "up",
    "down",
    "NbdeployError",
    "load_ipython_extension",
    "unload_ipython_extension",
]

if TYPE_CHECKING:
    from typing import Any

    from nbdeploy.errors import NbdeployError as NbdeployError
    from nbdeploy.flow import audit as audit
    from nbdeploy.flow import card as card
    from nbdeploy.flow import declare as declare
    from nbdeploy.flow import deploy as deploy
    from nbdeploy.flow import down as down
    from nbdeploy.flow import export_card as export_card
    from nbdeploy.flow import init as init
    from nbdeploy.flow import release as release
    from nbdeploy.flow import revoke as revoke
    from nbdeploy.flow import rollback as rollback
    from nbdeploy.flow import sign_off as sign_off
    from nbdeploy.flow import status as status
    from nbdeploy.flow import up as up
    from nbdeploy.flow import validate as validate


_ALSO_FOLDERS = ("declare", "validate", "release")


class _Package(type(sys)):  # type: ignore[misc]  # the type of modules, without importing types
    """``nbdeploy.validate`` is the verb, although ``nbdeploy/validate/`` is the folder of its stage.

    The import system stores a loaded subpackage as an attribute of its parent; for those names it may not.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _ALSO_FOLDERS and isinstance(value, type(sys))):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name == "NbdeployError":
        from nbdeploy.errors import NbdeployError

        return NbdeployError
    if name in __all__:
        from nbdeploy import flow

        return getattr(flow, name)
    raise AttributeError(f"module 'nbdeploy' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """Register the magics: ``%load_ext nbdeploy``."""
    from nbdeploy.jupyter import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics away again: ``%unload_ext nbdeploy``."""
    from nbdeploy.jupyter import unload

    unload(shell)
