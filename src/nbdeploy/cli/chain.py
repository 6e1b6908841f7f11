"""``audit``: what was signed, and whether it still holds."""

from __future__ import annotations

import click

from nbdeploy import flow
from nbdeploy.cli.draw import draw


@click.group()
def audit() -> None:
    """Read and check the chain of signed statements."""


@audit.command("verify")
@click.argument("name", required=False)
def audit_verify(name: str | None) -> int:
    """Check ledger, signatures, cards and the bytes of every requested version."""
    result = flow.audit(name)
    draw(result)
    return result.exit_code


@audit.command("log")
@click.argument("name", required=False)
def audit_log(name: str | None) -> None:
    """Print the ledger, one line an entry."""
    draw(flow.audit_log(name))
