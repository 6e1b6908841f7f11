"""The clean process: this file, run by itself with a JOB, loads a model and asks it, timed.

JOB is a folder with ``job.json`` and ``rows.parquet``; the answer is written there as ``probed.json``. In the model's
own environment there is no nbdeploy: the model is then asked as MLflow's servers ask it.
It imports and loads, which is told in processor time, and begins to time answers when a line comes on its standard
input.
"""

from __future__ import annotations

import gc
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the model's own Python may be too old to form such a type
    Asking = Callable[[Any], Sequence[Any]]

BATCHES = (10, 100, 1_000, 10_000)
FEW = 6
"""Below six there are no 95 % limits of a median: 2 × 0.5^5 > 0.05."""
ROUNDING = 1e-9
"""Of numbers that differ by no more, nothing is said: sums are formed in another order."""
COARSE = 1e-5
"""The same where all answers are numbers of 32 bits, which have seven digits, as of a network."""


def main(arguments: list[str]) -> int:
    """Probe the model of one job."""
    job = Path(arguments[0])
    asked = json.loads((job / "job.json").read_text("utf-8"))
    started = time.process_time()
    gc.disable()
    import pandas as pd

    opened = _opener(asked)
    imported = time.process_time()
    gc.freeze()  # what is imported stays: looking for garbage in it takes a third of the load
    gc.enable()
    told: dict[str, Any] = {"import_seconds": imported - started, "error": None}
    rows = pd.read_parquet(job / "rows.parquet")
    began = time.process_time()
    try:
        ask, told["probabilities"] = opened()
        loaded = time.process_time()
        told["seconds"] = loaded - began
        ask(rows.iloc[:1])  # what is imported on the first call is part of the load, not of a request
        told["first_call_seconds"] = time.process_time() - loaded
        sys.stdin.readline()  # comes when nothing else of the run is at work beside it
        told.update(_single(ask, rows, tuple(asked["calls"]), asked["seconds"]))  # `|=` came with Python 3.9
        single = [each / 1000 for each in told["latencies_ms"]]
        told["batches"] = [_batch(1, single), *_batches(ask, rows, asked["largest_batch"], asked["batch_seconds"])]
    except Exception as error:  # noqa: BLE001 - whatever a model raises is told, and is a finding
        told["error"] = getattr(error, "fact", None) or f"the model does not answer ({_short(error)})"
    told["peak_memory_mb"] = _peak_memory_mb()
    (job / "probed.json").write_text(json.dumps(told), "utf-8")
    return 0


def _opener(asked: dict[str, Any]) -> Callable[[], tuple[Asking, bool]]:
    """Return what loads the model, with all imports done: a function from rows to answers, and whether they are
    probabilities.
    """
    if asked["foreign"]:
        from mlflow import pyfunc

        def foreign() -> tuple[Asking, bool]:
            model = pyfunc.load_model(asked["model"])
            return lambda rows: _last_column(model.predict(rows)), False

        return foreign

    from nbdeploy.documents.objective import Objective
    from nbdeploy.validate.subject.model import LoadedModel

    def opened() -> tuple[Asking, bool]:
        model = LoadedModel(
            Path(asked["model"]), Objective.model_validate(asked["objective"]), labels=lambda: asked["labels"]
        )

        def ask(rows: Any) -> Any:
            score = model.score(rows)
            return model.decide(rows) if score is None else score

        return ask, hasattr(model.estimator, "predict_proba")

    return opened


def _last_column(answer: Any) -> Any:
    array = answer.to_numpy() if hasattr(answer, "to_numpy") else answer
    return array[:, -1] if getattr(array, "ndim", 1) == 2 else array


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:160]}"


def _single(ask: Asking, rows: Any, calls: tuple[int, int], seconds: float) -> dict[str, Any]:
    """Time rows singly and compare their answers with those in one batch.

    Parameters
    ----------
    calls
        The fewest, which a slow model is given fifteen times as long for, and the most.
    """
    fewest, most = calls
    together = ask(rows)
    rounding = _rounding(together)
    times, differing, largest = [], 0, 0.0
    began = time.perf_counter()
    for at in range(most):
        row = rows.iloc[at % len(rows) : at % len(rows) + 1]
        start = time.perf_counter()
        answer = ask(row)
        end = time.perf_counter()
        times.append((end - start) * 1000)
        if at < len(rows):
            apart = _apart(answer[0], together[at])
            largest = max(largest, apart)
            differing += apart > rounding
        if end - began > (seconds if len(times) >= fewest else 15 * seconds):
            break
    return {
        "latencies_ms": times,
        "compared": min(len(times), len(rows)),
        "differing": differing,
        "largest_difference": largest,
        "rounding": rounding,
    }


def _rounding(answers: Any) -> float:
    """Return by how much answers may differ, from the digits that they have."""
    import numpy as np

    numbers = np.asarray(answers)
    if numbers.dtype.kind != "f":
        return ROUNDING
    return COARSE if bool((numbers == numbers.astype(np.float32)).all()) else ROUNDING


def _apart(one: Any, other: Any) -> float:
    """Return how far two answers are apart: for numbers beyond 1 in parts of themselves, for labels 0 or 1."""
    try:
        return abs(float(one) - float(other)) / max(1.0, abs(float(one)))
    except (TypeError, ValueError):
        return float(str(one) != str(other))


def _batches(ask: Asking, rows: Any, largest: int, seconds: float) -> list[dict[str, Any]]:
    """Time batches of each size for so many seconds, or up to twenty times as long where that has brought few.

    Fewer than `FEW` give the median no limits, so that nothing could be said of the throughput.
    """
    found: list[dict[str, Any]] = []
    for size in BATCHES:
        if size > largest:
            break
        batch = rows.take([at % len(rows) for at in range(size)]).reset_index(drop=True)
        times: list[float] = []
        while not times or (len(times) < 20 and sum(times) < (seconds if len(times) >= FEW else 20 * seconds)):
            start = time.perf_counter()
            ask(batch)
            times.append(time.perf_counter() - start)
        found.append(_batch(size, times))
    return found


def _batch(size: int, times: list[float]) -> dict[str, Any]:
    middle = statistics.median(times)
    milliseconds = [each * 1000 for each in sorted(times)]
    return {"rows": size, "ms": middle * 1000, "rows_per_s": size / middle, "times_ms": milliseconds}


def _peak_memory_mb() -> float:
    """Return the largest resident memory so far: kibibytes on Linux, bytes on macOS."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file: what lies there is no library
    sys.exit(main(sys.argv[1:]))
