"""Whether a process of this machine is still the one that was noted: numbers of processes are given out again."""

from __future__ import annotations

import os
from pathlib import Path


def began(pid: int) -> str:
    """Return what tells this process from a later one of its number; empty where the system does not say."""
    try:
        # proc(5): field 22 is the start in ticks since boot; the second one, in brackets, may hold anything.
        started = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
    except (OSError, IndexError):
        return ""
    return f"{boot[:8]}-{started}"


def lives(pid: int, since: str) -> bool:
    """Whether a process that `began` told of as `since` still runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and belongs to somebody else
        pass
    return began(pid) in ("", since)
