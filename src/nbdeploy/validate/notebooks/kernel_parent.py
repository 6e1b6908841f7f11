"""The kernel parent: a process that has imported what notebooks use, and forks their kernels.

Importing takes a notebook's kernel seconds, and a fork of a process that has done it milliseconds. This process only
imports. It never computes: one that has *run* OpenMP code and forks leaves children that hang at their first loop.

It lives as long as the other end of its socket is open, so it ends with the run however that ends, and takes with it
whatever it forked and what those started.
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
import json
import os
import random
import signal
import socket
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

_MOST = 64 * 1024
"""Bytes of a request."""

_libc = ctypes.CDLL(None, use_errno=True)
_DIE_WITH_PARENT, _ADOPT_ORPHANS = 1, 36
"""``PR_SET_PDEATHSIG`` and ``PR_SET_CHILD_SUBREAPER`` of Linux's prctl(2)."""


def main(arguments: list[str]) -> None:
    """Import modules, then fork as asked over a socket; in a fork, do what was asked for.

    Parameters
    ----------
    arguments
        The socket's file descriptor, and names of modules: first what scoring needs, then after a ``-`` what only
        notebooks need, which is imported while the model scores. One that cannot be imported is left to the notebooks,
        which say so better.
    """
    home = sys.path.pop(0)  # where the run was started: a file there must not take the place of a library
    names = arguments[1:]
    cut = names.index("-")
    _import(names[:cut])
    _libc.prctl(_ADOPT_ORPHANS, 1)
    asked = _serve(socket.socket(fileno=int(arguments[0])), names[cut + 1 :])
    if asked is None:
        _leave(0)
    elif asked["act"] == "score":
        from nbdeploy.validate.score import main as score

        sys.path.insert(0, home)
        _leave(score(asked["arguments"]))
    else:
        _kernel(asked["arguments"])


def _leave(code: int) -> None:
    """End at once: taking down what was imported takes as long as scoring does, and the run waits for it."""
    sys.stderr.flush()
    os._exit(code)


def _import(names: Sequence[str]) -> None:
    gc.disable()  # what imports make is there to stay, and looking for garbage in it takes an eighth of their time
    for name in names:
        with suppress(Exception):
            import_module(name)
    gc.freeze()  # what is shared with the forks stays shared when they collect


def _kernel(arguments: list[str]) -> None:
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = [
        "ipykernel_launcher",
        *arguments,
        # pyplot is imported already, and would not look at the kernel's backend again: every figure would be lost.
        "--IPKernelApp.matplotlib=inline",
        # Read from the environment when ipykernel is imported, which was too early.
        f"--IPKernelApp.parent_handle={os.getppid()}",
    ]
    IPKernelApp.launch_instance()


def _serve(control: socket.socket, later: Sequence[str]) -> dict[str, Any] | None:
    """Answer requests until the run has ended; return what is asked for in a fork, None in the parent.

    Modules for `later` are imported once the first process was forked, or when the first kernel is asked for.
    """
    forked: set[int] = set()
    while True:
        if forked and later:
            _import(later)
            later = ()
        message, files, _, _ = socket.recv_fds(control, _MOST, 1)
        if not message:
            break
        asked: dict[str, Any] = json.loads(message)
        if asked["act"] == "kernel" and later:
            _import(later)
            later = ()
        if asked["act"] == "reap":
            forked.discard(asked["pid"])
            control.send(json.dumps(os.waitstatus_to_exitcode(os.waitpid(asked["pid"], 0)[1])).encode())
            continue
        settled, tell = os.pipe()
        with warnings.catch_warnings():
            # Python warns of any second thread; the only one here is of Arrow's allocator, which is made for forks.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            control.close()
            os.close(settled)
            _settle(asked, files[0])
            os.close(tell)
            return asked
        forked.add(pid)
        for file in (tell, *files):
            os.close(file)
        os.read(settled, 1)  # ends when the fork leads a group of its own, which can be killed whole
        os.close(settled)
        # None is reaped before it is asked for, so no number comes to mean another process.
        watched = os.pidfd_open(pid)
        socket.send_fds(control, [str(pid).encode()], [watched])
        os.close(watched)
    for pid in forked:
        with suppress(OSError):  # ended by itself, with everything that it started
            os.killpg(pid, signal.SIGKILL)
    for pid in forked:
        os.waitpid(pid, 0)
    _end_orphans()
    return None


def _end_orphans() -> None:
    """End what left the group of the kernel that started it: as orphans they are now children of this process.

    Each that ends may leave children of its own, so it goes on until none is left.
    """
    children = f"/proc/self/task/{os.getpid()}/children"
    while pids := _read(children).split():
        for pid in map(int, pids):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as stream:  # noqa: PTH123 - a file of the kernel's, read once
            return stream.read()
    except OSError:  # a system without that file: groups alone are ended
        return ""


def _settle(asked: dict[str, Any], log: int) -> None:
    """Give a fork what a new process would have: a session, a folder, its streams and its own randomness."""
    import numpy as np

    gc.enable()
    _libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    os.setsid()
    os.chdir(asked["cwd"])
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream, file in enumerate((nothing, nothing, log)):
        os.dup2(file, stream)
    os.close(nothing)
    os.close(log)
    # Generators are copied by a fork: without this all notebooks would draw the same numbers.
    words = np.frombuffer(hashlib.sha256(asked["seed"].encode()).digest(), dtype=np.uint32)
    random.seed(asked["seed"])
    np.random.seed(words)  # noqa: NPY002 - the old global generator is the one that libraries share


if __name__ == "__main__":
    main(sys.argv[1:])
