"""``key``: making, reading and replacing signing keys."""

from __future__ import annotations

from pathlib import Path

import click

from nbdeploy import flow
from nbdeploy.cli.draw import draw
from nbdeploy.cli.passphrase import passphrase_from

_FILE = click.option("--file", type=click.Path(path_type=Path), help="Where to write it; your key folder unless given.")
_OLD = click.option("--passphrase-fd", type=int, help="Read the key's passphrase from this file descriptor.")
_NEW = click.option("--new-passphrase-fd", type=int, help="Read the new key's passphrase from this file descriptor.")


@click.group()
def key() -> None:
    """Make, import, show and replace signing keys."""


@key.command("create")
@click.argument("name")
@_FILE
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
    """Print the public half of a key, or what a policy calls the key of an OpenSSH .pub file."""
    click.echo(flow.public_key(file, lambda: passphrase_from(passphrase_fd, f"Passphrase of {file}")))


@key.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Whose key it is.")
@_FILE
@_OLD
@_NEW
def key_import(
    source: Path, name: str, file: Path | None, passphrase_fd: int | None, new_passphrase_fd: int | None
) -> None:
    """Store an ed25519 key of OpenSSH or another program (PKCS#8), encrypted. SOURCE is not changed."""
    draw(
        flow.import_key(
            source,
            name,
            file=file,
            passphrase=lambda: passphrase_from(passphrase_fd, f"Passphrase of {source}"),
            new=lambda: passphrase_from(new_passphrase_fd, f"New passphrase for {name}", confirm=True),
        )
    )


@key.command("rotate")
@click.argument("file", type=click.Path(path_type=Path))
@_OLD
@_NEW
def key_rotate(file: Path, passphrase_fd: int | None, new_passphrase_fd: int | None) -> None:
    """Make a new key beside an old one, and say how the policy changes. The old file stays."""
    draw(
        flow.rotate_key(
            file,
            passphrase=lambda: passphrase_from(passphrase_fd, f"Passphrase of {file}"),
            new=lambda: passphrase_from(new_passphrase_fd, "Passphrase of the new key", confirm=True),
        )
    )
