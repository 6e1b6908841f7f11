"""``init`` and ``schema``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from nbdeploy import flow
from nbdeploy.cli.draw import draw


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--preset", type=click.Choice(["solo", "team", "regulated"]), help="Asked for when not given.")
@click.option("--name", help="Name of the project; the folder's unless given.")
@click.option("--person", help="Your name as the policy should know it.")
def init(folder: Path, preset: str | None, name: str | None, person: str | None) -> None:
    """Make a project in FOLDER: settings, a policy from a preset, keys of this workstation, an empty ledger."""
    if preset is None and os.isatty(0):
        click.echo("solo: you alone; dev needs no signature, production needs a second person.")
        click.echo("team: every environment but dev needs the signature of somebody else.")
        click.echo("regulated: production needs validation and risk to sign; failed gates block.")
        preset = click.prompt("Preset", type=click.Choice(["solo", "team", "regulated"]), default="solo")
    if preset is None:
        raise click.UsageError("which preset? nbdeploy init --preset solo, --preset team or --preset regulated")
    draw(flow.init(folder, preset=preset, name=name, person=person))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def schema(folder: Path) -> None:
    """Write the JSON Schema of every document into FOLDER."""
    for file in flow.write_schemas(folder):
        click.echo(file)
