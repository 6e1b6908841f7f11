"""What odd requests become, and what odd answers of models become: no model sees the one, no caller the other."""

from __future__ import annotations

import json
from pathlib import Path

import cloudpickle
import pandas as pd
import pytest
from tests.serve.live import Plain

from nbdeploy.documents.objective import Column
from nbdeploy.serve import wire
from nbdeploy.serve.model import ServedModel
from nbdeploy.serve.schema import BadInputError, InputSchema, read_schema
from nbdeploy.serve.scoring import read_rows

COLUMNS = [
    {"name": "whole", "type": "integer"},
    {"name": "long", "type": "long"},
    {"name": "single", "type": "float"},
    {"name": "day", "type": "datetime"},
    {"name": "ward", "type": "string", "required": False},
]
MATRIX = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]
ROW = {"whole": 1, "long": 2, "single": 0.5, "day": "2026-11-01", "ward": "a"}


class Says(Plain):
    """Answers with what a function makes of the rows."""

    def predict(self, rows):
        return self.answer(rows)


def folder(place: Path, inputs, answer=None) -> Path:
    flavor = {"pickled_model": "model.pkl", "serialization_format": "cloudpickle"}
    content = {"flavors": {"sklearn": flavor}, "signature": {"inputs": json.dumps(inputs)}}
    (place / "MLmodel").write_text(json.dumps(content))
    (place / "model.pkl").write_bytes(cloudpickle.dumps(Says(answer)))
    return place


def read(schema: InputSchema, content, kind: str = "application/json"):
    return read_rows(content if isinstance(content, bytes) else json.dumps(content).encode(), kind, schema)


@pytest.fixture
def schema(tmp_path) -> InputSchema:
    return read_schema(folder(tmp_path, COLUMNS))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"whole": 2**31}, "column 'whole', row 0: the value is 2147483648, larger than its type"),
        ({"long": 2**63}, "column 'long'"),
        ({"single": 1e39}, "column 'single', row 0: the value is 1e.39, larger than its type"),
        ({"day": "2026-W03-1"}, "column 'day'"),
    ],
)
def test_a_number_or_date_that_the_models_type_cannot_hold_is_the_callers_mistake(schema, change, sentence):
    with pytest.raises(BadInputError, match=sentence) as refused:
        read(schema, {"dataframe_records": [ROW | change]})
    assert refused.value.status == 422


def test_a_row_that_lacks_a_column_is_refused_like_a_request_that_does(schema):
    short = {name: value for name, value in ROW.items() if name != "single"}
    with pytest.raises(BadInputError, match="column 'single' is missing in row 1"):
        read(schema, {"dataframe_records": [ROW, short]})
    del short["ward"]  # not required
    assert read(schema, {"inputs": [ROW, ROW | {"ward": None}]}).columns["ward"] == ["a", None]


def test_csv_from_a_spreadsheet_is_read_to_the_last_digit(schema):
    text = "\ufeffwhole,long,single,day,ward\n1,9007199254740993,0.5,2026-11-01,7\n"
    rows = read(schema, text.encode(), "text/csv")
    assert (rows.columns["long"], rows.columns["ward"]) == ([9007199254740993], ["7"])
    for wrong in ("inf", "1_000"):
        with pytest.raises(BadInputError, match="column 'single'"):
            read(schema, f"whole,long,single,day\n1,2,{wrong},2026-11-01\n".encode(), "text/csv")


def test_a_contract_about_other_values_than_the_column_takes_is_no_crash(tmp_path):
    contract = {"ward": Column(range=(0, 10)), "list": Column(allowed=("a", "b"))}
    schema = read_schema(
        folder(tmp_path, [{"name": "ward", "type": "string"}, {"name": "list", "type": "any"}]), contract
    )
    for row, sentence in (
        ({"ward": "b", "list": "a"}, "not a number"),
        ({"ward": None, "list": ["a"]}, "none of a, b"),
    ):
        with pytest.raises(BadInputError, match=sentence):
            read(schema, {"inputs": [row]})


def test_what_could_not_be_passed_on_to_the_worker_is_refused():
    deep = b'{"inputs": [{"a": ' + b"[" * 300 + b"]" * 300 + b"}]}"
    with pytest.raises(BadInputError, match="column 'a', row 0: the value is nested too deeply"):
        read(InputSchema(), deep)
    rows = read(InputSchema(), {"inputs": [{"a": [[1]]}]})
    assert wire.encode({"columns": dict(rows.columns)})


def test_nan_in_json_is_refused_with_how_to_write_it(schema):
    with pytest.raises(BadInputError, match="a missing value is written null"):
        read(schema, b'{"inputs": [{"single": NaN}]}')


def test_a_model_of_a_matrix_is_asked_by_place(tmp_path):
    """As models are stored that were trained on an array, PyTorch's among them."""
    made = folder(tmp_path, MATRIX, lambda rows: rows[:, 0] - rows[:, 1])
    schema, model = read_schema(made), ServedModel(made)
    for content in (
        {"inputs": [[3, 1], [2, 2]]},
        {"instances": [[3, 1], [2, 2]]},
        {"dataframe_split": {"columns": ["b", "a"], "data": [[3, 1], [2, 2]]}},
    ):
        assert model.answer(read(schema, content).columns) == {"predictions": [2, 0]}
    assert model.answer(read(schema, b"b,a\n3,1\n2,2\n", "text/csv").columns) == {"predictions": [2, 0]}
    for content, sentence in (
        ({"dataframe_records": [{"b": 3, "a": 1}]}, "takes 2 columns without names"),
        ({"inputs": {"b": [3], "a": [1]}}, "takes 2 columns without names"),
        ({"dataframe_split": {"columns": ["b"], "data": [[3]]}}, "takes 2 columns, and 1 were sent"),
        ({"inputs": [[3, 1, 2]]}, "does not hold 2 values"),
        ({"inputs": [["x", 1]]}, "column '0', row 0"),
    ):
        with pytest.raises(BadInputError, match=sentence):
            read(schema, content)


def test_dates_of_one_request_may_be_written_in_several_ways(tmp_path):
    made = folder(tmp_path, [{"name": "day", "type": "datetime"}], lambda rows: rows["day"].dt.hour.to_numpy())
    days = ["2026-11-01", "2026-11-01T10:00:00", "2026-11-01T10:00:00+02:00", "2026-11-01 10:30"]
    rows = read(read_schema(made), {"inputs": {"day": days}})
    assert ServedModel(made).answer(rows.columns) == {"predictions": [0, 10, 8, 10]}


AGE = [{"name": "age", "type": "double"}]


def test_a_models_answers_are_one_a_row_whatever_form_they_have(tmp_path):
    def frame(rows):
        return pd.DataFrame({"kind": ["x"] * len(rows), "day": pd.Timestamp("2026-11-01")})

    said = ServedModel(folder(tmp_path, AGE, frame)).answer({"age": [1.0, 2.0]})
    assert json.loads(wire.encode(said)[4:])["predictions"] == [{"kind": "x", "day": "2026-11-01T00:00:00"}] * 2
    named = folder(tmp_path, AGE, lambda _: {"label": [1, 0], "score": pd.Series([0.9, 0.1])})
    said = ServedModel(named).answer({"age": [1.0, 2.0]})
    assert said["predictions"] == [{"label": 1, "score": 0.9}, {"label": 0, "score": 0.1}]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda _: "no", "one str"),
        (lambda _: [1], "1 answers"),
        (lambda _: [1, 2, 3], "3 answers"),
        (lambda _: 7, "one int"),
    ],
)
def test_another_number_of_answers_than_rows_is_the_models_failure(tmp_path, answer, told):
    with pytest.raises(ValueError, match=f"the model gave {told} for 2 rows"):
        ServedModel(folder(tmp_path, AGE, answer)).answer({"age": [1.0, 2.0]})
