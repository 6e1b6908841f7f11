"""Counting a Parquet file by group, label and decision against only decoding it. Prints ratios of processor time.

Rows come from ``NBDEPLOY_BENCH_ROWS`` (100 million unless told otherwise: some 80 MB in a temporary folder).
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = int(float(os.environ.get("NBDEPLOY_BENCH_ROWS", "1e8")))
CHUNK = 1 << 20
REPEATS = 3


def written(file: Path, whole: pa.DataType) -> None:
    """Write rows of ten groups; labels and decisions are of the type `whole`."""
    names = pa.array([f"group {index}" for index in range(10)])
    writer = None
    for part in range(-(-ROWS // CHUNK)):
        random = np.random.default_rng(part)
        rows = min(CHUNK, ROWS - part * CHUNK)
        group = pa.DictionaryArray.from_arrays(pa.array(random.integers(0, 10, rows), pa.int32()), names)
        label = random.integers(0, 2, rows)
        decision = np.where(random.random(rows) < 0.8, label, 1 - label)
        columns = {"group": group, "label": pa.array(label, whole), "predicted": pa.array(decision, whole)}
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def decoded(file: Path) -> Iterator[pa.RecordBatch]:
    """Yield the file's rows as a run does, in one thread so that the ratio is of work and not of idle processors."""
    yield from pq.ParquetFile(file).iter_batches(1 << 16, use_threads=False)


def seconds(act: Callable[[], object]) -> float:
    """Return the processor time of the quickest of some runs."""
    found = []
    for _ in range(REPEATS):
        start = time.process_time()
        act()
        found.append(time.process_time() - start)
    return min(found)


def compared(file: Path) -> None:
    """Print what decoding and counting cost, and how much memory this process has needed."""
    from nbdeploy.stats.tally import ClassTally

    def counted() -> ClassTally:
        return ClassTally.from_arrow(decoded(file), label="label", predicted="predicted", features=["group"])

    if counted().rows != ROWS:
        raise SystemExit("rows were lost")
    reading = seconds(lambda: sum(batch.num_rows for batch in decoded(file)))
    counting = seconds(counted)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  decoding {reading:6.2f} s   decoding and counting {counting:6.2f} s   ratio {counting / reading:.2f}")
    print(f"  peak memory of the process {peak:.0f} MiB")


def main() -> None:
    """Write the rows, then compare in a process of its own, whose memory is only its own."""
    with tempfile.TemporaryDirectory() as folder:
        for name, whole in (("one byte each", pa.int8()), ("eight bytes each", pa.int64())):
            file = Path(folder) / "rows.parquet"
            written(file, whole)
            print(f"{ROWS:,} rows, labels and decisions of {name}")
            sys.stdout.flush()
            subprocess.run([sys.executable, __file__, str(file)], check=True)
        scores()


def scores() -> None:
    """Print what a million distinct scores cost."""
    from nbdeploy.stats.tally import ScoreTally

    random = np.random.default_rng(0)
    rows = {"group": random.integers(0, 10, 1_000_000), "label": random.integers(0, 2, 1_000_000)}
    batches = pa.table(rows | {"score": random.random(1_000_000)}).to_batches(max_chunksize=1 << 16)
    spent = seconds(lambda: ScoreTally.from_arrow(batches, label="label", score="score", features=["group"]))
    print(f"1,000,000 distinct scores of ten groups: {spent:.2f} s")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        compared(Path(sys.argv[1]))
    else:
        main()
