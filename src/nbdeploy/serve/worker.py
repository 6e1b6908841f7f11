"""``python -m nbdeploy.serve.worker``: one process that holds one model and answers the gateway.

It is started with one end of a socket pair, so nobody else can ask it, and it ends when the other end closes.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
from pathlib import Path
from typing import Any


def main() -> int:
    """Load the model, say so, then answer until the gateway is gone."""
    parser = argparse.ArgumentParser(prog="nbdeploy.serve.worker")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--socket", type=int, required=True, help="file descriptor of the connected socket")
    parser.add_argument("--decide", type=json.loads, help="JSON: positive class and threshold")
    given = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # one row is asked at a time: threads would only wait for each other

    from nbdeploy.serve import wire

    connection = socket.socket(fileno=given.socket)
    try:
        import pandas as pd  # noqa: F401 - every question needs it: the first one must not wait for the import

        from nbdeploy.serve.model import ServedModel

        model = ServedModel(given.folder, given.decide)
    except Exception as error:  # noqa: BLE001 - loading runs code of the model: whatever it raises is the reason
        connection.sendall(wire.encode({"failed": _sentence(error)}))
        return 1
    connection.sendall(wire.encode({"ready": True, "row_wise": model.row_wise}))
    while (question := wire.receive_blocking(connection)) is not None:
        connection.sendall(_answer(model, question["columns"]))
    return 0


def _answer(model: Any, columns: dict[str, list[Any]]) -> bytes:
    from nbdeploy.serve import wire

    try:
        return wire.encode(model.answer(columns))
    except Exception as error:  # noqa: BLE001 - the model's own code: its failure is an answer, not the worker's end
        return wire.encode({"error": _sentence(error)})


def _sentence(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


if __name__ == "__main__":
    # Nothing is left to tidy up, and taking a large model apart would keep whoever stops the worker waiting.
    os._exit(main())
