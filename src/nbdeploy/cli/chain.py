"""``audit``, ``key``, ``policy``: who may sign, what was signed, and whether it still holds."""

from __future__ import annotations

from pathlib import Path

import click

from nbdeploy import flow
from nbdeploy.cli.draw import draw
from nbdeploy.cli.passphrase import passphrase_from


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


@click.group()
def policy() -> None:
    """Look at the policy, or name a person in it."""


@policy.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
def policy_check(file: Path | None) -> None:
    """Read a policy and say who may do what."""
    draw(flow.show_policy(file))


@policy.command("add")
@click.argument("person")
@click.option("--role", "roles", multiple=True, required=True, help="author, validator, … (repeatable)")
@click.option("--key", "public", required=True, help="Their public key: ed25519:…")
def policy_add(person: str, roles: tuple[str, ...], public: str) -> None:
    """Name PERSON in this project's policy file. It is a proposal: a deployer uses its own copy."""
    draw(flow.add_person(person, roles=roles, public=public))
