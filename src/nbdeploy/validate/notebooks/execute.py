"""Running validation notebooks, several at a time, and telling what came of each."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbdeploy.documents.evidence import NotebookRun
from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.progress import Progress, State, Watcher, unwatched
from nbdeploy.errors import InterruptedRunError, NotebookError
from nbdeploy.validate.notebooks.collect import collect
from nbdeploy.validate.notebooks.kernel_run import run_in_kernel
from nbdeploy.validate.notebooks.notebook import Notebook, check_parameters
from nbdeploy.validate.notebooks.redact import known_secrets, redact
from nbdeploy.validate.notebooks.storing import store
from nbdeploy.validate.notebooks.turns import Turns
from nbdeploy.validate.workspace import Workspace

if TYPE_CHECKING:
    from nbdeploy.validate.notebooks.kernels import Kernels
    from nbdeploy.validate.notebooks.warm import KernelParent

STAGE = "notebooks"


@dataclass(frozen=True)
class Executed:
    """One notebook after its run: the record for the evidence, the measurements that count and how long each took."""

    notebook: Notebook
    run: NotebookRun
    measurements: tuple[Measurement, ...]
    redacted: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)


def execute_all(
    notebooks: Sequence[Notebook],
    workspace: Workspace,
    into: Path,
    *,
    jobs: int = 2,
    timeout: float = 1800,
    parameters: Mapping[str, Any] | None = None,
    parent: KernelParent | None = None,
    watch: Watcher = unwatched,
) -> tuple[Executed, ...]:
    """Execute notebooks; return them in the order given.

    A notebook that breaks off is saved as far as it came, and one that cannot be read is not begun; both are facts of
    the run and no error of this function.

    Parameters
    ----------
    into
        Folder for the executed notebooks.
    jobs
        At the same time. Those of *operations* come last and one by one, except in a draft; one that waits by itself
        before it times anything begins beside the last of the others, unless it is one at a time.
    timeout
        Seconds for each notebook.
    parameters
        Further parameters, each of which every notebook must declare.
    parent
        Forks the kernels.

    Raises
    ------
    ParameterError
        A notebook does not declare what it would be given. No kernel has started then.
    InterruptedRunError
        Ctrl-C; all kernels are dead when it is raised. What had finished by then is its fact ``finished``.
    """
    from nbdeploy.validate.notebooks.kernels import Kernels

    into.mkdir(parents=True, exist_ok=True)
    given = {"seed": workspace.seed, **(parameters or {})}
    results: dict[Path, Executed] = {}
    nodes: dict[Path, Any] = {}
    for notebook in notebooks:
        try:
            nodes[notebook.path] = notebook.read()
        except NotebookError as error:
            results[notebook.path] = Executed(notebook, _record(notebook, reason=error.fact), ())
            watch(Progress(stage=STAGE, part=notebook.name, state="failed", detail=error.fact))
            continue
        check_parameters(notebook.path.name, nodes[notebook.path], {"workspace": "", **given})
        watch(Progress(stage=STAGE, part=notebook.name, state="waiting"))
    kernels = Kernels(parent, workspace.seed)
    one = _One(workspace, into, given, kernels, watch)
    turns = Turns(lambda each, limits: one.execute(each, nodes[each.path], timeout * limits), max(1, jobs))
    interrupted = False
    with _quiet():
        try:
            turns.take([each for each in notebooks if each.path in nodes], workspace.busy, draft=workspace.draft)
        except KeyboardInterrupt:
            interrupted = True
            kernels.kill()
            if parent is not None:
                parent.give_up()
        finally:
            results |= {each.notebook.path: each for each in turns.end(kernels.kill)}
            kernels.close()
    if interrupted:
        raise InterruptedRunError("the run was interrupted; no evidence was made", finished=results)
    return tuple(results[notebook.path] for notebook in notebooks)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep papermill and the kernel client from writing to the user's terminal."""
    loggers = [logging.getLogger(name) for name in ("papermill", "traitlets", "asyncio")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            # Notes of nbformat and pyzmq on how they do their work; what matters raises.
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@dataclass(frozen=True)
class _One:
    """What all notebooks of a run share while each is executed."""

    workspace: Workspace
    into: Path
    parameters: Mapping[str, Any]
    kernels: Kernels
    watch: Watcher

    def execute(self, notebook: Notebook, node: Any, timeout: float) -> Executed:
        """Execute one notebook within `timeout` seconds."""
        started = time.perf_counter()
        slot = self.workspace.slot(notebook.name)
        cells = sum(cell.cell_type == "code" for cell in node.cells)

        def tell(state: State, done: int, detail: str = "") -> None:
            told = Progress(
                stage=STAGE, part=notebook.name, state=state, done=min(done, cells), total=cells, detail=detail
            )
            self.watch(told)

        tell("running", 0)
        raw = self.workspace.folder / "executed" / f"{notebook.name}.ipynb"
        parameters = {"workspace": str(slot.folder), **self.parameters}
        died = run_in_kernel(
            notebook.name, node, raw, parameters, self.kernels, timeout, step=lambda done: tell("running", done)
        )
        stored = store(raw, self.into / f"{notebook.name}.ipynb", slot)
        collected = collect(notebook.section, stored.node, slot, died or stored.reason)
        measurements, reason, redacted = _clean(collected.measurements, collected.reason)
        seconds = time.perf_counter() - started - slot.waited
        tell("failed" if reason else "done", cells, reason or f"{seconds:.1f} s")
        run = _record(
            notebook, reason=reason, executed=stored.digest, seconds=round(seconds, 3), measurements=len(measurements)
        )
        return Executed(notebook, run, measurements, stored.redacted + redacted, collected.seconds)


def _clean(measurements: Iterable[Measurement], reason: str) -> tuple[tuple[Measurement, ...], str, int]:
    """Take secrets out of what goes into the evidence: notes, texts of errors, data for charts."""
    secrets = known_secrets()
    found: list[Measurement] = []
    count = 0
    for measurement in measurements:
        content, more = redact(measurement.model_dump(mode="json"), secrets)
        found.append(Measurement.model_validate(content) if more else measurement)
        count += more
    reason, more = redact(reason, secrets)
    return tuple(found), reason, count + more


def _record(
    notebook: Notebook,
    *,
    reason: str,
    executed: str | None = None,
    seconds: float | None = None,
    measurements: int = 0,
) -> NotebookRun:
    return NotebookRun(
        section=notebook.section,
        name=f"{notebook.name}.ipynb",
        source_digest=notebook.digest,
        executed_digest=executed,
        status="failed" if reason else "completed",
        reason=reason,
        edited=notebook.edited,
        seconds=seconds,
        measurements=measurements,
    )


def unfinished(notebooks: Iterable[Notebook], reason: str) -> tuple[NotebookRun, ...]:
    """Return the records of notebooks that were not run."""
    return tuple(_record(notebook, reason=reason).model_copy(update={"status": "not_run"}) for notebook in notebooks)
