"""Running validation notebooks with papermill, several at a time, and storing each as it ended."""

from __future__ import annotations

import hashlib
import logging
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

from nbdeploy.documents.evidence import NotebookRun
from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.progress import Progress, Watcher, unwatched
from nbdeploy.errors import InterruptedRunError
from nbdeploy.validate.collect import collect
from nbdeploy.validate.notebooks import MOST_BYTES, Notebook, check_parameters, parse_notebook, render_notebook
from nbdeploy.validate.redact import known_secrets, redact
from nbdeploy.validate.workspace import Slot, Workspace

if TYPE_CHECKING:
    from nbdeploy.validate.kernels import Kernels
    from nbdeploy.validate.warm import KernelParent

STAGE = "notebooks"

_SLOWEST_FIRST = ("explainability", "operations", "robustness", "fairness", "performance", "data")


@dataclass(frozen=True)
class Executed:
    """One notebook after its run: the record for the evidence and the measurements that count."""

    notebook: Notebook
    run: NotebookRun
    measurements: tuple[Measurement, ...]
    redacted: int = 0


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

    A notebook that breaks off is saved as far as it came; that is a fact of its run and no error of this function.

    Parameters
    ----------
    into
        Folder for the executed notebooks.
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
        Ctrl-C; all kernels are dead when it is raised.
    """
    from nbdeploy.validate.kernels import Kernels

    into.mkdir(parents=True, exist_ok=True)
    given = {"seed": workspace.seed, **(parameters or {})}
    nodes = {}
    for notebook in notebooks:
        nodes[notebook.path] = notebook.read()
        check_parameters(notebook.path.name, nodes[notebook.path], {"workspace": "", **given})
        watch(Progress(stage=STAGE, part=notebook.name, state="waiting"))
    kernels = Kernels(parent, workspace.seed)
    results: dict[Path, Executed] = {}
    order = sorted(notebooks, key=lambda each: _SLOWEST_FIRST.index(each.section))
    pool = ThreadPoolExecutor(max_workers=max(1, jobs), thread_name_prefix="notebook")
    with _quiet():
        try:
            futures = {
                pool.submit(_one, each, nodes[each.path], workspace, into, given, timeout, kernels, watch): each
                for each in order
            }
            for future in as_completed(futures):
                results[futures[future].path] = future.result()
        except KeyboardInterrupt:
            raise InterruptedRunError("the run was interrupted; nothing of it was kept") from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            kernels.kill()
            pool.shutdown(wait=True)
            kernels.close()
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


def _one(  # noqa: PLR0917 - called by the pool alone
    notebook: Notebook,
    node: Any,
    workspace: Workspace,
    into: Path,
    parameters: Mapping[str, Any],
    timeout: float,
    kernels: Kernels,
    watch: Watcher,
) -> Executed:
    started = time.perf_counter()
    slot = workspace.slot(notebook.name)
    cells = sum(cell.cell_type == "code" for cell in node.cells)
    watch(Progress(stage=STAGE, part=notebook.name, state="running", total=cells))
    raw = workspace.folder / "executed" / f"{notebook.name}.ipynb"
    died = _run(notebook, node, slot, raw, parameters, timeout, kernels, watch)
    executed, stored, redacted = _store(raw, into / f"{notebook.name}.ipynb", slot)
    if raw.is_file() and executed is None and not died:
        died = f"its outputs are over the limit of {MOST_BYTES:,} bytes"
    collected = collect(notebook.section, executed, slot, died)
    seconds = time.perf_counter() - started
    state = "failed" if collected.reason else "done"
    watch(Progress(stage=STAGE, part=notebook.name, state=state, done=cells, total=cells, detail=collected.reason))
    run = NotebookRun(
        section=notebook.section,
        name=f"{notebook.name}.ipynb",
        source_digest=notebook.digest,
        executed_digest=stored,
        status="failed" if collected.reason else "completed",
        reason=collected.reason,
        edited=notebook.edited,
        seconds=round(seconds, 3),
        measurements=len(collected.measurements),
    )
    return Executed(notebook, run, collected.measurements, redacted)


def _run(  # noqa: PLR0917 - one call, above
    notebook: Notebook,
    node: Any,
    slot: Slot,
    raw: Path,
    parameters: Mapping[str, Any],
    timeout: float,
    kernels: Kernels,
    watch: Watcher,
) -> str:
    """Run one notebook to `raw`; return why it broke off, or nothing."""
    import papermill
    from jupyter_core.utils import ensure_event_loop

    prepared = slot.workspace.folder / "prepared" / f"{notebook.name}.ipynb"
    for folder in (prepared.parent, raw.parent):
        folder.mkdir(exist_ok=True)
    prepared.write_text(render_notebook(node), "utf-8")
    cells = sum(cell.cell_type == "code" for cell in node.cells)
    done = 0

    def step(**_: Any) -> None:
        nonlocal done
        done += 1
        watch(Progress(stage=STAGE, part=notebook.name, state="running", done=min(done, cells), total=cells))

    late: list[bool] = []

    def stop() -> None:
        late.append(True)
        kernels.kill(notebook.name)

    clock = Timer(timeout, stop)
    clock.daemon = True
    clock.start()
    try:
        papermill.execute_notebook(
            str(prepared),
            str(raw),
            parameters={"workspace": str(slot.folder), **parameters},
            kernel_name="python3",
            language="python",
            progress_bar=False,
            log_output=False,
            start_timeout=60,
            kernel_manager_class=kernels.manager(notebook.name, slot.folder),
            shutdown_kernel="immediate",
            on_cell_executed=step,
        )
    except Exception as error:  # noqa: BLE001 - whatever breaks a notebook off is told in the evidence, not raised
        return f"it took longer than {timeout:g} seconds" if late else _why(error, kernels.messages(notebook.name))
    finally:
        clock.cancel()
        kernels.kill(notebook.name)
        ensure_event_loop().close()  # the client made one for this thread and would leave it open
    return ""


def _why(error: Exception, messages: str) -> str:
    """Say in plain words why a notebook broke off; nothing where its cells tell."""
    name = type(error).__name__
    if name == "PapermillExecutionError":
        return ""  # the cell that raised is found in what was saved
    if name == "DeadKernelError":
        last = messages.strip().splitlines()[-1:] or [""]
        return f"its kernel died {'(' + last[0][:160] + ')' if last[0] else ''}".rstrip()
    first = str(error).strip().splitlines() or [""]
    return f"it broke off ({name}: {first[0][:200]})"


def _store(raw: Path, final: Path, slot: Slot) -> tuple[Any, str | None, int]:
    """Write the executed notebook without secrets and machine paths; return it, its digest and what was redacted."""
    if not raw.is_file() or raw.stat().st_size > MOST_BYTES:
        return None, None, 0
    node = parse_notebook(raw.read_text("utf-8"))
    papermill_notes = node.metadata.get("papermill", {})
    for key in ("input_path", "output_path"):
        papermill_notes.pop(key, None)
    clean, count = redact(node, known_secrets())
    text = render_notebook(clean)
    text = text.replace(str(slot.folder), "WORKSPACE").replace(str(slot.workspace.folder), "WORKSPACE")
    data = text.encode("utf-8")
    final.write_bytes(data)
    return node, "sha256:" + hashlib.sha256(data).hexdigest(), count


def unfinished(notebooks: Iterable[Notebook], reason: str) -> tuple[NotebookRun, ...]:
    """Return the records of notebooks that were not run."""
    return tuple(
        NotebookRun(
            section=notebook.section,
            name=f"{notebook.name}.ipynb",
            source_digest=notebook.digest,
            status="not_run",
            reason=reason,
            edited=notebook.edited,
        )
        for notebook in notebooks
    )
