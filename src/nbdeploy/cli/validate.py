"""``validate``: from what must hold to what was measured.

It imports little: the run's own processes begin to import when the verb is called, and nobody should wait for more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nbdeploy import flow
from nbdeploy.cli.draw import Watching, draw
from nbdeploy.documents.sections import SECTIONS
from nbdeploy.errors import Refusal


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
def validate(objective: str, *, quiet: bool, **asked: Any) -> int:
    """Run the validation notebooks for OBJECTIVE, a YAML file or a declared name, and write evidence and a card.

    Exit code: 0 all gates pass; 1 a gate fails; 3 a gate is undecided or not evaluated; 2 no evidence could be made.
    """
    try:
        with Watching(quiet=quiet) as watch:
            result = flow.validate(objective, watch=watch, **asked)
    except Refusal as error:
        click.echo(f"nbdeploy: {error}", err=True)
        return 2  # not 1, which says that a gate failed: here there is no evidence
    draw(result, quiet=quiet)
    return result.exit_code
