from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nbdeploy.validate.data import rows as module
from nbdeploy.validate.data.rows import ParquetRows, TableRows, Without, in_step


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(module, "BATCH", 7)


def as_table(rows):
    return pa.Table.from_batches(rows.batches(), rows.schema)


def test_every_pass_gives_the_same_rows_in_order(small_batches, tmp_path):
    table = pa.table({"a": range(50), "b": [str(i) for i in range(50)]})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=11)
    for rows in (TableRows(table), ParquetRows([tmp_path / "t.parquet"])):
        assert as_table(rows) == as_table(rows) == table
        assert max(batch.num_rows for batch in rows.batches()) <= 7
        assert rows.num_rows == 50


def test_columns_come_in_the_order_asked_for_and_once(tmp_path):
    table = pa.table({"a": [1], "b": [2], "c": [3]})
    pq.write_table(table, tmp_path / "t.parquet")
    for rows in (TableRows(table), ParquetRows([tmp_path / "t.parquet"]), Without(TableRows(table), [])):
        assert next(rows.batches(["c", "a", "c"])).schema.names == ["c", "a"]


def test_a_left_out_column_is_not_read(tmp_path):
    pq.write_table(pa.table({"a": [1], "__index_level_0__": [9]}), tmp_path / "t.parquet")
    assert as_table(ParquetRows([tmp_path / "t.parquet"], ["__index_level_0__"])).column_names == ["a"]
    assert as_table(Without(TableRows(pa.table({"a": [1], "b": [2]})), ["b"])).column_names == ["a"]


def test_two_streams_are_cut_at_the_same_places():
    first = pa.table({"a": range(20)})
    second = pa.table({"b": range(20)})
    pairs = list(in_step(iter(first.to_batches(max_chunksize=6)), iter(second.to_batches(max_chunksize=4))))
    assert [value for left, _ in pairs for value in left.column("a").to_pylist()] == list(range(20))
    assert all(left.column("a").equals(right.column("b")) for left, right in pairs)
