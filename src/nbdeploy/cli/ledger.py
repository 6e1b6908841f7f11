"""``ledger``: the append-only log of signed statements, here or behind a team's service."""

from __future__ import annotations

import json
from pathlib import Path

import click

from nbdeploy import flow
from nbdeploy.cli.draw import draw


@click.group()
def ledger() -> None:
    """Look at the ledger, serve it for a team, or submit what a runner signed."""


@ledger.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--checkpoint", is_flag=True, help="Print the signed checkpoint, to the byte, and nothing else.")
def ledger_show(as_json: bool, checkpoint: bool) -> None:
    """Verify the ledger, and print its size, root, checkpoint, key and assurance level."""
    result = flow.show_ledger()
    if as_json:
        click.echo(json.dumps(result.facts(), indent=1))
    elif checkpoint:
        click.echo(result.facts()["checkpoint"], nl=False)
    else:
        draw(result)


@ledger.command("submit")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--run", type=click.Path(path_type=Path), help="The run folder that they are about, to be taken in.")
def ledger_submit(files: tuple[Path, ...], run: Path | None) -> None:
    """Log the envelopes in FILES, each once, however often they are submitted."""
    draw(flow.submit(files, run=run))


@ledger.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Any other address takes a certificate.")
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="0 takes any free port.")
@click.option("--policy", "policy_file", type=click.Path(path_type=Path), help="Whose envelopes it takes.")
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate, a PEM file.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its private key, a PEM file.")
def ledger_serve(host: str, port: int, policy_file: Path | None, tls_cert: Path | None, tls_key: Path | None) -> int:
    """Keep the ledger for a team: the one writer, which holds its key. `nbdeploy up` does the same beside serving."""
    return flow.serve_ledger(
        host=host, port=port, policy_file=policy_file, certificate=tls_cert, certificate_key=tls_key
    )
