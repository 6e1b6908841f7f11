"""One notebook in one kernel, through papermill, and why it broke off if it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

from nbdeploy.validate.notebooks.files import render_notebook
from nbdeploy.validate.notebooks.papermill_engine import NAME, papermill

if TYPE_CHECKING:
    from nbdeploy.validate.notebooks.kernels import Kernels


def run_in_kernel(  # noqa: PLR0917 - one call, in execute
    name: str,
    node: Any,
    raw: Path,
    parameters: Mapping[str, Any],
    kernels: Kernels,
    timeout: float,
    step: Callable[[int], None],
) -> str:
    """Run one notebook; return why it broke off, or nothing where it did not or where its cells tell.

    Parameters
    ----------
    node
        The notebook as it is to be executed.
    raw
        Where papermill saves it, cell by cell.
    timeout
        Seconds.
    step
        Called with the number of cells that were executed.
    """
    from jupyter_core.utils import ensure_event_loop

    prepared = raw.parent.with_name("prepared") / raw.name
    for folder in (prepared.parent, raw.parent):
        folder.mkdir(exist_ok=True)
    prepared.write_text(render_notebook(node), "utf-8")
    done = 0

    def count(**_: Any) -> None:
        nonlocal done
        done += 1
        step(done)

    clock = Timer(timeout, kernels.stop, (name, f"it took longer than {timeout:g} seconds"))
    clock.daemon = True
    clock.start()
    try:
        papermill().execute_notebook(
            str(prepared),
            str(raw),
            parameters=dict(parameters),
            engine_name=NAME,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            log_output=False,
            start_timeout=60,
            kernel_manager_class=kernels.manager(name, Path(parameters["workspace"])),
            shutdown_kernel="immediate",
            on_cell_executed=count,
        )
    except Exception as error:  # noqa: BLE001 - whatever breaks a notebook off is told in the evidence, not raised
        return kernels.stopped.get(name) or _why(error, name, kernels)
    finally:
        clock.cancel()
        kernels.kill(name)
        ensure_event_loop().close()  # the client made one for this thread and would leave it open
    return kernels.stopped.get(name, "")


def _why(error: Exception, name: str, kernels: Kernels) -> str:
    """Say in plain words why a notebook broke off; nothing where its cells tell."""
    kind = type(error).__name__
    if kind == "PapermillExecutionError":
        return ""  # the cell that raised is found in what was saved
    if kind == "DeadKernelError":
        last = kernels.messages(name).strip().splitlines()[-1:]
        told = [*kernels.ended(name), *(line[:160] for line in last if line)]
        return f"its kernel died ({'; '.join(told)})" if told else "its kernel died"
    first = str(error).strip().splitlines() or [""]
    return f"it broke off ({kind}: {first[0][:200]})"
