"""The data that takes part: CSV, CSV.gz, Parquet, a folder or glob of Parquet, or a DataFrame, read in passes."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from nbdeploy.documents.evidence import DataSubject
from nbdeploy.errors import DataError, closest
from nbdeploy.trust.digests import file_digest
from nbdeploy.validate.data.csv_rows import csv_rows
from nbdeploy.validate.data.frames import frame_table, twice
from nbdeploy.validate.data.rows import ParquetRows, Rows, TableRows

Role = Literal["evaluation", "train", "reference", "predictions"]

_IN_MEMORY = ("DataFrame", "table")
"""Names of tables that have none of their own."""

_INDEX = re.compile(r"__index_level_\d+__$")


@dataclass(frozen=True)
class Dataset:
    """One dataset with the digest of the bytes that it was read from.

    `digest` is of the file; of the manifest (``<sha256>  <name>`` per file, sorted) for several files; of the Arrow
    stream for a DataFrame. `index` are the names of a DataFrame's index, which are no columns.
    """

    role: Role
    name: str
    digest: str
    source: Rows
    index: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.source.num_rows

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(self.source.schema.names)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, of these columns or of all."""
        return self.source.batches(columns)

    def head(self, rows: int) -> pa.Table:
        """Return the first rows."""
        found: list[pa.RecordBatch] = []
        for batch in self.batches():
            found.append(batch)
            if sum(one.num_rows for one in found) >= rows:
                break
        return pa.Table.from_batches(found, self.source.schema).slice(0, rows)

    @property
    def told(self) -> str:
        """What sentences call it: the file's name, or what a table in memory was given for."""
        return f"the {self.name} for {self.role}" if self.name in _IN_MEMORY else self.name

    @property
    def subject(self) -> DataSubject:
        """The entry in the evidence."""
        return DataSubject(role=self.role, name=self.name, digest=self.digest, rows=self.rows, columns=self.columns)

    def require(self, columns: Sequence[str], wanted_as: str) -> None:
        """Refuse data that lacks a column.

        Raises
        ------
        DataError
            Names the first missing column, what it is wanted as, and the closest that is there.
        """
        for column in columns:
            if column in self.columns:
                continue
            if column in self.index:
                raise DataError(
                    f"{self.told} has {column!r} ({wanted_as}) as its index and not as a column",
                    next="give it with .reset_index()",
                    column=column,
                )
            raise DataError(
                f"{self.told} has no column {column!r} ({wanted_as}){closest(column, self.columns)}",
                next=f"its columns are: {_listed(self.columns)}",
                column=column,
            )


def read_dataset(source: str | Path | Any, role: Role = "evaluation") -> Dataset:
    """Open a dataset. Parquet stays where it is; a large CSV is turned into Parquet beside it in a temporary folder.

    In CSV only a truly empty cell is missing: a country code ``NA`` stays a text. Dates stay texts too, as a model
    trained through pandas saw them.

    Parameters
    ----------
    source
        A path, a glob of Parquet files, a folder of Parquet files, a pandas DataFrame, or a table of another library
        that hands it on as Arrow does (pyarrow, polars, duckdb).

    Raises
    ------
    DataError
        Missing, unreadable or empty.
    """
    dataset = _from_path(str(source), role) if isinstance(source, (str, Path)) else _from_memory(source, role)
    if not dataset.columns:
        raise DataError(f"{dataset.told} has no columns")
    repeated = next((name for name in dataset.columns if dataset.columns.count(name) > 1), None)
    if repeated is not None:
        raise twice(dataset.told, repeated)
    nested = next((field for field in dataset.source.schema if _is_nested(field.type)), None)
    if nested is not None:
        raise DataError(
            f"the column {nested.name!r} of {dataset.told} holds {nested.type}, and a table has one value in a cell",
            next=f"leave {nested.name!r} out, or make a column of each of its parts",
        )
    if not dataset.rows:
        raise DataError(f"{dataset.told} is empty: it has columns and no rows", next="give data with at least one row")
    return dataset


def _from_memory(source: Any, role: Role) -> Dataset:
    if hasattr(source, "columns") and hasattr(source, "index"):
        table = frame_table(source, f"the DataFrame for {role}")
        index = tuple(str(name) for name in source.index.names if name is not None)
        return Dataset(role, "DataFrame", _table_digest(table), TableRows(table), index)
    if hasattr(source, "__arrow_c_stream__") and not hasattr(source, "to_frame"):  # a Series has both
        table = pa.table(source)
        return Dataset(role, "table", _table_digest(table), TableRows(table))
    raise DataError(
        f"what was given for {role} is of the type {type(source).__name__!r}, and columns need names",
        next="give a DataFrame, such as pd.DataFrame(values, columns=[…]), or a path",
    )


def _is_nested(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind.value_type if pa.types.is_dictionary(kind) else kind))


def _table_digest(table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return "sha256:" + hashlib.sha256(sink.getvalue()).hexdigest()


def _from_path(source: str, role: Role) -> Dataset:
    path = Path(source)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*.parquet") if file.is_file())
        if not files:
            raise DataError(f"the folder {source} holds no Parquet file", next="name a file, or a folder of *.parquet")
        return Dataset(role, path.name, files_digest(files), _parquet(path.name, files))
    if path.is_file():
        return Dataset(role, path.name, file_digest(path), _file(path))
    if has_magic(source):
        files = sorted(Path(match) for match in glob(source, recursive=True) if Path(match).is_file())  # noqa: PTH207 - the pattern may be absolute
        if files:
            return Dataset(role, path.name, files_digest(files), _parquet(path.name, files))
        raise DataError(f"no file matches {source}")
    raise DataError(f"there is no file {source}", next=_siblings(path))


def _siblings(path: Path) -> str:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either"
    match = closest(path.name, [file.name for file in path.parent.iterdir()])
    return match.removeprefix("; ").rstrip("?") if match else "check the path"


def files_digest(files: Sequence[Path]) -> str:
    """Return the digest of one file, or of the manifest of several: ``<sha256>  <name>`` for each, sorted.

    Names are told from the folder that all of them lie in.
    """
    if len(files) == 1:
        return file_digest(files[0])
    base = Path(os.path.commonpath([file.parent for file in files]))
    lines = sorted(
        f"{file_digest(file).removeprefix('sha256:')}  {file.relative_to(base).as_posix()}\n".encode() for file in files
    )
    return "sha256:" + hashlib.sha256(b"".join(lines)).hexdigest()


def _file(path: Path) -> Rows:
    name = path.name.lower()
    if name.endswith((".parquet", ".pq")):
        return _parquet(path.name, [path])
    if name.endswith((".csv", ".csv.gz", ".csv.bz2", ".tsv", ".tsv.gz")):
        return csv_rows(path, "\t" if ".tsv" in name else ",")
    raise DataError(f"{path.name} is of no known kind", next="give .csv, .csv.gz, .parquet, or a folder of .parquet")


def _parquet(name: str, files: Sequence[Path]) -> ParquetRows:
    try:
        rows = ParquetRows(files)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        if len(files) > 1:
            raise DataError(f"the files of {name} do not have the same columns ({_short(error)})") from None
        raise DataError(f"{name} cannot be read ({_short(error)})") from None
    except OSError as error:
        raise DataError(f"{name} cannot be read ({error.strerror or _short(error)})") from None
    index = [column for column in rows.schema.names if _INDEX.fullmatch(column)]
    return ParquetRows(files, leave_out=index) if index else rows


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(str(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _short(error: BaseException) -> str:
    return str(error).splitlines()[0][:160].rstrip(". ") if str(error) else type(error).__name__
