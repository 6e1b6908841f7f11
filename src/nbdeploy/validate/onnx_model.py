"""An ONNX graph, asked without MLflow's wrapper, which cannot put outputs of different widths into one frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


class OnnxModel:
    """A graph with one matrix as input, or one input for each column of that name.

    Raises
    ------
    ImportError
        onnxruntime is not installed.
    """

    def __init__(self, folder: Path, flavor: dict[str, Any]) -> None:
        import onnxruntime

        self._session = onnxruntime.InferenceSession(str(folder / flavor["data"]), providers=["CPUExecutionProvider"])

    def predict(self, rows: Any) -> dict[str, Any]:
        """Return every output by name; each has a line for each row."""
        inputs = self._session.get_inputs()
        if len(inputs) == 1 and inputs[0].name not in rows.columns:
            fed = {inputs[0].name: _typed(rows.to_numpy(), inputs[0].type)}
        else:
            fed = {one.name: _typed(rows[[one.name]].to_numpy(), one.type) for one in inputs}
        names = [one.name for one in self._session.get_outputs()]
        return dict(zip(names, map(_matrix, self._session.run(names, fed)), strict=True))


def _typed(values: Any, kind: str) -> Any:
    """Return values as the graph wants them: ``tensor(float)``, ``tensor(int64)``, ``tensor(string)``…"""
    named = kind.removeprefix("tensor(").removesuffix(")")
    wanted = {"float": np.float32, "double": np.float64, "string": object}.get(named)
    return np.asarray(values).astype(wanted or np.dtype(named))


def _matrix(output: Any) -> Any:
    """Return an output as an array; probabilities by class, as scikit-learn's converter gives them, as columns."""
    if isinstance(output, list) and output and isinstance(output[0], dict):
        return np.array([[one[name] for name in output[0]] for one in output])
    return np.asarray(output)
