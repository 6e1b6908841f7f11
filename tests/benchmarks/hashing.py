"""A model folder's digest against the shell line that makes the same one with ``sha256sum``. Prints ratios.

The size of the large models comes from ``NBDEPLOY_BENCH_MIB`` (1,024 unless told otherwise). Wanted: at least twice the
speed of ``sha256sum`` for a model of 1 GiB, within three times of it for 10,000 small files, and memory that does not
grow with the model. SHA-256 of one file is sequential, so a single file is as fast as the processor's instructions:
OpenSSL uses SHA extensions where there are any; coreutils only where it was built with OpenSSL.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from nbdeploy.trust.digests import model_digest

MIB = int(os.environ.get("NBDEPLOY_BENCH_MIB", "1024"))
REPEATS = 3
SHELL = """find . -type f ! -path ./registered_model_meta -printf '%P\\0' |
    LC_ALL=C sort -z | xargs -0 sha256sum -- | sha256sum"""


def written(folder: Path, files: int, size: int) -> Path:
    """Make a model of `files` files with `size` random bytes each, a hundred in a folder."""
    for number in range(files):
        file = folder / f"{number // 100:03d}" / f"part-{number}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as stream:
            for start in range(0, size, 1 << 20):
                stream.write(os.urandom(min(1 << 20, size - start)))
    return folder


def by_shell(folder: Path) -> str:
    """Return the digest that the documented shell line prints."""
    printed = subprocess.run(["bash", "-c", SHELL], cwd=folder, capture_output=True, text=True, check=True).stdout
    return "sha256:" + printed.split()[0]


def seconds(act: Callable[[Path], str], folder: Path) -> tuple[str, float]:
    """Return what `act` found and how long the quickest of some runs took."""
    spent = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        found = act(folder)
        spent.append(time.perf_counter() - start)
    return found, min(spent)


def compared(name: str, folder: Path) -> None:
    """Print both times, by turns in one process, and what memory hashing added."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours, own = seconds(model_digest, folder)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    theirs, shell = seconds(by_shell, folder)
    if ours != theirs:
        raise SystemExit(f"{name}: {ours} is not the shell's {theirs}")
    print(
        f"  {name:24} ours {own:6.3f} s   sha256sum {shell:6.3f} s   speed of ours {shell / own:5.2f} times"
        f"   memory added {grown:.1f} MiB"
    )


def main() -> None:
    """Compare each model in a process of its own, whose memory is only its own."""
    with tempfile.TemporaryDirectory() as folder:
        for name, files, size in (
            (f"one file of {MIB} MiB", 1, MIB << 20),
            (f"16 files of {MIB // 16} MiB", 16, (MIB // 16) << 20),
            ("10,000 files of 4 KiB", 10_000, 4096),
        ):
            model = written(Path(folder) / str(files), files, size)
            subprocess.run([sys.executable, __file__, name, str(model)], check=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        compared(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
