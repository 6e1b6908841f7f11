"""Kernels for validation notebooks: this interpreter, one thread, a process group that is killed whole.

They are forks of the run's kernel parent; where there is none, or it is gone, processes started anew.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty
from subprocess import DEVNULL
from typing import Any, ClassVar

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Type

from nbdeploy.validate.notebooks.files import MOST_BYTES
from nbdeploy.validate.notebooks.forked import Forked
from nbdeploy.validate.notebooks.warm import KERNEL_ENVIRONMENT, KernelParent

TOO_MUCH = f"its outputs are over the limit of {MOST_BYTES:,} bytes"


class Kernels:
    """The kernels of one run. `kill` ends them with everything that they started.

    Parameters
    ----------
    parent
        Forks them.
    seed
        Of the global random generators in forks; each notebook has its own stream.
    """

    def __init__(self, parent: KernelParent | None = None, seed: int = 0) -> None:
        self.parent = parent
        self.seed = seed
        # Unix sockets have short names only, and files there are as private as the folder.
        self.folder = Path(tempfile.mkdtemp(prefix="nbd-"))
        self.stopped: dict[str, str] = {}
        """Why a kernel was ended before its notebook was, by name."""
        self._groups: dict[str, int] = {}
        self._processes: dict[str, Any] = {}
        self._lock = threading.Lock()
        self.ended_all = False
        """Whether the run has ended, so that none may start any more."""

    def manager(self, name: str, cwd: Path) -> type[AsyncKernelManager]:
        """Return the class of which papermill makes the manager of one notebook's kernel."""
        return type("KernelManager", (_KernelManager,), {"kernels": self, "slot": name, "home": cwd})

    def messages(self, name: str) -> str:
        """Return what a kernel's process wrote to its error stream: the cause when it died."""
        file = self.folder / f"{name}.log"
        return file.read_text("utf-8", "replace") if file.is_file() else ""

    def started(self, name: str, process: Any) -> None:
        """Remember a kernel's process; each leads a process group of its own."""
        with self._lock:
            self._groups[name] = process.pid
            self._processes[name] = process
        if self.ended_all or name in self.stopped:  # its time was over before it began, on a busy machine
            self.kill(name)

    def kill(self, name: str | None = None) -> None:
        """End one kernel, or all, with the processes that they left running."""
        with self._lock:
            if name is None:
                self.ended_all = True
            names = list(self._groups) if name is None else [name]
            groups = [self._groups.pop(each) for each in names if each in self._groups]
        for group in groups:
            with suppress(OSError):  # ended by itself
                os.killpg(group, signal.SIGKILL)

    def ended(self, name: str) -> list[str]:
        """Say how a kernel's process ended by itself, as far as that is known."""
        process = self._processes.get(name)
        try:
            if isinstance(process, Forked):
                code = self.parent.exit_code(process) if self.parent is not None else None
            else:
                code = getattr(process, "returncode", None)
        except OSError:  # the parent is gone, and nobody else was told
            return []
        if not code:
            return []
        if code == -signal.SIGKILL:
            return ["killed, as the system does when memory runs out"]
        return [signal.strsignal(-code) or f"signal {-code}"] if code < 0 else [f"exit code {code}"]

    def stop(self, name: str, why: str) -> None:
        """End one kernel for a reason that its notebook's author is told."""
        self.stopped.setdefault(name, why)
        self.kill(name)

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
        super().__init__(client_factory=_Client, **traits)

    @property
    def kernel_spec(self) -> KernelSpec:
        """This interpreter's own kernel, whatever the machine has installed under the name python3."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="nbdeploy", language="python")

    async def _async_pre_start_kernel(self, **kw: Any) -> Any:
        if self.kernels.parent is not None:
            self.kernel_id = str(uuid.uuid4())
            self.provisioner = _ForkProvisioner(
                parent=self,
                kernel_id=self.kernel_id,
                kernel_spec=self.kernel_spec,
                fork_from=self.kernels.parent,
                kernels=self.kernels,
                seed=f"{self.kernels.seed}/{self.slot}",
            )
        command, kw = await super()._async_pre_start_kernel(**kw)
        with (self.kernels.folder / f"{self.slot}.log").open("wb") as log:
            kw |= {"stdout": DEVNULL, "stderr": os.dup(log.fileno()), "cwd": str(self.home)}
        kw["env"] = (kw.get("env") or dict(os.environ)) | KERNEL_ENVIRONMENT
        return command, kw

    async def _async_post_start_kernel(self, **kw: Any) -> None:
        os.close(kw["stderr"])
        process = getattr(self.provisioner, "process", None)
        if process is not None:
            self.kernels.started(self.slot, process)
        await super()._async_post_start_kernel(**kw)


class _Outputs(AsyncZMQSocketChannel):
    """The channel of a kernel's outputs, which counts bytes: a cell that never stops printing would fill our memory."""

    over: Callable[[], None]
    received = 0

    async def _recv(self, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]  # as the stock async channel
        frames = await self.socket.recv_multipart(**kwargs)
        self.received += sum(map(len, frames))
        if self.received > MOST_BYTES:
            self.over()
            raise RuntimeError(TOO_MUCH)  # what came is not even read, and so does not get into the saved notebook
        _, message = self.session.feed_identities(frames)
        told: dict[str, Any] = self.session.deserialize(message)
        return told


class _Client(AsyncKernelClient):
    """Speaks to one kernel, and begins as soon as it answers."""

    iopub_channel_class = Type(_Outputs)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        # The first try comes before the kernel listens, and ZeroMQ would rest a tenth of a second before the next.
        self.context.setsockopt(zmq.RECONNECT_IVL, 5)

    async def wait_for_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as the stock one's
        """Wait until both channels are open.

        The stock one goes on listening for a fifth of a second, to leave no message behind; nbclient passes over
        messages that belong to none of its cells.
        """
        manager = self.parent
        assert isinstance(manager, _KernelManager)  # noqa: S101 - it makes its client itself, see client_factory
        self.iopub_channel.over = lambda: manager.kernels.stop(manager.slot, TOO_MUCH)
        end = time.monotonic() + (timeout or 60)
        while True:
            self.kernel_info()
            with suppress(Empty):
                reply = await self.get_shell_msg(timeout=1)
                await self.get_iopub_msg(timeout=0.2)
                self._handle_kernel_info_reply(reply)
                return
            if not await self.is_alive():
                raise RuntimeError("it died before its first cell")
            if time.monotonic() > end:
                raise RuntimeError("it did not start in time")


class _ForkProvisioner(LocalProvisioner):
    """Has the kernel forked where the stock one starts a process."""

    def __init__(self, *, fork_from: KernelParent, kernels: Kernels, seed: str, **traits: Any) -> None:
        super().__init__(**traits)
        self._fork_from = fork_from
        self._kernels = kernels
        self._seed = seed

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Fork it; a parent that was killed or hangs costs time and no evidence."""
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        try:
            forked = self._fork_from.fork(
                "kernel", arguments, cwd=Path(kwargs["cwd"]), seed=self._seed, log=kwargs["stderr"]
            )
        except OSError:
            if self._kernels.ended_all:
                raise
            return await super().launch_kernel(cmd, **kwargs)
        self.process: Any = forked
        self.pid = self.pgid = forked.pid
        self.cwd = kwargs["cwd"]
        return self.connection_info

    async def wait(self) -> int | None:
        """Wait for the end; the stock one looks ten times a second."""
        if isinstance(self.process, Forked):
            await asyncio.to_thread(self.process.wait)
            self.process = None
            return 0
        return await super().wait()
