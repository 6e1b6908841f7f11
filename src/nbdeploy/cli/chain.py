"""``audit``: what was signed, and whether it still holds."""

from __future__ import annotations

import json
from pathlib import Path

import click

from nbdeploy import flow
from nbdeploy.cli.draw import draw


@click.group()
def audit() -> None:
    """Read, check and hand on the chain of signed statements."""


@audit.command("export")
@click.argument("subject", metavar="VERSION|REQUEST")
@click.option("--out", type=click.Path(path_type=Path), help="File or folder; the current folder unless given.")
@click.option("--with-model", is_flag=True, help="Put the model's files in, not only their names and digests.")
@click.option("--whole-ledger", is_flag=True, help="Put every entry in, so that an auditor sees that none is left out.")
def audit_export(subject: str, out: Path | None, with_model: bool, whole_ledger: bool) -> None:
    """Write one zip that proves who decided what about model/3, on which evidence: checked without nbdeploy."""
    draw(flow.export_bundle(subject, out=out, with_model=with_model, whole_ledger=whole_ledger))


@audit.command("verify")
@click.argument("subject", metavar="[BUNDLE|NAME]", required=False)
@click.option("--recompute", is_flag=True, help="Calculate a bundle's group metrics again from its tallies.")
@click.option(
    "--policy",
    "policies",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Your own copy of the policy that was in force (repeatable); without it the bundle's is believed.",
)
def audit_verify(subject: str | None, recompute: bool, policies: tuple[Path, ...]) -> int:
    """Check a bundle, or this project: ledger, signatures, cards and the bytes of every requested version.

    Exit codes: 0 it holds, 1 it does not, 2 this is no bundle.
    """
    if subject is not None and (
        subject.endswith(".zip") or Path(subject).is_file() or Path(subject, "bundle.json").is_file()
    ):
        bundle = flow.verify_bundle(Path(subject), again=recompute, policies=policies)
        draw(bundle)
        return bundle.exit_code
    if recompute or policies:
        raise click.UsageError("--recompute and --policy are for a bundle: name its file")
    result = flow.audit(subject)
    draw(result)
    return result.exit_code


@audit.command("log")
@click.argument("name", required=False)
@click.option("--request", help="Only what this request rests on, and what became of it.")
@click.option("--since", metavar="DAY|TIME", help="Only statements since 2026-11-21, or 2026-11-21T12:30 UTC.")
@click.option("--last", type=click.IntRange(min=1), help="Only that many of them, the latest.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def audit_log(name: str | None, request: str | None, since: str | None, last: int | None, as_json: bool) -> int:
    """Print the ledger, one line an entry: who said what about which objective or request."""
    result = flow.audit_log(name, request=request, since=since, last=last)
    if as_json:
        click.echo(json.dumps(result.facts(), indent=1, ensure_ascii=False))
    else:
        draw(result)
    return result.exit_code
