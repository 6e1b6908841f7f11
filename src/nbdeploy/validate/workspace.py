"""The workspace: the folder through which one run and its notebooks exchange data. Removed when the run has ended.

::

    run.json                objective, seed, draft, where the model is
    scored.json             what the scoring process found out about the model
    data.parquet  [train.parquet  reference.parquet]
    predictions.parquet     read-only; hashed after scoring and again after the notebooks
    slots/NAME/             what notebook NAME may write: measurements.jsonl, finished
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import strict_json
from nbdeploy.errors import NotebookError
from nbdeploy.trust.digests import file_digest

TABLES = ("data", "train", "reference", "predictions")


class Slot:
    """The folder of one notebook inside a workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        """The notebook's name without its ending."""
        return self.folder.name

    @property
    def workspace(self) -> Workspace:
        """The workspace that the slot belongs to."""
        return Workspace(self.folder.parent.parent)

    @property
    def file(self) -> Path:
        """Where measurements go, one JSON object a line."""
        return self.folder / "measurements.jsonl"

    @property
    def finished(self) -> bool:
        """Whether the notebook reached ``context.finish()``."""
        return (self.folder / "finished").is_file()

    def append(self, measurement: Measurement) -> None:
        """Add one measurement."""
        line = json.dumps(measurement.model_dump(mode="json"), ensure_ascii=False, allow_nan=False)
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")

    def measurements(self) -> Iterator[Measurement]:
        """Yield what the notebook recorded.

        Raises
        ------
        ValueError, FormatError
            A line is not a measurement, or holds NaN or infinity: something else wrote into the slot.
        """
        if self.file.is_file():
            for line in self.file.read_bytes().splitlines():
                yield Measurement.model_validate(strict_json(line))

    def finish(self) -> None:
        """Leave the mark that the last cell was reached."""
        (self.folder / "finished").touch()


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
        model_folder: Path | None = None,
        **tables: pa.Table | None,
    ) -> Workspace:
        """Make a workspace; `tables` are data, train, reference and predictions, as far as there are any."""
        folder.mkdir(parents=True, exist_ok=True)
        about = {
            "objective": objective.model_dump(mode="json"),
            "seed": seed,
            "draft": draft,
            "model": str(model_folder.resolve()) if model_folder else None,
        }
        (folder / "run.json").write_text(json.dumps(about), "utf-8")
        workspace = cls(folder)
        for name, table in tables.items():
            if table is not None:
                workspace.write(name, table)
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
        return self.path(name).is_file()

    def path(self, name: str) -> Path:
        """Return where a table lies."""
        return self.folder / f"{name}.parquet"

    def write(self, name: str, table: pa.Table) -> None:
        """Store a table; it cannot be written to afterwards."""
        import pyarrow.parquet as pq

        if name not in TABLES:
            raise ValueError(f"{name!r} is none of {TABLES}")
        pq.write_table(table, self.path(name), compression="lz4")
        self.path(name).chmod(0o444)

    def read(self, name: str) -> pa.Table:
        """Read a table back."""
        import pyarrow.parquet as pq

        return pq.read_table(self.path(name))

    def digests(self) -> dict[str, str]:
        """Return the digest of every table: the same before and after the notebooks ran, or nothing counts."""
        return {name: file_digest(self.path(name)) for name in TABLES if self.has(name)}

    def slot(self, name: str) -> Slot:
        """Return the slot of a notebook, made if it is new."""
        folder = self.folder / "slots" / name
        folder.mkdir(parents=True, exist_ok=True)
        return Slot(folder)
