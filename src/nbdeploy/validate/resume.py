"""Results of notebooks that ran before on the very same inputs: they are taken, and not made again.

A kept result is found by a digest of everything that it may depend on: the notebook's bytes, the objective, the bytes
of all tables and of the model, seed, versions of libraries, our own source, the machine. The evidence tells when it
ran. What cannot be read, or is not what was kept, counts for nothing and the notebook runs.

The cache lies where the project's own keys lie: who can write there is who ran the notebooks.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import nbdeploy
from nbdeploy.documents.evidence import NotebookRun
from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.progress import Progress, Watcher
from nbdeploy.documents.record import Record, strict_json
from nbdeploy.errors import FormatError, InterruptedRunError
from nbdeploy.trust.digests import bytes_digest, file_digest
from nbdeploy.validate.environment import environment
from nbdeploy.validate.notebooks.execute import STAGE, Executed, execute_all
from nbdeploy.validate.notebooks.notebook import Notebook
from nbdeploy.validate.workspace import Workspace

MOST_KEPT = 30
"""Results: five whole runs."""


class _Entry(Record):
    """What is kept of one notebook's run, beside the executed notebook."""

    key: str
    ran: datetime
    run: NotebookRun
    measurements: tuple[Measurement, ...]
    redacted: int
    seconds: dict[str, float]


class Kept:
    """Results of earlier runs that have the inputs of this one.

    Parameters
    ----------
    folder
        The cache; made when something is kept.
    workspace
        Of this run, ready for notebooks.
    digests
        Of everything that notebooks share.
    fresh
        Take nothing from it: all notebooks run, and what they give is kept.
    """

    def __init__(self, folder: Path, workspace: Workspace, digests: Mapping[str, str], *, fresh: bool = False) -> None:
        self._folder = folder
        self._fresh = fresh
        scored = {name: value for name, value in workspace.scored.items() if name != "seconds"}
        self._inputs = {
            "objective": workspace.objective.model_dump(mode="json"),
            "tables": dict(digests),
            "scored": scored,
            "previous": workspace.previous,
            "seed": workspace.seed,
            "draft": workspace.draft,
            "wanted": sorted(workspace.wanted),
            "environment": environment(),
            "source": _source_digest(),
            "machine": platform.node(),
        }
        self.warnings: list[str] = []
        """What a reader of the evidence should know about results that could not be taken or kept."""

    def take(self, notebooks: Iterable[Notebook], into: Path, watch: Watcher) -> dict[Path, Executed]:
        """Return what is kept of notebooks, by path; their executed notebooks are copied to `into`."""
        found: dict[Path, Executed] = {}
        for notebook in notebooks:
            folder = self._folder / self._key(notebook)
            if self._fresh or not folder.is_dir() or not notebook.reusable:
                continue
            try:
                found[notebook.path] = self._read(folder, notebook, into)
            except (OSError, ValueError, FormatError) as error:
                self.warnings.append(
                    f"a kept result of {notebook.path.name} was not used, because it cannot be read "
                    f"({type(error).__name__}); the notebook was run"
                )
                shutil.rmtree(folder, ignore_errors=True)
                continue
            ran = found[notebook.path].run.reused
            said = f"of {ran:%d %b %Y, %H:%M} UTC, with the same inputs" if ran is not None else ""
            watch(Progress(stage=STAGE, part=notebook.name, state="done", detail=said))
        return found

    def _read(self, folder: Path, notebook: Notebook, into: Path) -> Executed:
        """Read one entry; ValueError where it is not what was kept."""
        content = (folder / "entry.json").read_bytes()
        if (folder / "digest").read_text("ascii").strip() != bytes_digest(content):
            raise ValueError("entry.json is not what was kept")
        entry = _Entry.model_validate(strict_json(content))
        executed = (folder / "notebook.ipynb").read_bytes()
        same = entry.run.executed_digest == bytes_digest(executed) and entry.run.source_digest == notebook.digest
        if not same or entry.key != folder.name or entry.run.status != "completed":
            raise ValueError("the notebook is not what was kept")
        into.mkdir(parents=True, exist_ok=True)
        (into / f"{notebook.name}.ipynb").write_bytes(executed)
        os.utime(folder)
        changes = {"edited": notebook.edited, "reused": entry.ran, "name": f"{notebook.name}.ipynb"}
        run = entry.run.model_copy(update=changes)
        return Executed(notebook, run, entry.measurements, entry.redacted, entry.seconds)

    def keep(self, executed: Iterable[Executed], notebooks: Path) -> None:
        """Keep what ran to its end; the oldest results go.

        Parameters
        ----------
        notebooks
            The folder with the executed notebooks.
        """
        try:
            for each in executed:
                if each.run.status == "completed" and each.run.reused is None and each.notebook.reusable:
                    self._write(each, notebooks / each.run.name)
            entries = [entry for entry in self._folder.glob("*") if entry.is_dir()]
            for entry in sorted(entries, key=lambda entry: entry.stat().st_mtime, reverse=True)[MOST_KEPT:]:
                shutil.rmtree(entry, ignore_errors=True)
        except OSError as error:
            self.warnings.append(f"results could not be kept for the next run ({error.strerror})")

    def _write(self, executed: Executed, notebook: Path) -> None:
        """Write one entry whole or not at all."""
        key = self._key(executed.notebook)
        ran = datetime.now(UTC)
        entry = _Entry(
            key=key,
            ran=ran,
            run=executed.run,
            measurements=executed.measurements,
            redacted=executed.redacted,
            seconds=dict(executed.seconds),
        )
        content = entry.model_dump_json().encode("utf-8")
        building = self._folder / f".{key[:16]}-{uuid.uuid4().hex[:8]}"
        building.mkdir(parents=True)
        try:
            shutil.copyfile(notebook, building / "notebook.ipynb")
            (building / "entry.json").write_bytes(content)
            (building / "digest").write_text(bytes_digest(content), "ascii")
            shutil.rmtree(self._folder / key, ignore_errors=True)
            building.rename(self._folder / key)
        finally:
            shutil.rmtree(building, ignore_errors=True)

    def _key(self, notebook: Notebook) -> str:
        asked = self._inputs | {"notebook": notebook.digest, "section": notebook.section, "name": notebook.name}
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


@cache
def _source_digest() -> str:
    """Return a digest of our own source that measures: a version stays the same while somebody works on it."""
    root = Path(nbdeploy.__file__).parent
    rooms = ("documents", "stats", "trust", "validate")
    files = sorted(path for room in rooms for path in (root / room).rglob("*") if path.suffix in {".py", ".toml"})
    lines = (f"{file_digest(path)} {path.relative_to(root).as_posix()}" for path in files)
    return bytes_digest("\n".join(lines).encode())


def execute_or_take(  # noqa: PLR0917 - one call, in the run
    notebooks: Sequence[Notebook],
    workspace: Workspace,
    into: Path,
    kept: Kept | None,
    unchanged: Callable[[], bool],
    watch: Watcher,
    **how: Any,
) -> tuple[tuple[Executed, ...], bool]:
    """Execute notebooks, those left out of which an earlier run had the same inputs.

    Parameters
    ----------
    unchanged
        Asks whether what notebooks share is as it was before they ran; only then anything is kept.
    how
        For `execute_all`.

    Returns
    -------
    executed
        In the order given.
    changed
        Whether something that notebooks share was changed.

    Raises
    ------
    InterruptedRunError
        Ctrl-C. Notebooks that had finished are kept.
    """
    taken = kept.take(notebooks, into, watch) if kept is not None else {}
    rest = [notebook for notebook in notebooks if notebook.path not in taken]
    try:
        made = {each.notebook.path: each for each in execute_all(rest, workspace, into, watch=watch, **how)}
    except InterruptedRunError as error:
        finished = error.facts["finished"].values()
        if kept is None or not finished or not unchanged():
            raise
        kept.keep(finished, into)
        count = sum(each.run.status == "completed" for each in finished)
        raise InterruptedRunError(
            f"{error.fact}; {count} finished notebook{'s are' if count != 1 else ' is'} kept",
            next="the same command goes on from there",
        ) from None
    changed = not unchanged()
    if kept is not None and not changed:
        kept.keep(made.values(), into)
    found = taken | made
    return tuple(found[notebook.path] for notebook in notebooks), changed
