"""The clean process: ``python -m nbdeploy.validate.checks.operations.probe JOB`` loads a model and asks it, timed.

JOB is a folder with ``job.json`` and ``rows.parquet``; the answer is written there as ``probed.json``.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

BATCHES = (1, 10, 100, 1_000, 10_000)
_ENOUGH_SECONDS = 0.25
"""Of repeating one batch size."""


def main(arguments: list[str]) -> int:
    """Probe the model of one job."""
    job = Path(arguments[0])
    asked = json.loads((job / "job.json").read_text("utf-8"))
    started = time.perf_counter()
    import pandas as pd

    from nbdeploy.documents.objective import Objective
    from nbdeploy.errors import NbdeployError
    from nbdeploy.validate.model import LoadedModel

    imported = time.perf_counter()
    told: dict[str, Any] = {"import_seconds": imported - started, "error": None}
    try:
        model = LoadedModel(Path(asked["model"]), Objective.model_validate(asked["objective"]))
        rows = pd.read_parquet(job / "rows.parquet")
        loaded = time.perf_counter()
        told |= {"seconds": loaded - imported, "probabilities": hasattr(model.estimator, "predict_proba")}
        model.decide(rows.iloc[:1])  # what is imported on the first call is part of the load, not of a request
        told |= {"first_call_seconds": time.perf_counter() - loaded}
        told |= _single(model, rows, asked["calls"], asked["seconds"])
        told["batches"] = _batches(model, rows, asked["largest_batch"])
    except NbdeployError as error:
        told["error"] = error.fact
    told["peak_memory_mb"] = _peak_memory_mb()
    (job / "probed.json").write_text(json.dumps(told), "utf-8")
    return 0


def _single(model: Any, rows: Any, calls: int, seconds: float) -> dict[str, Any]:
    """Time rows singly, until `calls` or `seconds` are used up, and compare their answers with those in one batch."""
    together = [str(one) for one in model.decide(rows)]
    times, differing = [], 0
    deadline = time.perf_counter() + seconds
    for at in range(calls):
        row = rows.iloc[at % len(rows) : at % len(rows) + 1]
        start = time.perf_counter()
        answer = model.decide(row)
        end = time.perf_counter()
        times.append((end - start) * 1000)
        differing += at < len(rows) and not _same(str(answer[0]), together[at])
        if end > deadline:
            break
    return {"latencies_ms": times, "compared": min(len(times), len(rows)), "differing": differing}


def _same(one: str, other: str) -> bool:
    """Compare answers; numbers may differ by the rounding of sums in another order."""
    try:
        return abs(float(one) - float(other)) <= 1e-9 * max(1.0, abs(float(one)))
    except ValueError:
        return one == other


def _batches(model: Any, rows: Any, largest: int) -> list[dict[str, float]]:
    found = []
    for size in BATCHES:
        if size > largest:
            break
        batch = rows.take([at % len(rows) for at in range(size)]).reset_index(drop=True)
        times: list[float] = []
        while not times or (sum(times) < _ENOUGH_SECONDS and len(times) < 20):
            start = time.perf_counter()
            model.decide(batch)
            times.append(time.perf_counter() - start)
        middle = sorted(times)[len(times) // 2]
        found.append({"rows": size, "ms": middle * 1000, "rows_per_s": size / middle})
    return found


def _peak_memory_mb() -> float:
    """Return the largest resident memory so far: kibibytes on Linux, bytes on macOS."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
