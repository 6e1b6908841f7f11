"""The processes that score: started, waited for, and ended whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from nbdeploy.errors import DataError, ModelError
from nbdeploy.validate.score import Job
from nbdeploy.validate.subject.children import CHILD_ENVIRONMENT
from nbdeploy.validate.workspace import Workspace

if TYPE_CHECKING:
    from nbdeploy.validate.notebooks.forked import Forked
    from nbdeploy.validate.notebooks.warm import KernelParent

_SHARED_FROM = 200_000
"""Rows from which processes share the scoring; loading the model twice costs more than it gains for fewer."""

_LONGEST = 3600
"""Seconds for all of them."""


def score_workspace(
    folder: Path,
    *,
    model_folder: Path | None = None,
    python: Path | None = None,
    into: str = "answers",
    parent: KernelParent | None = None,
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
        _carried_out(jobs, parent, log.fileno())
    if into == "answers":
        (folder / "scored.json").write_text(jobs[0].about.read_text("utf-8"), "utf-8")
    return tuple(job.into for job in jobs)


def _named(into: str, part: int, parts: int) -> str:
    return into if parts == 1 else f"{into}-{part}"


def _carried_out(jobs: Sequence[Job], parent: KernelParent | None, log: int) -> None:
    """Run all jobs at the same time and wait for them; whatever happens, none of their processes stays."""
    started: list[_Process] = []
    end = time.monotonic() + _LONGEST
    try:
        started.extend(_Process(job, parent, log) for job in jobs)
        for process in started:
            try:
                code = process.wait(max(end - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                raise ModelError(f"the model did not answer within {_LONGEST} seconds") from None
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
