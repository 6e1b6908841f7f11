"""Kernels for validation notebooks: this interpreter, one thread, a process group that is killed whole."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL
from typing import Any, ClassVar

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from nbdeploy.validate.score import CHILD_ENVIRONMENT

_ENVIRONMENT = CHILD_ENVIRONMENT | {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the kernel warns about frozen modules
    "PYTHONHASHSEED": "0",
}


class Kernels:
    """The kernels of one run. `kill` ends them with everything that they started."""

    def __init__(self) -> None:
        # Unix sockets have short names only, and files there are as private as the folder.
        self.folder = Path(tempfile.mkdtemp(prefix="nbd-"))
        self._groups: dict[str, int] = {}
        self._lock = threading.Lock()
        self._killed = False

    def manager(self, name: str, cwd: Path) -> type[AsyncKernelManager]:
        """Return the class of which papermill makes the manager of one notebook's kernel."""
        return type("KernelManager", (_KernelManager,), {"kernels": self, "slot": name, "home": cwd})

    def messages(self, name: str) -> str:
        """Return what a kernel's process wrote to its error stream: the cause when it died."""
        file = self.folder / f"{name}.log"
        return file.read_text("utf-8", "replace") if file.is_file() else ""

    def started(self, name: str, pid: int) -> None:
        """Remember a kernel; each leads a process group of its own."""
        with self._lock:
            self._groups[name] = pid
        if self._killed:
            self.kill(name)

    def kill(self, name: str | None = None) -> None:
        """End one kernel, or all, with the processes that they left running."""
        with self._lock:
            if name is None:
                self._killed = True
            names = list(self._groups) if name is None else [name]
            groups = [self._groups.pop(each) for each in names if each in self._groups]
        for group in groups:
            with suppress(OSError):  # ended by itself
                os.killpg(group, signal.SIGKILL)

    def close(self) -> None:
        """End all kernels and remove their sockets."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class _KernelManager(AsyncKernelManager):
    """Starts this very interpreter, quietly; papermill makes one for each notebook."""

    kernels: ClassVar[Kernels]
    slot: ClassVar[str]
    home: ClassVar[Path]

    def __init__(self, **traits: Any) -> None:
        traits["connection_file"] = str(self.kernels.folder / f"{self.slot}.json")
        if os.name == "posix":
            traits["transport"] = "ipc"
        super().__init__(**traits)

    @property
    def kernel_spec(self) -> KernelSpec:
        """This interpreter's own kernel, whatever the machine has installed under the name python3."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="nbdeploy", language="python")

    async def _async_pre_start_kernel(self, **kw: Any) -> Any:
        command, kw = await super()._async_pre_start_kernel(**kw)
        with (self.kernels.folder / f"{self.slot}.log").open("wb") as log:
            kw |= {"stdout": DEVNULL, "stderr": os.dup(log.fileno()), "cwd": str(self.home)}
        kw["env"] = (kw.get("env") or dict(os.environ)) | _ENVIRONMENT
        return command, kw

    async def _async_post_start_kernel(self, **kw: Any) -> None:
        os.close(kw["stderr"])
        pid = getattr(self.provisioner, "pid", None)
        if pid:
            self.kernels.started(self.slot, pid)
        await super()._async_post_start_kernel(**kw)
