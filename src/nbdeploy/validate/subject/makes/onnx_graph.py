"""An ONNX graph, asked without MLflow's wrapper, which cannot put outputs of different widths into one frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

_NAMED = "named"


class OnnxGraph:
    """A graph with one matrix as input, or one input for each column of that name.

    Raises
    ------
    ImportError
        onnxruntime is not installed.
    """

    def __init__(self, file: str) -> None:
        import onnxruntime

        self._session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        self.outputs = self._session.get_outputs()
        self.output_names = [one.name for one in self.outputs]

    def predict(self, rows: Any) -> dict[str, Any]:
        """Return every output by name; each has a line for each row."""
        inputs = self._session.get_inputs()
        if len(inputs) == 1 and inputs[0].name not in rows.columns:
            fed = {inputs[0].name: _typed(rows.to_numpy(), inputs[0].type)}
        else:
            fed = {one.name: _typed(rows[[one.name]].to_numpy(), one.type) for one in inputs}
        given = self._session.run(self.output_names, fed)
        return {name: _matrix(output) for name, output in zip(self.output_names, given)}  # noqa: B905 - `strict` came with Python 3.10


class OnnxClassifier(OnnxGraph):
    """A graph that names its classes and has one output with a probability for each."""

    def __init__(self, file: str, classes: list[Any], output: str) -> None:
        super().__init__(file)
        self.classes_ = np.asarray(classes)
        self._output = output

    def predict_proba(self, rows: Any) -> Any:
        """Return shape (rows, classes)."""
        return self.predict(rows)[self._output]


def opened(folder: str, flavor: dict[str, Any]) -> OnnxGraph:
    """Return the graph of a model folder."""
    file = str(Path(folder) / flavor["data"])
    graph = OnnxGraph(file)
    classes = _classes(file)
    wide = [one for one in graph.outputs if _width(one) in (_NAMED, len(classes))]
    if not classes or len(wide) != 1:
        return graph
    # The runtime hands over a map with its keys in order, whatever the converter's order was.
    return OnnxClassifier(file, sorted(classes) if _width(wide[0]) == _NAMED else classes, wide[0].name)


def _classes(file: str) -> list[Any]:
    """Return the classes that the last classifier of a graph was converted with, in its order of columns."""
    try:
        import onnx
    except ImportError:  # onnxruntime runs a graph and does not show it
        return []
    for node in reversed(onnx.load(file, load_external_data=False).graph.node):
        for attribute in node.attribute:
            if attribute.name.startswith("classlabels"):
                found = [one.decode() for one in attribute.strings] or list(attribute.ints)
                if found:
                    return found
    return []


def _width(output: Any) -> Any:
    """Return the number of columns of an output of fractions; `_NAMED` where each has its class for a name."""
    if output.type.startswith("seq(map("):
        return _NAMED
    return output.shape[1] if output.type in ("tensor(float)", "tensor(double)") and len(output.shape) == 2 else None


def _typed(values: Any, kind: str) -> Any:
    """Return values as the graph wants them: ``tensor(float)``, ``tensor(int64)``, ``tensor(string)``…"""
    named = kind[len("tensor(") : -1]
    wanted = {"float": np.float32, "double": np.float64, "string": object}.get(named)
    return np.asarray(values).astype(wanted or np.dtype(named))


def _matrix(output: Any) -> Any:
    """Return an output as an array; probabilities by class, as scikit-learn's converter gives them, as columns."""
    if isinstance(output, list) and output and isinstance(output[0], dict):
        return np.array([[one[name] for name in sorted(output[0])] for one in output])
    return np.asarray(output)
