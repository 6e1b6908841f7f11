from __future__ import annotations

import gzip

import pandas as pd
import pytest

from nbdeploy.errors import DataError
from nbdeploy.validate import inputs
from nbdeploy.validate.inputs import read_dataset


def test_only_an_empty_cell_is_missing(tmp_path):
    file = tmp_path / "countries.csv"
    file.write_text('country,rate\nNA,1.5\n"",2\n,\nNone,3\n')
    dataset = read_dataset(file)
    assert dataset.table.column("country").to_pylist() == ["NA", "", None, "None"]
    assert dataset.table.column("rate").to_pylist() == [1.5, 2.0, None, 3.0]


def test_dates_stay_texts_as_pandas_reads_them(tmp_path):
    file = tmp_path / "visits.csv"
    file.write_text("day,time\n2024-02-03,2024-02-03T10:00:00\n")
    assert read_dataset(file).table.to_pylist() == [{"day": "2024-02-03", "time": "2024-02-03T10:00:00"}]


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
        assert dataset.table.to_pydict() == expected, source
        assert dataset.digest.startswith("sha256:")
        assert dataset.rows == 4


def test_a_type_that_shows_late_in_the_file_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(inputs, "_BLOCK", 1024)
    file = tmp_path / "late.csv"
    file.write_text("code\n" + "1\n" * 5_000 + "A7\n")
    assert read_dataset(file).table.column("code").to_pylist()[-1] == "A7"


def test_a_column_without_any_value_is_read_as_missing_numbers(tmp_path):
    file = tmp_path / "hollow.csv"
    file.write_text("a,b\n1,\n2,\n")
    assert str(read_dataset(file).table.schema.field("b").type) == "double"


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
