"""The data that takes part: CSV, CSV.gz, Parquet, a folder or glob of Parquet, or a DataFrame, as one Arrow table."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from nbdeploy.documents.evidence import DataSubject
from nbdeploy.errors import DataError, closest
from nbdeploy.trust.digests import file_digest

Role = Literal["evaluation", "train", "reference", "predictions"]

_BLOCK = 1 << 24
"""Bytes of CSV from which a column's type is told."""

_WHOLE = 1 << 30
"""The same where the first block misled; a column's type may then show up a gigabyte late."""

_INDEX = re.compile(r"__index_level_\d+__$")


@dataclass(frozen=True)
class Dataset:
    """One dataset with the digest of the bytes that it was read from.

    `digest` is of the file; of the manifest (``<sha256>  <name>`` per file, sorted) for several files; of the Arrow
    stream for a DataFrame.
    """

    role: Role
    name: str
    digest: str
    table: pa.Table

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(self.table.column_names)

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
            if column not in self.columns:
                raise DataError(
                    f"{self.name} has no column {column!r} ({wanted_as}){closest(column, self.columns)}",
                    next=f"its columns are: {_listed(self.columns)}",
                    column=column,
                )


def read_dataset(source: str | Path | Any, role: Role = "evaluation") -> Dataset:
    """Read a dataset whole.

    In CSV only a truly empty cell is missing: a country code ``NA`` stays a text. Dates stay texts too, as a model
    trained through pandas saw them.

    Parameters
    ----------
    source
        A path, a glob of Parquet files, a folder of Parquet files, a pandas DataFrame or an Arrow table.

    Raises
    ------
    DataError
        Missing, unreadable or empty.
    """
    if isinstance(source, pa.Table):
        dataset = Dataset(role, "table", _table_digest(source), source)
    elif hasattr(source, "columns") and hasattr(source, "index"):
        dataset = _from_frame(source, role)
    else:
        dataset = _from_path(str(source), role)
    if not dataset.columns:
        raise DataError(f"{dataset.name} has no columns")
    repeated = next((name for name in dataset.columns if dataset.columns.count(name) > 1), None)
    if repeated is not None:
        raise DataError(f"{dataset.name} has the column {repeated!r} twice")
    if not dataset.rows:
        raise DataError(f"{dataset.name} is empty: it has columns and no rows", next="give data with at least one row")
    return dataset


def _from_frame(frame: Any, role: Role) -> Dataset:
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise DataError(f"the DataFrame for {role} has a column of mixed or unknown type ({_short(error)})") from None
    return Dataset(role, "DataFrame", _table_digest(table), table)


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
        return _from_parts(path.name, files, path, role)
    if path.is_file():
        return Dataset(role, path.name, file_digest(path), _read_file(path))
    if has_magic(source):
        files = sorted(Path(match) for match in glob(source, recursive=True) if Path(match).is_file())  # noqa: PTH207 - the pattern may be absolute
        if files:
            return _from_parts(path.name, files, files[0].parent, role)
        raise DataError(f"no file matches {source}")
    raise DataError(f"there is no file {source}", next=_siblings(path))


def _siblings(path: Path) -> str:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either"
    match = closest(path.name, [file.name for file in path.parent.iterdir()])
    return match.removeprefix("; ").rstrip("?") if match else "check the path"


def _from_parts(name: str, files: Sequence[Path], base: Path, role: Role) -> Dataset:
    tables = [_read_file(file) for file in files]
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"the files of {name} do not have the same columns ({_short(error)})") from None
    lines = sorted(f"{file_digest(file).removeprefix('sha256:')}  {_relative(file, base)}\n".encode() for file in files)
    return Dataset(role, name, "sha256:" + hashlib.sha256(b"".join(lines)).hexdigest(), table)


def _relative(file: Path, base: Path) -> str:
    return file.relative_to(base).as_posix() if file.is_relative_to(base) else file.as_posix()


def _read_file(path: Path) -> pa.Table:
    name = path.name.lower()
    try:
        if name.endswith((".parquet", ".pq")):
            import pyarrow.parquet as pq

            table = pq.read_table(path)
            return table.drop_columns([column for column in table.column_names if _INDEX.fullmatch(column)])
        if name.endswith((".csv", ".csv.gz", ".csv.bz2", ".tsv", ".tsv.gz")):
            return _read_csv(path, "\t" if ".tsv" in name else ",")
    except (pa.ArrowInvalid, pa.ArrowException, UnicodeDecodeError, EOFError) as error:
        if "Empty CSV file" in str(error):
            raise DataError(f"{path.name} is empty", next="give data with a header and at least one row") from None
        raise DataError(f"{path.name} cannot be read ({_short(error)})") from None
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror or _short(error)})") from None
    raise DataError(f"{path.name} is of no known kind", next="give .csv, .csv.gz, .parquet, or a folder of .parquet")


def _read_csv(path: Path, delimiter: str) -> pa.Table:
    from pyarrow import csv

    def read(block: int, texts: Sequence[str] = ()) -> pa.Table:
        return csv.read_csv(
            path,
            read_options=csv.ReadOptions(block_size=block),
            parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["True", "true", "TRUE"],
                false_values=["False", "false", "FALSE"],
                column_types=dict.fromkeys(texts, pa.string()),
            ),
        )

    try:
        block = _BLOCK
        table = read(block)
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise
        block = _WHOLE
        table = read(block)
    dates = [field.name for field in table.schema if pa.types.is_temporal(field.type)]
    if dates:
        table = read(block, dates)
    for place, field in enumerate(table.schema):
        if pa.types.is_null(field.type):  # a column without any value: numbers that are all missing, as pandas says
            table = table.set_column(place, field.name, table.column(place).cast(pa.float64()))
    return table


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(str(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _short(error: BaseException) -> str:
    return str(error).splitlines()[0][:160].rstrip(". ") if str(error) else type(error).__name__
