"""The notebook's doors: magics that parse, call one verb and show what comes back."""

from __future__ import annotations

from typing import Any

_loaded: list[str] = []


def load(shell: Any) -> None:
    """Register the magics. A short name that another extension holds stays its own; ``%nbdeploy VERB`` always works."""
    from nbdeploy.jupyter.magics import GovernanceMagics, offered

    taken = {kind: set(shell.magics_manager.magics[kind]) for kind in ("line", "cell")}
    magics = GovernanceMagics(shell)
    for kind, name, function in offered(magics):
        mine = name == "nbdeploy" or name in _loaded or name not in taken[kind]
        if mine:
            shell.register_magic_function(function, magic_kind=kind, magic_name=name)
            _loaded.append(name)
        else:
            print(f"%{name} belongs to another extension here; use %nbdeploy {name}.")


def unload(shell: Any) -> None:
    """Take away what `load` registered."""
    for kind in ("line", "cell"):
        for name in _loaded:
            shell.magics_manager.magics[kind].pop(name, None)
    _loaded.clear()
