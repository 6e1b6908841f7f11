"""The command line: one module per verb group. It parses, calls one verb and draws what comes back."""

from __future__ import annotations

import errno
import gc
import importlib
import sys
from typing import Any

import click

from nbdeploy.errors import NbdeployError

_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM})
"""What no program can do anything about: a full disk, a folder that is not ours."""

_COMMANDS: dict[str, str] = {
    "init": "project:init",
    "declare": "evidence:declare",
    "validate": "validate:validate",
    "card": "evidence:card",
    "deploy": "deployment:deploy",
    "signoff": "deployment:signoff",
    "wait": "deployment:wait",
    "revoke": "deployment:revoke",
    "status": "deployment:status",
    "release": "deployment:release",
    "rollback": "deployment:rollback",
    "up": "service:up",
    "down": "service:down",
    "audit": "chain:audit",
    "ledger": "ledger:ledger",
    "key": "keys:key",
    "policy": "policy:policy",
    "schema": "project:schema",
    "demo": "demo:demo",
}


class _Lazy(click.Group):
    """Loads a verb's module when the verb is used, so that ``nbdeploy --help`` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(f"nbdeploy.cli.{module}"), name)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="nbdeploy")
def nbdeploy() -> None:
    """Take a model from a notebook to production under control."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 refused, 2 not possible, 130 interrupted.

    Of validate and wait, 3 says that it is not decided.
    """
    try:
        outcome: Any = nbdeploy.main(args=arguments, prog_name="nbdeploy", standalone_mode=False)
    except NbdeployError as error:
        click.echo(f"nbdeploy: {error}", err=True)
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        click.echo("nbdeploy: E-INTERRUPTED stopped by you; nothing half written was kept.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:  # `nbdeploy … | head` is no error
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.errno not in _DISK:
            raise
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"nbdeploy: E-DISK {where}{error.strerror}. Next: make room or ask who may write there.", err=True)
        sys.exit(2)
    gc.freeze()  # what was imported needs no last look for garbage, which takes half a second after a validation
    sys.exit(outcome if isinstance(outcome, int) else 0)
