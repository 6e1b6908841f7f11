"""Score the rows of a workspace once, in processes of their own: ``python -m nbdeploy.validate.score JOB``.

A model that crashes takes its process with it and nothing else.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from nbdeploy.errors import DataError, ModelError, NbdeployError
from nbdeploy.validate.data.columns import labels_of
from nbdeploy.validate.data.rows import ParquetRows, span
from nbdeploy.validate.subject.children import CHILD_ENVIRONMENT
from nbdeploy.validate.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

    from nbdeploy.validate.notebooks.warm import Forked, KernelParent
    from nbdeploy.validate.subject.model import LoadedModel

_SHARED_FROM = 200_000
"""Rows from which processes share the scoring; loading the model twice costs more than it gains for fewer."""


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


def score_workspace(
    folder: Path,
    *,
    model_folder: Path | None = None,
    python: Path | None = None,
    into: str = "answers",
    parent: KernelParent | None = None,
    timeout: float = 3600,
) -> tuple[str, ...]:
    """Have a model answer every row of a workspace's data.

    Parameters
    ----------
    model_folder
        The workspace's own model unless given.
    python
        The interpreter of the model's own environment, where that differs from ours.
    into
        What the answers are called: ``answers`` of the model in question, whose process also leaves ``scored.json``.
    parent
        Forks the processes, which saves their imports.
    timeout
        Seconds for all of them.

    Returns
    -------
    tuple of str
        The tables of answers in the order of the rows: columns ``predicted`` and ``score``, or one of them.

    Raises
    ------
    ModelError
        The model does not load, does not answer, or takes its process down.
    DataError
        It cannot be asked about these rows.
    """
    workspace = Workspace(folder)
    model = model_folder or workspace.model_folder
    if model is None:
        raise ModelError("the run has no model to score with")
    rows = workspace.rows("data").num_rows
    parts = min(os.cpu_count() or 1, 4) if rows >= _SHARED_FROM else 1
    cuts = [rows * part // parts for part in range(parts + 1)]
    jobs = [
        Job(str(folder), str(model), str(python) if python else None, _named(into, part, parts), first, last)
        for part, (first, last) in enumerate(pairwise(cuts))
    ]
    with (folder / f"{into}.log").open("wb") as log:
        _carried_out(jobs, parent, log.fileno(), timeout)
    if into == "answers":
        (folder / "scored.json").write_text(jobs[0].about.read_text("utf-8"), "utf-8")
    return tuple(job.into for job in jobs)


def _named(into: str, part: int, parts: int) -> str:
    return into if parts == 1 else f"{into}-{part}"


def _carried_out(jobs: Sequence[Job], parent: KernelParent | None, log: int, timeout: float) -> None:
    """Run all jobs at the same time and wait for them; whatever happens, none of their processes stays."""
    started: list[_Process] = []
    end = time.monotonic() + timeout
    try:
        started.extend(_Process(job, parent, log) for job in jobs)
        for process in started:
            try:
                code = process.wait(max(end - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                raise ModelError(f"the model did not answer within {timeout:g} seconds") from None
            _check(process.job, code, Path(process.job.workspace))
    finally:
        for process in started:
            process.kill()


def _check(job: Job, code: int, folder: Path) -> None:
    told = json.loads(job.about.read_text("utf-8")) if job.about.is_file() else {}
    if "fact" in told:
        kind = DataError if told["kind"] == "DataError" else ModelError
        raise kind(told["fact"], next=told["next"])
    if code != 0 or not told:
        log = folder / f"{job.into.partition('-')[0]}.log"
        last = log.read_text("utf-8", "replace").strip().splitlines()[-1:] or [""]
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise ModelError(f"the process that ran the model died ({how}) {last[0][:200]}".rstrip())


class _Process:
    """The process of one job: forked where a parent can, else started."""

    def __init__(self, job: Job, parent: KernelParent | None, log: int) -> None:
        self.job = job
        self._parent = parent
        self._forked: Forked | None = None
        self._started: subprocess.Popen[bytes] | None = None
        command = json.dumps(asdict(job))
        if parent is not None:
            with suppress(OSError):  # it is gone; then a process is started anew
                self._forked = parent.fork("score", [command], cwd=Path.cwd(), seed="score", log=log)
                return
        self._started = subprocess.Popen(
            [sys.executable, "-m", "nbdeploy.validate.score", command],
            env=os.environ | CHILD_ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )

    def wait(self, timeout: float) -> int:
        """Return its exit code, minus the signal that killed it."""
        if self._started is not None:
            return self._started.wait(timeout)
        if self._forked is None or self._parent is None:
            raise ModelError("the process that ran the model was lost")
        self._forked.wait(timeout)
        return self._parent.exit_code(self._forked)

    def kill(self) -> None:
        """End it, with whatever the model started."""
        found = self._started or self._forked
        if found is not None:
            with suppress(ProcessLookupError):
                os.killpg(found.pid, signal.SIGKILL)
        if self._started is not None:
            self._started.wait()


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
