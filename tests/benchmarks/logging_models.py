"""Storing a model that is given in memory, against MLflow's default ``log_model``. Prints the ratio of wall time.

Both write a logged model into the same SQLite store, in turns. MLflow loads the model in a new process to learn its
requirements; here the objects of the model say them. It must lose none: what inference finds and we do not state may
only be what MLflow itself imports before it loads any model.
"""

from __future__ import annotations

import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "census"))

from data import FEATURES, KINDS, NUMBERS, TARGET, table

ROUNDS = int(os.environ.get("LOGGING_ROUNDS", "5"))
LOADER = "import sys, mlflow.pyfunc, mlflow.sklearn, skops.io; print(*{name.split('.')[0] for name in sys.modules})"


def estimators(frame: Any) -> dict[str, Any]:
    """Return two fitted pipelines: of scikit-learn's parts alone, and with another package's model at its end."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from xgboost import XGBClassifier

    def fitted(last: Any) -> Any:
        kinds = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        before = make_column_transformer((kinds, list(KINDS)), (StandardScaler(), NUMBERS))
        return make_pipeline(before, last).fit(frame[FEATURES], frame[TARGET])

    return {
        "one-hot and logistic regression": fitted(LogisticRegression(max_iter=200)),
        "one-hot and XGBoost": fitted(XGBClassifier(n_estimators=50, n_jobs=1)),
    }


def main() -> None:
    """Store each pipeline both ways, in turns, and compare what was stored."""
    import mlflow

    from nbdeploy.registry import Registry

    warnings.simplefilter("ignore")  # MLflow's hints on logging
    logging.disable(logging.WARNING)
    frame = table().head(5000)
    imported = set(subprocess.check_output([sys.executable, "-c", LOADER], text=True).split())
    with tempfile.TemporaryDirectory() as scratch:
        store = f"sqlite:///{scratch}/mlflow.db"
        mlflow.set_tracking_uri(store)
        mlflow.set_experiment(experiment_id=mlflow.create_experiment("theirs", f"{scratch}/theirs"))
        registry = Registry(store, Path(scratch) / "ours")
        for name, estimator in estimators(frame).items():
            compare(name, estimator, frame[FEATURES].head(50), registry, imported)


def compare(name: str, estimator: Any, rows: Any, registry: Any, imported: set[str]) -> None:
    """Time both ways in turns, and check that ours states as much."""
    import mlflow

    # skops, MLflow's default format, refuses boosters unless each type is named as trusted.
    form = {} if "logistic" in name else {"serialization_format": "cloudpickle"}

    def theirs() -> str:
        return mlflow.sklearn.log_model(estimator, name="model", **form).model_uri

    names = (f"model-{number}" for number in count())  # under one name it would be stored once

    def ours() -> str:
        return registry.save_estimator(estimator, rows, next(names))

    addresses = {"MLflow": theirs(), "here": ours()}  # neither side's first call, which imports, is timed
    times = [(seconds(ours), seconds(theirs)) for _ in range(ROUNDS)]
    stored = {side: Path(mlflow.artifacts.download_artifacts(address)) for side, address in addresses.items()}
    stated = {side: set((folder / "requirements.txt").read_text().split()) for side, folder in stored.items()}
    lost = {line for line in stated["MLflow"] - stated["here"] if line.split("==")[0] not in imported | {"skops"}}
    assert not lost, f"inference finds {lost}, and we do not say so"
    assert all("==" in line for line in stated["here"])
    signature = mlflow.models.Model.load(str(stored["here"])).signature
    assert signature is not None
    assert signature.inputs.input_names() == FEATURES

    here, there = (statistics.median(side) for side in zip(*times, strict=True))
    print(f"{name}: log_model {there:.2f} s, here {here:.2f} s; medians of {ROUNDS}")
    each = ", ".join(f"{one / other:.3f}" for one, other in times)
    print(f"ratio {here / there:.3f} (target at most 0.3), by round {each}")
    aside = ", ".join(sorted(stated["MLflow"] - stated["here"])) or "nothing"
    print(f"stated here: {', '.join(sorted(stated['here']))}; with a signature, which log_model has not by default")
    print(f"found by inference only: {aside}, which MLflow imports before it loads a model")
    assert here <= 0.3 * there


def seconds(call: Callable[[], object]) -> float:
    """Return the wall time of a call: inference waits for another process, which processor time would not show."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
