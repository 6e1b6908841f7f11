"""Whole reports on a census table: the direct script, notebooks, and the same checks without notebooks. Prints ratios.

Peers in environments of their own take part where `NBDEPLOY_BENCH_GISKARD` and `NBDEPLOY_BENCH_DEEPCHECKS` name their
interpreters (see CONTRIBUTING.md).
"""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path

import joblib
from census import data
from census.watched import INTERPRETER, compiled, median, watched

HERE = Path(__file__).parent
REPEATS = int(os.environ.get("NBDEPLOY_BENCH_REPEATS", "3"))
SAME = ("performance", "fairness", "explainability")


def prepared(folder: Path) -> None:
    """Write data, objective, and the model twice: as MLflow stores it, and for the direct script."""
    compiled()
    train, test = data.split(data.table())
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    (folder / "objective.yaml").write_text(data.OBJECTIVE)
    model = data.pipeline().fit(train[data.FEATURES], train[data.TARGET])
    joblib.dump(model, folder / "model.joblib")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow speaks of pickles
        from mlflow import sklearn
        from mlflow.models import infer_signature

        shown = test[data.FEATURES].head()
        sklearn.save_model(
            model,
            folder / "model",
            signature=infer_signature(shown, model.predict(shown)),
            pip_requirements=["scikit-learn", "pandas"],
            serialization_format="cloudpickle",
        )


def validate(folder: Path, *options: str) -> list[str | Path]:
    """Return the command that validates."""
    return [
        *(INTERPRETER, "-m", "nbdeploy.cli", "validate", folder / "objective.yaml", "--model", folder / "model"),
        *("--data", folder / "test.csv", "--out", folder / "out", "--quiet", *options),
    ]


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        prepared(folder)
        sections = [option for section in SAME for option in ("--section", section)]
        whole = ["--train", str(folder / "train.csv")]
        commands = {
            "direct script": [INTERPRETER, HERE / "census" / "direct.py", folder],
            "three sections": validate(folder, *sections),
            "six sections": validate(folder, *whole),
            "six sections, draft": validate(folder, *whole, "--draft"),
            "six sections, no notebooks": [INTERPRETER, HERE / "census" / "one_process.py", folder],
        }
        peers = {"GISKARD": "giskard_scan.py", "DEEPCHECKS": "deepchecks_suites.py"}
        for name, script in peers.items():
            interpreter = os.environ.get(f"NBDEPLOY_BENCH_{name}")
            if interpreter:
                commands[name.lower()] = [interpreter, HERE / "peers" / script, folder]
        # In turns, so that a machine that slows down slows everybody.
        runs = [{name: watched(command).seconds for name, command in commands.items()} for _ in range(REPEATS)]
    taken = {name: median([run[name] for run in runs]) for name in commands}
    for name, seconds in taken.items():
        print(f"{name:28} {seconds:8.2f} s")
    print(f"\n{'three sections ÷ direct script':48} {taken['three sections'] / taken['direct script']:.2f}  (≤ 1.5)")
    overhead = taken["six sections"] / taken["six sections, no notebooks"]
    print(f"{'six notebooks ÷ the same checks in one process':48} {overhead:.2f}  (≤ 1.3)")
    for name, most in (("giskard", 0.5), ("deepchecks", 0.1)):
        if name in taken:
            print(f"{'six sections ÷ ' + name:48} {taken['six sections'] / taken[name]:.3f}  (≤ {most})")


if __name__ == "__main__":
    main()
