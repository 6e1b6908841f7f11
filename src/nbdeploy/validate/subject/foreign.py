"""The other end of a model that lives in another environment: ``PYTHON foreign.py FOLDER``, run by its interpreter.

Needs nothing of nbdeploy, which is not installed there: only mlflow (or what the model's flavour needs), pandas and
pyarrow. Speaks on its own ends of two pipes, each message eight bytes of length and then its bytes: a question is one
JSON line and an Arrow stream of rows; an answer one JSON line and, where all went well, an Arrow stream of what the
model gave, a column by name.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any


def makes() -> Any:
    """Return nbdeploy's folder of makes of models, without what surrounds it: that is not installed here."""
    for name, places in (
        ("nbdeploy", []),
        ("nbdeploy.validate", []),
        ("nbdeploy.validate.subject", [str(Path(__file__).parent)]),
    ):
        around = ModuleType(name)
        around.__path__ = places
        sys.modules[name] = around
    return import_module("nbdeploy.validate.subject.makes")


def described(loaded: Any, methods: Any) -> dict[str, Any]:
    """Return what the asker must know: methods, classes, input columns and outputs."""
    model = loaded.model
    classes = getattr(model, "classes_", None)
    names = getattr(model, "feature_names_in_", None)
    return {
        "flavor": loaded.flavor,
        "wrapped": loaded.wrapped,
        "methods": [name for name in methods if hasattr(model, name)],
        "classes": None if classes is None else [one.item() if hasattr(one, "item") else one for one in classes],
        "features": None if names is None else [str(name) for name in names],
        "outputs": list(getattr(model, "output_names", ())),
        "python": sys.version.split()[0],
    }


def as_table(columns: dict[str, Any]) -> Any:
    """Return arrays by name as a table: those with a width as lists of that length."""
    import pyarrow as pa

    def column(values: Any) -> Any:
        if values.ndim == 1:
            return pa.array(values, from_pandas=True)
        return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])

    return pa.table({name: column(values) for name, values in columns.items()})


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
            known = makes()
            from mlflow.models import Model

            loaded = known.load(folder, Model.load(folder).flavors)
            tell(described(loaded, known.METHODS + known.EXPLAINING))
        except Exception as error:  # noqa: BLE001 - a model's code may raise anything; the asker tells it in one sentence
            tell({"error": f"{type(error).__name__}: {error}"})
            return
        while True:
            question, rows = heard(), heard()
            if question is None or rows is None:
                return
            try:
                frame = pa.ipc.open_stream(rows).read_all().to_pandas()
                said = getattr(loaded.model, json.loads(question)["method"])(frame)
                tell({}, as_table(known.columns_of(said, len(frame))))
            except Exception as error:  # noqa: BLE001 - the same
                tell({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file: what lies there is no library
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
