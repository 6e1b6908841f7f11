"""``declare``, ``validate``, ``card``: from what must hold to what was measured."""

from __future__ import annotations

from pathlib import Path

import click

from nbdeploy import flow
from nbdeploy.cli.draw import Watching, draw
from nbdeploy.documents import catalog
from nbdeploy.documents.card import FORMS
from nbdeploy.documents.objective import SECTIONS
from nbdeploy.errors import Refusal


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
        for entry in catalog.measures().values():
            if entry.section == measures:
                click.echo(f"{entry.name:34} {entry.explanation}")
        return
    if file is None:
        raise click.UsageError("name a file: nbdeploy declare FILE (see also --example and --measures SECTION)")
    draw(flow.declare(file, check_only=check_only, rows=rows))


@click.command()
@click.argument("objective")
@click.option("--model", help="models:/NAME/3, runs:/ID/model, or an MLflow model folder.")
@click.option("--data", help="Evaluation data: CSV, CSV.gz, Parquet, or a folder or glob of Parquet.")
@click.option("--train", help="Training data, for leakage and lineage.")
@click.option("--reference", help="Reference data, for drift.")
@click.option("--predictions", help="Predictions of a model that lives elsewhere, with label and sensitive columns.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for evidence, card and notebooks.")
@click.option(
    "--section", "sections", multiple=True, type=click.Choice(SECTIONS), help="Run only this section (repeatable)."
)
@click.option("--jobs", type=click.IntRange(1, 64), help="Notebooks that run at the same time.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--draft", is_flag=True, help="Fast, smaller samples, never requestable.")
@click.option(
    "--environment",
    default="auto",
    show_default=True,
    metavar="auto|here|PYTHON",
    help="Where the model runs: here, unless it is made of other versions; then in an environment of its own.",
)
@click.option(
    "--previous",
    metavar="VERSION|none",
    help="Registered version to compare with; unless given, the one that this model would replace.",
)
@click.option("--fresh", is_flag=True, help="Run every notebook, also those that ran before on the same inputs.")
@click.option("--with", "extras", multiple=True, metavar="EXTRA", help="Also run a costly extra: mitigation.")
@click.option(
    "--sealed",
    type=click.Path(path_type=Path),
    help="Sign into this file instead of the ledger, where it cannot be reached; see nbdeploy ledger submit.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def validate(  # noqa: PLR0917 - click hands every option over by name
    objective: str,
    model: str | None,
    data: str | None,
    train: str | None,
    reference: str | None,
    predictions: str | None,
    out: Path | None,
    sections: tuple[str, ...],
    jobs: int | None,
    seed: int,
    draft: bool,
    extras: tuple[str, ...],
    environment: str,
    previous: str | None,
    fresh: bool,
    sealed: Path | None,
    quiet: bool,
) -> int:
    """Run the validation notebooks for OBJECTIVE, a YAML file or a declared name, and write evidence and a card.

    Exit code: 0 all gates pass; 1 a gate fails; 3 a gate is undecided or not evaluated; 2 no evidence could be made.
    """
    try:
        with Watching(quiet=quiet) as watch:
            result = flow.validate(
                objective,
                model=model,
                data=data,
                train=train,
                reference=reference,
                predictions=predictions,
                out=out,
                sections=sections,
                jobs=jobs,
                seed=seed,
                draft=draft,
                extras=extras,
                environment=environment,
                previous=previous,
                fresh=fresh,
                sealed=sealed,
                watch=watch,
            )
    except Refusal as error:
        click.echo(f"nbdeploy: {error}", err=True)
        return 2  # not 1, which says that a gate failed: here there is no evidence
    draw(result, quiet=quiet)
    return result.exit_code


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
