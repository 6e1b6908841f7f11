"""``policy``: who may do what, what changed, and who signed it."""

from __future__ import annotations

from pathlib import Path

import click

from nbdeploy import flow
from nbdeploy.cli.draw import draw


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
