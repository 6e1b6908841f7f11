"""What the clean process found out, asked once for all checks of the section."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from nbdeploy.stats.tally.levels import plain
from nbdeploy.validate.checks.operations import probe
from nbdeploy.validate.context import Context
from nbdeploy.validate.subject.children import CHILD_ENVIRONMENT
from nbdeploy.validate.subject.mlmodel import described
from nbdeploy.validate.subject.signature import fitted

NEEDS_MODEL = "needs the model; only its predictions were given"
_TIMEOUT = 180


@lru_cache(maxsize=1)
def probed(context: Context) -> dict[str, Any] | None:
    """Return the probe's report; None without a model. ``error`` says why the model could not be asked, if so."""
    if context.model_folder is None:
        return None
    rows = context.sample(500, "probe")[list(context.features)]
    python = context.model_python
    regression = context.objective.task == "regression"
    fewest = fewest_calls(context.objective.level)
    with tempfile.TemporaryDirectory(prefix="nbdeploy-") as name:
        job = Path(name)
        types = _types(context)
        _write_plainly(fitted(rows, types) if len(types) == rows.shape[1] else rows, job / "rows.parquet")
        asked = {
            "foreign": python is not None,
            "model": str(context.model_folder),
            "objective": context.objective.model_dump(mode="json"),
            "labels": [] if regression else [plain(one) for one in context.predictions["label"].unique()],
            "calls": (fewest, max(fewest, 100 if context.draft else 200)),
            "seconds": 0.4 if context.draft else 1.0,
            "batch_seconds": 0.1,
            "largest_batch": 1_000 if context.draft else 10_000,
        }
        (job / "job.json").write_text(json.dumps(asked), "utf-8")
        command = [str(python or sys.executable), str(Path(probe.__file__)), str(job)]
        with subprocess.Popen(
            command,
            env=os.environ | CHILD_ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,  # told in the error below
            text=True,
        ) as process:
            # It loads the model meanwhile, and begins to time answers when it reads the line.
            context.wait_until_alone()
            try:
                _, complaint = process.communicate("\n", timeout=_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                return {"error": f"the clean process did not end within {_TIMEOUT} seconds"}
        report = job / "probed.json"
        if process.returncode != 0 or not report.is_file():
            last = (complaint.strip().splitlines() or ["no message"])[-1]
            return {"error": f"the clean process ended with code {process.returncode}: {last[:200]}"}
        found: dict[str, Any] = json.loads(report.read_text("utf-8"))
        return found


def fewest_calls(level: float) -> int:
    """Return how many calls give the 95th percentile an upper limit: the first n with 1 − 0.95ⁿ ≥ (1 + level) ÷ 2.

    It is the largest of the n, which lies below the percentile with probability 0.95ⁿ; 72 calls at 95 %.
    """
    return math.ceil(math.log((1 - level) / 2) / math.log(0.95))


def _types(context: Context) -> Sequence[str]:
    """Return the types that MLflow's wrapper insists on where it asks a model elsewhere; here the model sees to it."""
    folder = context.model_folder
    if folder is None or context.model_python is None:
        return ()
    try:
        return described(folder).types
    except (OSError, ValueError, yaml.YAMLError):  # loading it will say so
        return ()


def _write_plainly(rows: Any, path: Path) -> None:
    """Write rows without what this pandas notes about them: another one, of the model's environment, reads them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)
    plain = [
        pa.field(one.name, pa.string() if pa.types.is_large_string(one.type) else one.type) for one in table.schema
    ]
    pq.write_table(table.cast(pa.schema(plain)), path)


def answered(context: Context, *metrics: str) -> dict[str, Any] | str:
    """Return the report of a model that answered, or the reason why `metrics` cannot be had, having recorded it."""
    report = probed(context)
    reason = NEEDS_MODEL if report is None else report["error"]
    if report is not None and reason is None:
        return report
    context.not_available(reason, *metrics)
    return f"Not measured: {reason}."
