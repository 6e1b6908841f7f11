"""Processes for a run that start warm: forked from a parent that has imported the stack, instead of started anew."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from nbdeploy.validate.notebooks.forked import Forked
from nbdeploy.validate.subject.children import CHILD_ENVIRONMENT

KERNEL_ENVIRONMENT = CHILD_ENVIRONMENT | {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the kernel warns about frozen modules
    "PYTHONHASHSEED": "0",
}

SCORING = (
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "sklearn.pipeline",
    "sklearn.compose",
    "sklearn.ensemble",
    "nbdeploy.validate.score",
)
"""What scoring imports, and every notebook that asks a model."""

MLFLOW = ("mlflow.pyfunc", "mlflow.sklearn")
"""What models of other makes import besides: as much time again as all else."""

NOTEBOOKS = (
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
    "nbdeploy.validate.context",
    "nbdeploy.validate.subject.model",
    "nbdeploy.validate.checks.shown",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "matplotlib_inline.backend_inline",
    "PIL.PngImagePlugin",
    "pyarrow.pandas_compat",
    "scipy.stats",
)
"""What most notebooks import, and their kernels when they begin."""

_PATIENCE = 120.0
"""Seconds for a fork, imports of the parent included."""


class KernelParent:
    """A process that forks kernels and the scoring process; see `kernel_parent`. It imports while we go on.

    Raises
    ------
    OSError
        It could not be started.
    """

    def __init__(self, first: Sequence[str], later: Sequence[str]) -> None:
        os.close(os.pidfd_open(os.getpid()))  # some containers forbid it
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(_PATIENCE)
        self._forked: list[Forked] = []
        self._lock = Lock()
        self._lost = False
        with theirs:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "nbdeploy.validate.notebooks.kernel_parent",
                    str(theirs.fileno()),
                    *first,
                    "-",
                    *later,
                ],
                pass_fds=[theirs.fileno()],
                env=os.environ | KERNEL_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is ours to deal with
            )

    def fork(self, act: str, arguments: Sequence[str], *, cwd: Path, seed: str, log: int) -> Forked:
        """Start a ``kernel`` or ``score`` process, which leads a session of its own.

        Parameters
        ----------
        arguments
            Its command line.
        seed
            Of its global random generators.
        log
            File descriptor for its error stream.

        Raises
        ------
        OSError
            The parent is gone or does not answer.
        """
        asked = {"act": act, "arguments": list(arguments), "cwd": str(cwd), "seed": seed}
        answer, watched = self._ask(asked, [log])
        forked = Forked(int(answer), watched[0])
        self._forked.append(forked)
        return forked

    def exit_code(self, forked: Forked) -> int:
        """Return the exit code of a process that has ended, or is about to: minus the signal that killed it.

        Raises
        ------
        OSError
            The parent is gone.
        """
        return int(self._ask({"act": "reap", "pid": forked.pid})[0])

    def _ask(self, request: dict[str, Any], files: Sequence[int] = ()) -> tuple[bytes, list[int]]:
        with self._lock:
            if self._lost:
                raise ConnectionError("the kernel parent is gone")
            self._lost = True  # an answer that comes too late must not be taken for that to the next request
            socket.send_fds(self._control, [json.dumps(request).encode()], files)
            answer, sent, _, _ = socket.recv_fds(self._control, 64, 1)
            if not answer:
                raise ConnectionError("the kernel parent has ended")
            self._lost = False
            return answer, sent

    def give_up(self) -> None:
        """Wait no longer for forks, in whatever thread somebody does."""
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the parent with all that it forked."""
        self._control.close()
        if not self._forked:
            self.process.kill()  # it may be importing still, and would not hear us until it has done
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for forked in self._forked:
            forked.close()


@contextmanager
def kernel_parent(*, with_model: bool, with_mlflow: bool = False) -> Iterator[KernelParent | None]:
    """Start the parent of a run's processes and end it with the block; None where this system cannot have one.

    Parameters
    ----------
    with_model
        Whether a model will be asked.
    with_mlflow
        Whether MLflow is needed to load it.
    """
    parent = None
    if sys.platform == "linux":
        with suppress(OSError):  # processes are then started anew: slower, and otherwise the same
            parent = KernelParent((*(SCORING if with_model else ()), *(MLFLOW if with_mlflow else ())), NOTEBOOKS)
    try:
        yield parent
    finally:
        if parent is not None:
            parent.close()
