"""``nbdeploy demo``: the main job on real data, from a declared objective to live answers and back."""

from __future__ import annotations

import os
from pathlib import Path

import click

from nbdeploy.errors import ProjectError

MARK = ".made-by-nbdeploy-demo"


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where the demo project goes.",
)
@click.option("--yes", is_flag=True, help="Nobody at the terminal: sign unattended, and let the record say so.")
def demo(folder: Path, yes: bool) -> None:
    """Take two candidate models through the whole flow, on a study of 442 patients with diabetes."""
    from nbdeploy.cli.demo.story import Story

    root = folder.resolve()
    _make_room(root)
    attended = not yes and os.isatty(0) and os.isatty(1)
    before = os.environ.get("NBDEPLOY_PROJECT")
    os.environ["NBDEPLOY_PROJECT"] = str(root)
    try:
        Story(root, attended=attended).tell()
    finally:
        if before is None:
            del os.environ["NBDEPLOY_PROJECT"]
        else:
            os.environ["NBDEPLOY_PROJECT"] = before


def _make_room(root: Path) -> None:
    """Remove an earlier demo, and nothing else."""
    import shutil

    if root.exists() and any(root.iterdir()):
        if not (root / MARK).is_file():
            raise ProjectError(
                f"{root} holds something that is no earlier demo",
                next="name another folder: nbdeploy demo --folder DIR",
            )
        shutil.rmtree(root)
    root.mkdir(parents=True, exist_ok=True)
    (root / MARK).write_text("This folder was made by `nbdeploy demo` and is removed by the next one.\n", "utf-8")
