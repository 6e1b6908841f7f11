from __future__ import annotations

import gzip

import pandas as pd
import pyarrow as pa
import pytest

from nbdeploy.errors import DataError
from nbdeploy.validate.data import csv_rows
from nbdeploy.validate.data.inputs import Dataset, read_dataset


def whole(dataset: Dataset) -> pa.Table:
    return pa.Table.from_batches(dataset.batches(), dataset.source.schema)


def test_only_an_empty_cell_is_missing(tmp_path):
    file = tmp_path / "countries.csv"
    file.write_text('country,rate\nNA,1.5\n"",2\n,\nNone,3\n')
    dataset = read_dataset(file)
    assert whole(dataset).column("country").to_pylist() == ["NA", "", None, "None"]
    assert whole(dataset).column("rate").to_pylist() == [1.5, 2.0, None, 3.0]


def test_dates_stay_texts_as_pandas_reads_them(tmp_path):
    file = tmp_path / "visits.csv"
    file.write_text("day,time\n2024-02-03,2024-02-03T10:00:00\n")
    assert whole(read_dataset(file)).to_pylist() == [{"day": "2024-02-03", "time": "2024-02-03T10:00:00"}]


def test_the_same_rows_come_from_csv_gz_parquet_folder_glob_and_frame(tmp_path):
    frame = pd.DataFrame({"a": [1, 2, 3, 4], "b": ["x", "y", None, "z"]})
    with gzip.open(tmp_path / "rows.csv.gz", "wt") as stream:
        frame.to_csv(stream, index=False)
    folder = tmp_path / "parts"
    folder.mkdir()
    frame[:2].to_parquet(folder / "part-0.parquet")
    frame[2:].to_parquet(folder / "part-1.parquet")
    expected = frame.to_dict("list") | {"b": ["x", "y", None, "z"]}
    sources = [tmp_path / "rows.csv.gz", folder, f"{folder}/*.parquet", frame]
    for source in sources:
        dataset = read_dataset(source)
        assert whole(dataset).to_pydict() == expected, source
        assert dataset.digest.startswith("sha256:")
        assert dataset.rows == 4


@pytest.mark.parametrize("small", [1 << 27, 0], ids=["in memory", "turned into Parquet"])
def test_a_type_that_shows_late_in_the_file_is_found(tmp_path, monkeypatch, small):
    monkeypatch.setattr(csv_rows, "_BLOCK", 1024)
    monkeypatch.setattr(csv_rows, "SMALL", small)
    file = tmp_path / "late.csv"
    file.write_text("code,share,day\n" + "1,1,2024-01-01\n" * 5_000 + "A7,2.5,never\n")
    found = whole(read_dataset(file))
    assert found.slice(5_000).to_pylist() == [{"code": "A7", "share": 2.5, "day": "never"}]
    assert str(found.schema.field("share").type) == "double"


def test_a_large_csv_is_the_same_rows_as_a_small_one(tmp_path, monkeypatch):
    file = tmp_path / "rows.csv.gz"
    with gzip.open(file, "wt") as stream:
        stream.write("a,b,c,d\n" + "".join(f"{i},x{i},,{i % 3 == 0}\n" for i in range(2_000)))
    small = whole(read_dataset(file))
    monkeypatch.setattr(csv_rows, "SMALL", 0)
    assert whole(read_dataset(file)) == small


def test_files_with_other_columns_and_widths_are_one_table(tmp_path):
    pd.DataFrame({"a": [1, 2]}).to_parquet(tmp_path / "1.parquet")
    pd.DataFrame({"a": [0.5], "b": ["x"]}).to_parquet(tmp_path / "2.parquet")
    assert whole(read_dataset(tmp_path)).to_pydict() == {"a": [1.0, 2.0, 0.5], "b": [None, None, "x"]}


def test_a_column_without_any_value_is_read_as_missing_numbers(tmp_path):
    file = tmp_path / "hollow.csv"
    file.write_text("a,b\n1,\n2,\n")
    assert str(whole(read_dataset(file)).schema.field("b").type) == "double"


def test_digest_is_of_the_bytes(tmp_path):
    import hashlib

    file = tmp_path / "rows.csv"
    file.write_text("a\n1\n")
    assert read_dataset(file).digest == "sha256:" + hashlib.sha256(b"a\n1\n").hexdigest()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("a,b\n", "is empty: it has columns and no rows"),
        ("a,b\n1,2\n3\n", "cannot be read"),
        ("a,a\n1,2\n", "'a' twice"),
    ],
)
def test_unreadable_csv_is_one_sentence(tmp_path, content, says):
    file = tmp_path / "rows.csv"
    file.write_text(content)
    with pytest.raises(DataError) as caught:
        read_dataset(file)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_names_its_neighbour(tmp_path):
    (tmp_path / "applicants.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"did you mean 'applicants\.csv'"):
        read_dataset(tmp_path / "aplicants.csv")


@pytest.mark.parametrize("name", ["none-*.parquet", "empty-folder", "rows.xlsx", "broken.parquet"])
def test_nothing_to_read_is_a_data_error(tmp_path, name):
    (tmp_path / "empty-folder").mkdir()
    (tmp_path / "rows.xlsx").write_bytes(b"PK")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1nothing")
    with pytest.raises(DataError):
        read_dataset(tmp_path / name)


def test_a_missing_column_names_the_closest():
    dataset = read_dataset(pd.DataFrame({"income": [1], "sex": [2]}))
    with pytest.raises(DataError, match=r"no column 'incom' \(the target\); did you mean 'income'"):
        dataset.require(["incom"], "the target")
