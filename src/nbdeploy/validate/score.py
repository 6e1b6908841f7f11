"""Score rows of a workspace once, in a process of its own: ``python -m nbdeploy.validate.score JOB``.

A model that crashes takes its process with it and nothing else.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbdeploy.errors import NbdeployError
from nbdeploy.validate.data.columns import labels_of
from nbdeploy.validate.data.rows import ParquetRows, span
from nbdeploy.validate.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

    from nbdeploy.validate.subject.model import LoadedModel


@dataclass(frozen=True)
class Job:
    """What one process scores.

    Parameters
    ----------
    workspace, model
        Folders.
    python
        The interpreter of the model's own environment; None where it is ours.
    into
        Name of the table of answers.
    first, last
        The rows from `first` up to `last`, not included.
    """

    workspace: str
    model: str
    python: str | None
    into: str
    first: int
    last: int

    @property
    def about(self) -> Path:
        """Where the process leaves what it found out."""
        return Path(self.workspace) / f"{self.into}.json"


def _score(job: Job) -> None:
    from nbdeploy.validate.subject.model import LoadedModel

    workspace = Workspace(Path(job.workspace))
    started = time.perf_counter()
    rows = workspace.rows("data")
    model = LoadedModel(
        Path(job.model),
        workspace.objective,
        Path(job.python) if job.python else None,
        lambda: labels_of(rows, workspace.objective.target),
    )
    loaded = time.perf_counter()
    workspace.write(job.into, _answers(model, rows, job))
    about = {
        "features": list(model.reads(rows.schema.names)),
        "flavor": model.flavor,
        "python": job.python,
        "python_version": model.python_version,
        "seconds": {"load": loaded - started, "predict": time.perf_counter() - loaded},
    }
    job.about.write_text(json.dumps(about), "utf-8")


def _answers(model: LoadedModel, rows: ParquetRows, job: Job) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    from nbdeploy.validate.subject.class_scores import class_column

    for batch in span(rows.batches(), job.first, job.last):
        frame = batch.to_pandas()
        decided, score, of_classes = model.answered(frame)
        columns = {"predicted": decided, "score": score}
        columns |= {class_column(name): values for name, values in of_classes.items()}
        yield pa.record_batch(
            {name: pa.array(values, from_pandas=True) for name, values in columns.items() if values is not None}
        )


def main(arguments: list[str]) -> int:
    """Carry out one job; a known refusal is left where the results would be."""
    job = Job(**json.loads(arguments[0]))
    try:
        _score(job)
    except NbdeployError as error:
        told = {"kind": type(error).__name__, "fact": error.fact, "next": error.next}
        job.about.write_text(json.dumps(told), "utf-8")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
