"""CSV as rows: its types found, and large files turned into Parquet once, so that memory does not grow with them."""

from __future__ import annotations

import re
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from nbdeploy.errors import DataError
from nbdeploy.validate.data.rows import ParquetRows, Rows, TableRows

SMALL = 1 << 27
"""Bytes of a CSV file up to which it is read into memory."""

_BLOCK = 1 << 24
"""Bytes of CSV from which a column's type is told."""

_PACKED = (".gz", ".bz2")
_CONVERSION = re.compile(r"In CSV column #(\d+): .*conversion error to (\S+)")

_WIDER = {"int64": pa.float64(), "bool": pa.string()}
"""What a column becomes whose later values do not fit the type of its first ones; a text where nothing is said."""


def csv_rows(path: Path, delimiter: str) -> Rows:
    """Open a CSV file.

    Only a truly empty cell is missing. Dates stay texts; a column without any value holds missing numbers.

    Raises
    ------
    DataError
        It is empty or cannot be read.
    """
    packed = 5 if path.name.lower().endswith(_PACKED) else 1
    try:
        if path.stat().st_size * packed <= SMALL:
            return TableRows(_whole(path, delimiter))
        return _converted(path, delimiter)
    except (pa.ArrowInvalid, pa.ArrowException, UnicodeDecodeError, EOFError) as error:
        if "Empty CSV file" in str(error):
            raise DataError(f"{path.name} is empty", next="give data with a header and at least one row") from None
        raise DataError(f"{path.name} cannot be read ({_short(error)})") from None
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror or _short(error)})") from None


def _whole(path: Path, delimiter: str) -> pa.Table:
    from pyarrow import csv

    types: dict[str, pa.DataType] = {}
    while True:
        try:
            table = csv.read_csv(path, **_options(delimiter, types))
        except pa.ArrowInvalid as error:
            types = _widened(path, delimiter, types, error)
            continue
        dates = {field.name: pa.string() for field in table.schema if pa.types.is_temporal(field.type)}
        if not dates:
            return _without_null_types(table)
        types |= dates


def _converted(path: Path, delimiter: str) -> ParquetRows:
    """Write the file's rows as Parquet to a temporary folder that goes when they are no longer held."""
    folder = tempfile.TemporaryDirectory(prefix="nbdeploy-csv-")
    target = Path(folder.name) / "rows.parquet"
    types = _first_types(path, delimiter)
    while True:
        try:
            _stream(path, delimiter, types, target)
        except pa.ArrowInvalid as error:
            types = _widened(path, delimiter, types, error)
            continue
        break
    rows = ParquetRows([target])
    weakref.finalize(rows, folder.cleanup)
    return rows


def _first_types(path: Path, delimiter: str) -> dict[str, pa.DataType]:
    from pyarrow import csv

    with csv.open_csv(path, **_options(delimiter, {})) as reader:
        schema = reader.schema
    texts = {field.name: pa.string() for field in schema if pa.types.is_temporal(field.type)}
    return texts | {field.name: pa.float64() for field in schema if pa.types.is_null(field.type)}


def _stream(path: Path, delimiter: str, types: Mapping[str, pa.DataType], target: Path) -> None:
    import pyarrow.parquet as pq
    from pyarrow import csv

    with (
        csv.open_csv(path, **_options(delimiter, types)) as reader,
        pq.ParquetWriter(target, reader.schema, compression="lz4") as writer,
    ):
        for batch in reader:
            writer.write_batch(batch)


def _options(delimiter: str, types: Mapping[str, pa.DataType]) -> dict[str, object]:
    from pyarrow import csv

    return {
        "read_options": csv.ReadOptions(block_size=_BLOCK),
        "parse_options": csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        "convert_options": csv.ConvertOptions(
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["True", "true", "TRUE"],
            false_values=["False", "false", "FALSE"],
            column_types=dict(types),
        ),
    }


def _widened(
    path: Path, delimiter: str, types: Mapping[str, pa.DataType], error: pa.ArrowInvalid
) -> dict[str, pa.DataType]:
    """Return the types with that of the column widened on which the error stopped.

    Raises
    ------
    pyarrow.ArrowInvalid
        The error is about something else, or the column is a text already.
    """
    found = _CONVERSION.search(str(error))
    if found is None:
        raise error
    from pyarrow import csv

    with csv.open_csv(path, **_options(delimiter, types)) as reader:
        field = reader.schema.field(int(found[1]))
    if pa.types.is_string(field.type):
        raise error
    # A number tried once as a wider number, and then as a text.
    wider = _WIDER.get(str(field.type), pa.string()) if field.name not in types else pa.string()
    return {**types, field.name: wider}


def _without_null_types(table: pa.Table) -> pa.Table:
    for place, field in enumerate(table.schema):
        if pa.types.is_null(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(pa.float64()))
    return table


def _short(error: BaseException) -> str:
    return str(error).splitlines()[0][:160].rstrip(". ") if str(error) else type(error).__name__
