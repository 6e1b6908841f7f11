"""How much room does the model take, on disk and in memory?"""

from __future__ import annotations

from nbdeploy.validate.checks.operations.probed import NEEDS_MODEL, answered
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context


def footprint(context: Context) -> Shown:
    """Record the size of the model's files and the peak memory of the process that loads and asks it."""
    if context.model_folder is None:
        context.not_available(NEEDS_MODEL, "model_size_mb", "peak_memory_mb")
        return Shown(text=f"Not measured: {NEEDS_MODEL}.")
    folder = context.model_folder
    files = sorted(
        ((path.stat().st_size, path.relative_to(folder).as_posix()) for path in folder.rglob("*") if path.is_file()),
        key=lambda one: (-one[0], one[1]),
    )
    found = [
        context.record(
            "model_size_mb",
            sum(size for size, _ in files) / 1e6,
            method="all files of the model's folder",
            data={"files": [{"path": name, "bytes": size} for size, name in files[:10]], "total_files": len(files)},
        )
    ]
    report = answered(context, "peak_memory_mb")
    if not isinstance(report, str):
        method = "largest resident memory of a new process that loads the model and predicts"
        found.append(context.record("peak_memory_mb", report["peak_memory_mb"], method=method))
    return Shown(table=measured(found))
