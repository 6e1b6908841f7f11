"""A report over a million rows of Parquet against scoring them, and its memory at ten million. Prints ratios."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from census import data
from census.watched import INTERPRETER, median, watched

from report import prepared, validate

HERE = Path(__file__).parent
ROWS = int(os.environ.get("NBDEPLOY_BENCH_ROWS", "1000000"))
REPEATS = int(os.environ.get("NBDEPLOY_BENCH_REPEATS", "3"))


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        prepared(folder)
        _, test = data.split(data.table())
        sizes = {ROWS: folder / "rows.parquet", 10 * ROWS: folder / "many.parquet"}
        for rows, file in sizes.items():
            data.enlarged(test, rows, file)

        def report(rows: int) -> list[str | Path]:
            parts = [option for section in ("data", "performance", "fairness") for option in ("--section", section)]
            return [*validate(folder, *parts, "--data", str(sizes[rows]))]

        scoring = [INTERPRETER, HERE / "census" / "score.py", folder, sizes[ROWS]]
        pairs = [(watched(scoring).seconds, watched(report(ROWS)).seconds) for _ in range(REPEATS)]
        print(f"scoring {ROWS:,} rows                 {median([one for one, _ in pairs]):8.2f} s")
        print(f"report over them                  {median([one for _, one in pairs]):8.2f} s")
        print(f"report ÷ scoring                  {median([b / a for a, b in pairs]):8.2f}  (≤ 1.3)")
        few, many = (watched(report(rows), memory=True) for rows in sizes)
        print(f"memory at {ROWS:,} rows              {few.peak:8.0f} MiB")
        print(f"memory at {10 * ROWS:,} rows             {many.peak:8.0f} MiB in {many.seconds:.0f} s")
        print(f"ten times the rows, memory        {many.peak / few.peak:8.2f}  (≤ 1.2)")


if __name__ == "__main__":
    main()
