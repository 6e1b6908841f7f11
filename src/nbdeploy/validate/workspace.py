"""The workspace: the folder through which one run and its notebooks exchange data. Removed when the run has ended.

::

    run.json                objective, seed, draft, where the model and Parquet given by the user are
    scored.json             what the scoring process found out about the model
    data.parquet  [train.parquet  reference.parquet]    unless they are the user's own files
    answers.parquet         what the model said of each row; [previous.parquet  the same of the version before]
    predictions.parquet     labels, decisions and scores; read-only, hashed before and after the notebooks ran
    held/NAME.parquet       the rows that notebooks hold in memory, where the table has more
    busy                    there while notebooks are at work that others do not want beside them
    slots/NAME/             what notebook NAME may write: measurements.jsonl, finished, waited
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from nbdeploy.documents.objective import Objective
from nbdeploy.errors import NotebookError
from nbdeploy.trust.digests import file_digest
from nbdeploy.validate.data.inputs import files_digest
from nbdeploy.validate.data.rows import ParquetRows, Rows, TableRows
from nbdeploy.validate.slot import Slot, busy_mark


class Workspace:
    """One run's shared folder, as its owner and its notebooks see it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "run.json").is_file():
            raise NotebookError(
                f"{folder} is not a workspace of a validation run", next="leave the parameter `workspace` empty"
            )

    @classmethod
    def create(
        cls,
        folder: Path,
        objective: Objective,
        *,
        seed: int = 0,
        draft: bool = False,
        wanted: Sequence[str] = (),
        model_folder: Path | None = None,
        previous: str | None = None,
        **tables: pa.Table | Rows | None,
    ) -> Workspace:
        """Make a workspace.

        Parameters
        ----------
        wanted
            Costly extras that were asked for.
        previous
            The registered version that the model is compared with.
        tables
            data, train, reference and predictions, as far as there are any. Parquet files of the user's stay where
            they are, and their digests are watched.
        """
        folder.mkdir(parents=True, exist_ok=True)
        given = {name: _rows(table) for name, table in tables.items() if table is not None}
        theirs = {name: rows for name, rows in given.items() if isinstance(rows, ParquetRows)}
        about = {
            "objective": objective.model_dump(mode="json"),
            "seed": seed,
            "draft": draft,
            "wanted": list(wanted),
            "model": str(model_folder.resolve()) if model_folder else None,
            "previous": previous,
            "tables": {
                name: {"files": [str(file.resolve()) for file in rows.files], "leave_out": sorted(rows.left_out)}
                for name, rows in theirs.items()
            },
        }
        (folder / "run.json").write_text(json.dumps(about), "utf-8")
        workspace = cls(folder)
        for name, rows in given.items():
            if name not in theirs:
                workspace.write(name, rows.batches(), rows.schema)
        return workspace

    @cached_property
    def _about(self) -> dict[str, Any]:
        about: dict[str, Any] = json.loads((self.folder / "run.json").read_text("utf-8"))
        return about

    @cached_property
    def objective(self) -> Objective:
        """The objective in force."""
        return Objective.model_validate(self._about["objective"])

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return int(self._about["seed"])

    @property
    def draft(self) -> bool:
        """Whether speed counts more than precision."""
        return bool(self._about["draft"])

    @property
    def wanted(self) -> tuple[str, ...]:
        """Costly extras that were asked for."""
        return tuple(self._about["wanted"])

    @property
    def previous(self) -> str | None:
        """The registered version that the model is compared with, such as ``credit/3``."""
        name: str | None = self._about["previous"]
        return name

    @property
    def model_folder(self) -> Path | None:
        """The model's folder, unless only predictions were given."""
        return Path(self._about["model"]) if self._about["model"] else None

    @property
    def scored(self) -> dict[str, Any]:
        """What scoring found out: ``features``, ``flavor``, ``seconds``; empty for predictions from elsewhere."""
        file = self.folder / "scored.json"
        found: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
        return found

    def has(self, name: str) -> bool:
        """Whether this table was given."""
        return name in self._about["tables"] or self.path(name).is_file()

    def path(self, name: str) -> Path:
        """Return where a table of the workspace's own lies."""
        return self.folder / f"{name}.parquet"

    def write(self, name: str, batches: Iterable[pa.RecordBatch], schema: pa.Schema | None = None) -> None:
        """Store a table batch by batch; it cannot be written to afterwards.

        Parameters
        ----------
        schema
            That of the first batch unless given.
        """
        _write(self.path(name), batches, schema)

    def hold(self, name: str, table: pa.Table) -> None:
        """Store the rows of a table that notebooks hold."""
        self.path(f"held/{name}").parent.mkdir(exist_ok=True)
        _write(self.path(f"held/{name}"), table.to_batches(), table.schema)

    def lack(self, name: str, why: str) -> None:
        """Note why a table could not be made."""
        (self.folder / f"{name}.lacking").write_text(why, "utf-8")

    def lacking(self, name: str) -> str | None:
        """Return why a table could not be made; None where nobody noted it."""
        file = self.folder / f"{name}.lacking"
        return file.read_text("utf-8") if file.is_file() else None

    def rows(self, name: str, *more: str) -> ParquetRows:
        """Return all rows of a table, and of those that go on with it, to be passed over in batches."""
        if more:
            return ParquetRows([self.path(one) for one in (name, *more)])
        theirs = self._about["tables"].get(name)
        if theirs is not None:
            return ParquetRows([Path(file) for file in theirs["files"]], theirs["leave_out"])
        return ParquetRows([self.path(name)])

    def held(self, name: str) -> pa.Table:
        """Return the rows of a table that notebooks hold: all, or a sample of many."""
        import pyarrow.parquet as pq

        if self.path(f"held/{name}").is_file():
            return pq.read_table(self.path(f"held/{name}"))
        rows = self.rows(name)
        return pa.Table.from_batches(rows.batches(), rows.schema)

    def digests(self) -> dict[str, str]:
        """Return the digest of every table: the same before and after the notebooks ran, or nothing counts."""
        own = {file.relative_to(self.folder).as_posix(): file_digest(file) for file in self.folder.glob("*.parquet")}
        own |= {file.relative_to(self.folder).as_posix(): file_digest(file) for file in self.folder.glob("held/*")}
        theirs = {name: files_digest([Path(file) for file in t["files"]]) for name, t in self._about["tables"].items()}
        return own | theirs

    @property
    def busy(self) -> Path:
        """The mark that notebooks are at work beside which nothing can be timed."""
        return busy_mark(self.folder)

    def slot(self, name: str) -> Slot:
        """Return the slot of a notebook, made if it is new."""
        folder = self.folder / "slots" / name
        folder.mkdir(parents=True, exist_ok=True)
        return Slot(folder)


def _rows(table: pa.Table | Rows) -> Rows:
    return TableRows(table) if isinstance(table, pa.Table) else table


def _write(path: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema | None) -> None:
    import pyarrow.parquet as pq

    writer = pq.ParquetWriter(path, schema, compression="lz4") if schema is not None else None
    try:
        for batch in batches:
            if writer is None:
                writer = pq.ParquetWriter(path, batch.schema, compression="lz4")
            writer.write_batch(batch)
    finally:
        if writer is not None:
            writer.close()
    path.chmod(0o444)
