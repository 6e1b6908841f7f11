"""Score the rows of a workspace once, in a process of its own: ``python -m nbdeploy.validate.score WORKSPACE``.

A model that crashes takes this process with it and nothing else.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nbdeploy.errors import DataError, ModelError, NbdeployError
from nbdeploy.validate.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

    from nbdeploy.validate.model import LoadedModel
    from nbdeploy.validate.warm import KernelParent

THREADS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "LOKY_MAX_CPU_COUNT": "1",
}
"""One thread a process: on a busy machine more threads lose more than they gain, and sums keep their order."""

CHILD_ENVIRONMENT = THREADS | {"PYTHONDONTWRITEBYTECODE": "1"}
"""No bytecode, because a model may carry its own code, and loading it must not change its folder."""


def score_workspace(folder: Path, *, parent: KernelParent | None = None, timeout: float = 3600) -> None:
    """Write ``predictions.parquet`` and ``scored.json`` from a child process.

    Parameters
    ----------
    parent
        Forks that process, which saves its imports.

    Raises
    ------
    ModelError
        The model does not load, does not answer, or takes the process down.
    DataError
        Its answers do not fit the labels.
    """
    log = folder / "score.log"
    with log.open("wb") as stream:
        try:
            code = _forked(folder, parent, stream.fileno(), timeout) if parent is not None else None
            if code is None:
                code = _started(folder, stream.fileno(), timeout)
        except subprocess.TimeoutExpired:
            raise ModelError(f"the model did not answer within {timeout:g} seconds") from None
    said = folder / "score-error.json"
    if said.is_file():
        told: dict[str, str] = json.loads(said.read_text("utf-8"))
        kind = DataError if told["kind"] == "DataError" else ModelError
        raise kind(told["fact"], next=told["next"])
    if code != 0:
        last = log.read_text("utf-8", "replace").strip().splitlines()[-1:] or [""]
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise ModelError(f"the process that ran the model died ({how}) {last[0][:200]}".rstrip())


def _forked(folder: Path, parent: KernelParent, log: int, timeout: float) -> int | None:
    """Return the exit code of a fork; None where the parent is gone."""
    try:
        child = parent.fork("score", [str(folder)], cwd=Path.cwd(), seed="score", log=log)
        try:
            child.wait(timeout)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # with whatever the model started
        return parent.exit_code(child)
    except OSError:
        return None


def _started(folder: Path, log: int, timeout: float) -> int:
    child = subprocess.Popen(
        [sys.executable, "-m", "nbdeploy.validate.score", str(folder)],
        env=os.environ | CHILD_ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=log,
        start_new_session=True,
    )
    try:
        return child.wait(timeout)
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _score(workspace: Workspace) -> None:
    from nbdeploy.validate.model import LoadedModel

    folder = workspace.model_folder
    if folder is None:
        raise ModelError("the run has no model to score with")
    started = time.perf_counter()
    model = LoadedModel(folder, workspace.objective)
    loaded = time.perf_counter()
    rows = workspace.rows("data")
    workspace.write("answers", (_answer(model, batch) for batch in rows.batches()))
    columns = [name for name in rows.schema.names if name != workspace.objective.target]
    about = {
        "features": list(model.features or columns),
        "flavor": model.flavor,
        "seconds": {"load": loaded - started, "predict": time.perf_counter() - loaded},
    }
    (workspace.folder / "scored.json").write_text(json.dumps(about), "utf-8")


def _answer(model: LoadedModel, batch: pa.RecordBatch) -> pa.RecordBatch:
    import pyarrow as pa

    frame = batch.to_pandas()
    score = model.score(frame)
    decided = model.decide(frame) if score is None else model.decide_from(score)
    columns = {"predicted": decided, "score": score}
    return pa.record_batch(
        {name: pa.array(values, from_pandas=True) for name, values in columns.items() if values is not None}
    )


def main(arguments: list[str]) -> int:
    """Score one workspace; a known refusal is left in ``score-error.json`` for the parent."""
    workspace = Workspace(Path(arguments[0]))
    try:
        _score(workspace)
    except NbdeployError as error:
        told = {"kind": type(error).__name__, "fact": error.fact, "next": error.next}
        (workspace.folder / "score-error.json").write_text(json.dumps(told), "utf-8")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
