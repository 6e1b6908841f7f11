"""A model in another environment, asked through pipes as if it were here."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from nbdeploy.errors import ModelError
from nbdeploy.validate.subject import foreign
from nbdeploy.validate.subject.children import CHILD_ENVIRONMENT

if TYPE_CHECKING:
    import pandas as pd


class RemoteEstimator:
    """An estimator whose methods run in a process of the model's own environment.

    It has exactly the methods that the model has there, and ``classes_`` and ``feature_names_in_`` as far as the model
    has them.

    Raises
    ------
    ElsewhereError
        The model does not load there.
    """

    def __init__(self, folder: Path, python: Path) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed when the model is no longer held
        inward, theirs_out = os.pipe()
        theirs_in, outward = os.pipe()
        self._process = subprocess.Popen(
            [str(python), str(Path(foreign.__file__)), str(folder), str(theirs_in), str(theirs_out)],
            pass_fds=(theirs_in, theirs_out),
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | CHILD_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._answers = os.fdopen(inward, "rb")
        self._questions = os.fdopen(outward, "wb")
        self._ended = weakref.finalize(self, _end, self._process, self._answers, self._questions, self._log)
        about, _ = self._heard()
        if "error" in about:
            raise ElsewhereError(about["error"])
        self.flavor: str = about["flavor"]
        self.wrapped: bool = about["wrapped"]
        self.output_names: tuple[str, ...] = tuple(about["outputs"])
        self.python_version: str = about["python"]
        self._methods: tuple[str, ...] = tuple(about["methods"])
        if about["classes"] is not None:
            self.classes_ = np.asarray(about["classes"])
        if about["features"] is not None:
            self.feature_names_in_ = about["features"]

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("_methods", ()):
            return lambda rows: self._asked(name, rows)
        raise AttributeError(name)

    def _asked(self, method: str, rows: pd.DataFrame) -> Any:
        sink = pa.BufferOutputStream()
        table = _plain(pa.Table.from_pandas(rows, preserve_index=False))
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        try:
            for part in (json.dumps({"method": method}).encode(), sink.getvalue().to_pybytes()):
                self._questions.write(struct.pack("<Q", len(part)) + part)
            self._questions.flush()
        except BrokenPipeError:
            raise ElsewhereError(self._last_words()) from None
        about, data = self._heard()
        if "error" in about:
            raise ElsewhereError(about["error"])
        table = pa.ipc.open_stream(data).read_all()
        return {name: _array(table.column(name)) for name in table.column_names}

    def _heard(self) -> tuple[dict[str, Any], bytes]:
        parts = []
        for _ in range(2):
            size = self._answers.read(8)
            if len(size) < 8:
                raise ElsewhereError(self._last_words())
            parts.append(self._answers.read(struct.unpack("<Q", size)[0]))
        about: dict[str, Any] = json.loads(parts[0])
        return about, parts[1]

    def _last_words(self) -> str:
        """Say how the process ended."""
        self._process.kill()
        self._process.wait()
        self._log.seek(0)
        told = self._log.read().decode("utf-8", "replace").strip().splitlines()
        return f"its process ended: {told[-1]}" if told else "its process ended without a word"


class ElsewhereError(Exception):
    """What the process in the other environment said, with the kind of its error."""


def _array(column: pa.ChunkedArray) -> Any:
    """Return shape (rows,), or (rows, width) of lists of one length."""
    if not pa.types.is_fixed_size_list(column.type):
        return column.to_numpy()
    return column.combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)


def _plain(table: pa.Table) -> pa.Table:
    """Return rows without what this pandas notes about them: another one reads them."""
    fields = [
        pa.field(one.name, pa.string() if pa.types.is_large_string(one.type) else one.type) for one in table.schema
    ]
    return table.replace_schema_metadata(None).cast(pa.schema(fields))


def _end(process: subprocess.Popen[bytes], *pipes: Any) -> None:
    for pipe in pipes:
        try:
            pipe.close()
        except BrokenPipeError:
            continue  # it ended first, and nobody reads what was left to say
    process.kill()
    process.wait()


def opened(folder: Path, python: Path) -> RemoteEstimator:
    """Return the model, loaded by `python`.

    Raises
    ------
    ModelError
        There is no such interpreter.
    """
    if not python.is_file():
        raise ModelError(f"there is no Python at {python}", next="give --environment the path of an interpreter")
    return RemoteEstimator(folder, python)
