"""MLflow's scoring protocol: from the body of a request to rows by column."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson

from nbdeploy.serve.schema import BadInputError, InputSchema, Rows

FORMS = ("dataframe_split", "dataframe_records", "inputs", "instances")


def read_rows(body: bytes, content_type: str, schema: InputSchema) -> Rows:
    """Return the checked rows of a request.

    Raises
    ------
    BadInputError
        415 for another content type, 400 for another form, 422 for a column at fault.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/csv":
        return schema.check(_from_csv(body, schema))
    if kind not in ("application/json", ""):
        raise BadInputError(415, f"content type {kind!r} is not understood; send application/json or text/csv")
    return schema.check(_from_json(body, schema))


def _from_json(body: bytes, schema: InputSchema) -> Mapping[str, Sequence[Any]]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        missing = "; a missing value is written null" if b"NaN" in body else ""
        raise BadInputError(400, f"the body is not JSON ({error}{missing})") from None
    given = [key for key in content if key in FORMS] if isinstance(content, dict) else []
    if len(given) != 1:
        raise BadInputError(400, f"the body must be an object with exactly one of {', '.join(FORMS)}")
    unknown = [key for key in content if key not in FORMS and not (key == "params" and not content[key])]
    if unknown:
        raise BadInputError(400, f"{unknown[0]!r} is not understood beside {given[0]!r}")
    rows = content[given[0]]
    if given[0] == "dataframe_split":
        return _placed(_from_split(rows), schema)
    named = isinstance(rows, dict) or (isinstance(rows, list) and any(isinstance(row, dict) for row in rows))
    if schema.matrix and named:  # the order of names in an object means nothing, and the model goes by it
        width = len(schema.names)
        raise BadInputError(
            400, f"the model takes {width} columns without names, in order: send 'inputs', a list of rows of {width}"
        )
    if isinstance(rows, dict):
        return {name: values if isinstance(values, list) else [values] for name, values in rows.items()}
    if not isinstance(rows, list):
        raise BadInputError(400, f"{given[0]!r} must be a list of rows")
    if all(isinstance(row, dict) for row in rows):
        return _from_records(rows, schema)
    if given[0] != "dataframe_records" and all(isinstance(row, list) for row in rows):
        width = len(rows[0]) if rows else 0
        return _from_split({"columns": list(schema.names) or [str(place) for place in range(width)], "data": rows})
    raise BadInputError(400, f"{given[0]!r} must be a list of objects, one a row")


def _from_split(table: Any) -> Mapping[str, Sequence[Any]]:
    columns = table.get("columns") if isinstance(table, dict) else None
    data = table.get("data") if isinstance(table, dict) else None
    if (
        not isinstance(columns, list)
        or not isinstance(data, list)
        or not all(isinstance(name, str) for name in columns)
    ):
        raise BadInputError(400, "'dataframe_split' must hold 'columns', a list of names, and 'data', a list of rows")
    if len(set(columns)) != len(columns):
        raise BadInputError(400, "a column stands twice in 'columns'")
    for number, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(columns):
            raise BadInputError(400, f"row {number} does not hold {len(columns)} values, one for each column")
    return {name: [row[place] for row in data] for place, name in enumerate(columns)}


def _placed(columns: Mapping[str, Sequence[Any]], schema: InputSchema) -> Mapping[str, Sequence[Any]]:
    """Return the columns of a table as those of the model's matrix: the first is the first, whatever its name."""
    if not schema.matrix:
        return columns
    if len(columns) != len(schema.names):
        raise BadInputError(422, f"the model takes {len(schema.names)} columns, and {len(columns)} were sent")
    return dict(zip(schema.names, columns.values(), strict=True))


def _from_records(records: list[dict[str, Any]], schema: InputSchema) -> Mapping[str, Sequence[Any]]:
    names = dict.fromkeys(name for record in records for name in record)
    required = [rule.name for rule in schema.rules if rule.required and rule.name in names]
    for row, record in enumerate(records):
        for name in required:
            if name not in record:
                raise BadInputError(422, f"column {name!r} is missing in row {row}", name)
    return {name: [record.get(name) for record in records] for name in names}


def _from_csv(body: bytes, schema: InputSchema) -> Mapping[str, Sequence[Any]]:
    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))  # spreadsheets begin with a byte order mark
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(400, f"the body is not CSV in UTF-8 ({error})") from None
    if not lines:
        raise BadInputError(400, "the request holds no row")
    kinds = {rule.name: rule.kind for rule in schema.rules}
    head, rows = lines[0], [line for line in lines[1:] if line]
    table = _from_split({"columns": head, "data": rows})
    table = _placed(table, schema)
    return {name: [_from_text(text, kinds.get(name, "any")) for text in values] for name, values in table.items()}


def _from_text(text: str, kind: str) -> Any:
    if text == "":
        return None
    if kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind in ("number", "integer", "any") and "_" not in text:  # Python reads 1_000 as a number, and nobody else
        for read in (int, float):  # a float would round the last digits of a long whole number
            with suppress(ValueError):
                return read(text)
    return text
