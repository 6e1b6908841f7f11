"""``policy``: who may do what, what changed, and who signed it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nbdeploy import flow
from nbdeploy.cli.draw import draw
from nbdeploy.cli.passphrase import passphrase_from

_PATH = click.Path(path_type=Path)
_TWO = (str, str)


@click.group()
def policy() -> None:
    """Say who may do what, propose changes, and sign them."""


@policy.command("show")
@click.argument("file", required=False, type=_PATH)
def policy_show(file: Path | None) -> None:
    """Say in words who may do what, environment by environment."""
    draw(flow.show_policy(file))


@policy.command("check")
@click.argument("file", required=False, type=_PATH)
def policy_check(file: Path | None) -> int:
    """Say what is wrong with a policy, or promises what nobody can do. Exits with 1 if something must be mended."""
    result = flow.check_policy(file)
    draw(result)
    return result.exit_code


@policy.command("diff")
@click.argument("before", type=_PATH)
@click.argument("after", type=_PATH)
def policy_diff(before: Path, after: Path) -> None:
    """Say what became looser and what stricter from one policy to another."""
    draw(flow.compare_policies(before, after))


@policy.command("add")
@click.argument("person")
@click.option("--role", "roles", multiple=True, required=True, help="author, validator, … (repeatable)")
@click.option("--key", "public", required=True, help="Their public key: ed25519:…")
def policy_add(person: str, roles: tuple[str, ...], public: str) -> None:
    """Name PERSON in this project's policy file, which nobody signs. A deployer goes by its own copy."""
    draw(flow.add_person(person, roles=roles, public=public))


@policy.command("propose")
@click.option("--add", "added", nargs=2, type=_TWO, multiple=True, metavar="NAME ROLE", help="A new person.")
@click.option("--remove", multiple=True, metavar="NAME", help="Take somebody out, with every key.")
@click.option("--add-role", nargs=2, type=_TWO, multiple=True, metavar="NAME ROLE")
@click.option("--remove-role", nargs=2, type=_TWO, multiple=True, metavar="NAME ROLE")
@click.option("--add-key", nargs=2, type=_TWO, multiple=True, metavar="NAME KEY", help="KEY is ed25519:…")
@click.option("--rotate", nargs=2, type=_TWO, multiple=True, metavar="OLD NEW", help="Replace a key from today on.")
@click.option("--revoke", multiple=True, metavar="KEY", help="A key counts no longer; what is logged stays.")
@click.option(
    "--compromised",
    nargs=2,
    type=(str, click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"])),
    multiple=True,
    metavar="KEY TIME",
    help="A key may have been in other hands since TIME, such as 2026-11-21T09:00+0000.",
)
def policy_propose(added: tuple[tuple[str, str], ...], **changes: Any) -> None:
    """Write the next version of the policy beside it, and say what it would change. It is not in force yet."""
    draw(flow.propose(add=[(name, [role], None) for name, role in added], **changes))


@policy.command("sign")
@click.argument("file", required=False, type=_PATH)
@click.option("--key", required=True, type=_PATH, help="A root's key file, or its name in your key folder.")
@click.option("--passphrase-fd", type=int, help="Read the passphrase from this file descriptor instead of a prompt.")
def policy_sign(file: Path | None, key: Path, passphrase_fd: int | None) -> None:
    """Add a root's signature to a policy: the proposal, unless FILE is given."""
    draw(
        flow.sign_policy_file(file, key=key, passphrase=lambda: passphrase_from(passphrase_fd, f"Passphrase of {key}"))
    )


@policy.command("adopt")
def policy_adopt() -> None:
    """Put the proposal in force in this project, and publish the version before beside it."""
    draw(flow.adopt())
