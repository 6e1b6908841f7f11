"""Run a command and tell its wall time and the largest memory of it and all that it started."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbdeploy

INTERPRETER = sys.executable
SOURCES = Path(nbdeploy.__file__).parent
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}


@dataclass(frozen=True)
class Watched:
    """Wall seconds, exit code, and the peak of the memory of all processes, shared pages counted once (PSS), in MiB."""

    seconds: float
    code: int
    peak: float


def watched(command: Sequence[str | Path], *, memory: bool = False) -> Watched:
    """Run a command to its end, quietly."""
    started = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, command)), env=os.environ | ONE_THREAD, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    peak = 0.0
    while memory and process.poll() is None:
        peak = max(peak, _held(process.pid))
        time.sleep(0.05)
    told = process.communicate()[1]
    if process.returncode not in (0, 1, 3):
        raise SystemExit(f"{command} ended with {process.returncode}:\n{told.decode()[-2000:]}")
    return Watched(time.perf_counter() - started, process.returncode, peak)


def _held(pid: int) -> float:
    """Return MiB held by a process and its descendants."""
    import psutil

    total = 0
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for one in family:
        try:
            text = Path(f"/proc/{one.pid}/smaps_rollup").read_text("ascii")
        except OSError:
            continue  # it has just ended
        total += next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)
    return total / 1024


def compiled() -> None:
    """Compile the package as an installation does: where Python writes no bytecode, each process would do it again."""
    compileall.compile_dir(SOURCES, quiet=2)


def median(values: Sequence[float]) -> float:
    """Return the middle value."""
    return sorted(values)[len(values) // 2]
