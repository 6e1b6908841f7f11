"""Rows that can be passed over again and again, batch by batch, without ever being held together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import pyarrow as pa

BATCH = 1 << 16
"""Rows of a batch: enough that a pass costs no more than decoding, few enough that memory does not show them."""


def kind_in_words(kind: pa.DataType) -> str:
    """Return what a column holds, as a sentence would say it: ``texts``."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_string(value) or pa.types.is_large_string(value):
        return "texts"
    if pa.types.is_boolean(value):
        return "true and false"
    return "dates" if pa.types.is_temporal(value) else f"{value} values"


class Rows(Protocol):
    """A table that is read in passes."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        ...

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        ...

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, of these columns or of all, at most `BATCH` at a time."""
        ...


class TableRows:
    """Rows of a table in memory."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.schema: pa.Schema = table.schema
        self.num_rows: int = table.num_rows

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order."""
        table = self._table if columns is None else self._table.select(list(dict.fromkeys(columns)))
        yield from table.to_batches(max_chunksize=BATCH)


class Without:
    """Rows without some of their columns."""

    def __init__(self, rows: Rows, columns: Sequence[str]) -> None:
        self._rows = rows
        self.schema: pa.Schema = pa.schema([field for field in rows.schema if field.name not in columns])
        self.num_rows: int = rows.num_rows

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order."""
        yield from self._rows.batches(self.schema.names if columns is None else columns)


class ParquetRows:
    """Rows of one or more Parquet files, one after the other.

    Parameters
    ----------
    files
        In the order of their rows. They may differ in columns and in the width of types: a column that one lacks is
        missing there.
    leave_out
        Columns that are no data, such as a pandas index.

    Raises
    ------
    pyarrow.ArrowInvalid, pyarrow.ArrowTypeError
        No Parquet, or a column has types that nothing joins.
    """

    def __init__(self, files: Sequence[Path], leave_out: Sequence[str] = ()) -> None:
        import pyarrow.parquet as pq

        self.files = tuple(files)
        self.left_out = frozenset(leave_out)
        described = [pq.ParquetFile(file) for file in self.files]
        schemas = [one.schema_arrow.remove_metadata() for one in described]
        self._joined = pa.unify_schemas(schemas, promote_options="permissive")
        self._one_schema = all(schema == self._joined for schema in schemas)
        self.num_rows: int = sum(one.metadata.num_rows for one in described)

    @cached_property
    def schema(self) -> pa.Schema:
        """Names and types of the columns, the widest of all files."""
        return pa.schema([field for field in self._joined if field.name not in self.left_out])

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, decoded as they are asked for."""
        import pyarrow.parquet as pq

        wanted = list(dict.fromkeys(columns)) if columns is not None else self.schema.names
        for file in self.files:
            stored = pq.ParquetFile(file, pre_buffer=False)  # whose buffers stay until all is read: the whole file
            there = [name for name in wanted if name in stored.schema_arrow.names]
            for batch in stored.iter_batches(BATCH, columns=there):
                yield batch.select(there) if self._one_schema else self._widened(batch, wanted)

    def _widened(self, batch: pa.RecordBatch, wanted: Sequence[str]) -> pa.RecordBatch:
        fields = [self._joined.field(name) for name in wanted]
        arrays = [
            batch.column(field.name).cast(field.type)
            if field.name in batch.schema.names
            else pa.nulls(batch.num_rows, field.type)
            for field in fields
        ]
        return pa.record_batch(arrays, schema=pa.schema(fields))


def in_step(
    first: Iterator[pa.RecordBatch], second: Iterator[pa.RecordBatch]
) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
    """Yield two streams side by side, cut at the same places, as long as both have rows."""
    left: pa.RecordBatch | None = None
    right: pa.RecordBatch | None = None
    while True:
        left = left if left is not None and left.num_rows else next((b for b in first if b.num_rows), None)
        right = right if right is not None and right.num_rows else next((b for b in second if b.num_rows), None)
        if left is None or right is None:
            break
        together = min(left.num_rows, right.num_rows)
        yield left.slice(0, together), right.slice(0, together)
        left, right = left.slice(together), right.slice(together)


def span(batches: Iterator[pa.RecordBatch], first: int, last: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows from `first` up to `last`, not included."""
    start = 0
    for batch in batches:
        low, high = max(first - start, 0), min(last - start, batch.num_rows)
        if low < high:
            yield batch.slice(low, high - low)
        start += batch.num_rows
        if start >= last:
            return
