"""``up`` and ``down``: the one process that watches approvals, deploys and serves."""

from __future__ import annotations

from pathlib import Path

import click

from nbdeploy import flow
from nbdeploy.cli.draw import draw


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes any free port.")
@click.option("--policy", "policy_file", type=click.Path(path_type=Path), help="The deployer's own copy of the policy.")
@click.option("--background", is_flag=True, help="Return once it serves.")
def up(port: int, policy_file: Path | None, background: bool) -> int | None:
    """Run the controller and the gateway for this project, on the loopback address."""
    if background:
        draw(flow.up(port=port, policy_file=policy_file))
        return None
    return flow.serve_here(port=port, policy_file=policy_file)


@click.command()
def down() -> None:
    """Stop the service of this project; requests under way are answered first."""
    draw(flow.down())
