"""The other end of a model that lives in another environment: ``PYTHON foreign.py FOLDER``, run by its interpreter.

Needs nothing of nbdeploy, which is not installed there: only mlflow (or what the model's flavour needs), pandas and
pyarrow. Speaks on its own ends of two pipes, each message eight bytes of length and then its bytes: a question is one
JSON line and an Arrow stream of rows; an answer one JSON line and, where all went well, an Arrow stream of one column
for each class, or of one.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import warnings
from importlib import import_module
from typing import Any

FLAVOURS = ("sklearn", "xgboost", "lightgbm", "catboost")
METHODS = ("predict_proba", "decision_function", "predict")


def load(folder: str) -> tuple[Any, str]:
    """Return the flavour's own model where it has scikit-learn's methods, else MLflow's pyfunc, and the flavour."""
    import mlflow.pyfunc
    from mlflow.models import Model

    flavors = Model.load(folder).flavors
    for flavor in FLAVOURS:
        if flavor in flavors:
            loaded = import_module("mlflow." + flavor).load_model(folder)
            if flavor == "sklearn" or hasattr(loaded, "predict_proba"):
                return loaded, flavor
    named = [name for name in flavors if name != "python_function"]
    return mlflow.pyfunc.load_model(folder), named[0] if named else "python_function"


def described(model: Any, flavor: str) -> dict[str, Any]:
    """Return what the asker must know: methods, classes and input columns."""
    classes = getattr(model, "classes_", None)
    names = getattr(model, "feature_names_in_", None)
    return {
        "flavor": flavor,
        "methods": [name for name in METHODS if hasattr(model, name)],
        "classes": None if classes is None else [one.item() if hasattr(one, "item") else one for one in classes],
        "features": None if names is None else [str(name) for name in names],
        "python": sys.version.split()[0],
    }


def answered(model: Any, method: str, rows: Any) -> Any:
    """Return the answer as columns of a table."""
    import numpy as np
    import pandas as pd

    said = getattr(model, method)(rows)
    if isinstance(said, pd.DataFrame):
        return said.reset_index(drop=True)
    said = np.asarray(said)
    return pd.DataFrame(said if said.ndim == 2 else said[:, None])


def main(folder: str, inward: int, outward: int) -> None:
    """Answer until the asker hangs up."""
    import pyarrow as pa

    warnings.simplefilter("ignore")
    with os.fdopen(inward, "rb") as questions, os.fdopen(outward, "wb") as answers:

        def tell(about: dict[str, Any], table: Any = None) -> None:
            sink = pa.BufferOutputStream()
            if table is not None:
                with pa.ipc.new_stream(sink, table.schema) as stream:
                    stream.write_table(table)
            for part in (json.dumps(about).encode(), sink.getvalue().to_pybytes()):
                answers.write(struct.pack("<Q", len(part)) + part)
            answers.flush()

        def heard() -> bytes | None:
            size = questions.read(8)
            return questions.read(struct.unpack("<Q", size)[0]) if len(size) == 8 else None

        try:
            model, flavor = load(folder)
            tell(described(model, flavor))
        except Exception as error:  # noqa: BLE001 - a model's code may raise anything; the asker tells it in one sentence
            tell({"error": f"{type(error).__name__}: {error}"})
            return
        while True:
            question, rows = heard(), heard()
            if question is None or rows is None:
                return
            try:
                frame = pa.ipc.open_stream(rows).read_all().to_pandas()
                said = answered(model, json.loads(question)["method"], frame)
                said.columns = [str(name) for name in said.columns]
                tell({"columns": list(said.columns)}, pa.Table.from_pandas(said, preserve_index=False))
            except Exception as error:  # noqa: BLE001 - the same
                tell({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
