"""``key``: making, reading and replacing signing keys."""

from __future__ import annotations

from pathlib import Path

import click

from nbdeploy import flow
from nbdeploy.cli.passphrase import passphrase_from


@click.group()
def key() -> None:
    """Make and show signing keys."""


@key.command("create")
@click.argument("name")
@click.option("--file", type=click.Path(path_type=Path), help="Where to write it; your key folder unless given.")
@click.option("--passphrase-fd", type=int, help="Read the passphrase from this file descriptor instead of a prompt.")
@click.option("--service", is_flag=True, help="A key for a machine: no passphrase, never for approvals.")
def key_create(name: str, file: Path | None, passphrase_fd: int | None, service: bool) -> None:
    """Make an ed25519 key for NAME and print what the policy must say about it."""
    secret = None if service else passphrase_from(passphrase_fd, f"New passphrase for {name}", confirm=True)
    path, public = flow.create_key(name, file=file, passphrase=secret)
    click.echo(f"Wrote {path} (keep it; nobody can restore it).")
    click.echo(f"Public key: {public}")
    table = "services" if service else "people"
    role = "runner" if service else "validator"
    click.echo(
        f'\nFor policy.toml:\n\n[[{table}]]\nname = "{name}"\nroles = ["{role}"]\nkeys = [{{public = "{public}"}}]'
    )


@key.command("show")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--passphrase-fd", type=int, help="Read the passphrase from this file descriptor instead of a prompt.")
def key_show(file: Path, passphrase_fd: int | None) -> None:
    """Print the public half of a key."""
    click.echo(flow.public_key(file, lambda: passphrase_from(passphrase_fd, f"Passphrase of {file}")))
