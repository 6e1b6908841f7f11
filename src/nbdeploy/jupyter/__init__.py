"""The notebook's doors: magics that parse, call one verb and show what comes back."""

from __future__ import annotations

from typing import Any


def load(shell: Any) -> None:
    """Register the magics. A short name that another extension holds stays its own; ``%nbdeploy VERB`` always works."""
    from nbdeploy.jupyter.completion import matcher
    from nbdeploy.jupyter.magics import GovernanceMagics, offered

    unload(shell)
    magics = GovernanceMagics(shell)
    held = shell.magics_manager.magics
    for kind, name, function in offered(magics):
        if name in held[kind] and name != "nbdeploy":
            print(f"{'%' if kind == 'line' else '%%'}{name} belongs to another extension here; use %nbdeploy {name}.")
        else:
            shell.register_magic_function(function, magic_kind=kind, magic_name=name)
    shell.Completer.custom_matchers.append(matcher(magics))


def unload(shell: Any) -> None:
    """Take away what `load` registered, and nothing else."""
    from nbdeploy.jupyter.completion import IDENTIFIER
    from nbdeploy.jupyter.magics import GovernanceMagics

    for functions in shell.magics_manager.magics.values():
        ours = [
            name for name, held in functions.items() if isinstance(getattr(held, "__self__", None), GovernanceMagics)
        ]
        for name in ours:
            del functions[name]
    matchers = shell.Completer.custom_matchers
    matchers[:] = [known for known in matchers if getattr(known, "matcher_identifier", "") != IDENTIFIER]
