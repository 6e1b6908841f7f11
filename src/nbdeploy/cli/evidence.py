"""``declare`` and ``card``: what must hold, and what is told of it."""

from __future__ import annotations

from pathlib import Path

import click

from nbdeploy import flow
from nbdeploy.cli.draw import draw
from nbdeploy.documents.card import FORMS
from nbdeploy.documents.sections import SECTIONS


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--check", "check_only", is_flag=True, help="Look it over; declare nothing.")
@click.option("--rows", type=int, help="Say which gates this many rows will hardly decide.")
@click.option("--measures", type=click.Choice(SECTIONS), help="List the measures that gates of a section can name.")
@click.option("--example", is_flag=True, help="Print an objective to start from.")
def declare(file: Path | None, check_only: bool, rows: int | None, measures: str | None, example: bool) -> None:
    """Declare an objective from a YAML FILE, before any result is seen."""
    if example:
        click.echo(flow.example_objective())
        return
    if measures:
        for name, explanation in flow.measures_of(measures).items():
            click.echo(f"{name:34} {explanation}")
        return
    if file is None:
        raise click.UsageError("name a file: nbdeploy declare FILE (see also --example and --measures SECTION)")
    draw(flow.declare(file, check_only=check_only, rows=rows))


@click.group()
def card() -> None:
    """Look at, check or find a model card."""


@card.command("show")
@click.argument("name")
@click.option("--draft", is_flag=True, help="The draft's card instead of the latest recorded one.")
def card_show(name: str, draft: bool) -> None:
    """Print the card of an objective and say where its HTML is."""
    result = flow.card(name, draft=draft)
    click.echo(result.text)
    click.echo(f"\nopen {result.folder / 'card.html'}")
    click.echo(f"who decided: nbdeploy card decision {name}")


@card.command("verify")
@click.argument("card", metavar="FOLDER|CARD", type=click.Path(path_type=Path, exists=True))
def card_verify(card: Path) -> int:
    """Check that a card says what its evidence says, to the byte, and name each finding that it tells otherwise.

    A run's folder is checked whole; of a single card.html, card.md or card.json, its evidence.json lies beside it.
    """
    result = flow.verify_card(card)
    draw(result)
    return result.exit_code


@card.command("decision")
@click.argument("name")
@click.option("--html", type=click.Path(path_type=Path), help="Write the sheet here instead of beside the card.")
def card_decision(name: str, html: Path | None) -> int:
    """Draw the decision sheet of an objective from the ledger: who asked, who signed, and what holds now."""
    result = flow.decision(name, out=html)
    draw(result)
    return result.exit_code


@card.command("diff")
@click.argument("before")
@click.argument("after")
@click.option("--html", type=click.Path(path_type=Path), help="Also write the whole comparison to this HTML file.")
@click.option("--markdown", is_flag=True, help="Print the whole comparison as Markdown.")
def card_diff(before: str, after: str, html: Path | None, markdown: bool) -> None:
    """Say what changed from one card to another, and which of it is more than chance.

    BEFORE and AFTER: a run's folder, a card.json, NAME, NAME:ATTEMPT, NAME:draft or MODEL/VERSION.
    """
    result = flow.compare_cards(before, after, out=html)
    if markdown:
        click.echo(result.markdown, nl=False)
    else:
        draw(result)


@card.command("export")
@click.argument("subject", metavar="NAME|FOLDER")
@click.option("--format", "form", required=True, type=click.Choice(FORMS), help="What to make of the card.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File to write, or a folder; else it is printed (a PDF is written here).",
)
@click.option("--draft", is_flag=True, help="The draft's card instead of the latest recorded one.")
def card_export(subject: str, form: str, out: Path | None, draft: bool) -> None:
    """Make another form of the card of an objective, or of a run folder."""
    result = flow.export_card(subject, form, out=out, draft=draft, beside=form == "pdf")
    if result.file is None:
        click.echo(result.content, nl=False)
    else:
        draw(result)
