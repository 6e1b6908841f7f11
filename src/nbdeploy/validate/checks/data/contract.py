"""The contract of the columns, as declared in the objective."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbdeploy.documents.objective import Column
from nbdeploy.validate.checks.shown import Shown, Table, measured, number
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa


def contract(context: Context) -> Shown:
    """Record how many rows break the declared contract of any column; undefined where none was declared."""
    declared = context.objective.contract
    if not declared:
        context.not_available("the objective declares no contract", "contract_violations")
        return Shown(text="Not measured: the objective declares no contract for any column.")
    broken, rows = violations(context.data, declared)
    found = context.record(
        "contract_violations",
        len(rows),
        n=len(context.data),
        method=f"pandera, {len(declared)} columns",
        data={"rules": broken},
    )
    if not broken:
        return Shown(table=measured([found]), text=f"Every row keeps the contract of {', '.join(declared)}.")
    table = Table(("Column", "Rule", "Rows"), tuple((b["column"], b["rule"], number(b["rows"])) for b in broken))
    return Shown(table=table)


def violations(frame: pd.DataFrame, declared: dict[str, Column]) -> tuple[list[dict[str, Any]], set[int]]:
    """Return the broken rules, each with its number of rows, and the positions of all rows that break any."""
    import pandera.pandas as pa

    present = {name: column for name, column in declared.items() if name in frame.columns}
    rules: list[dict[str, Any]] = [
        {"column": name, "rule": "the column is there", "rows": len(frame)} for name in declared if name not in present
    ]
    rows: set[int] = set(range(len(frame))) if rules else set()
    schema = pa.DataFrameSchema({name: _column(column) for name, column in present.items()})
    try:
        schema.validate(frame.reset_index(drop=True), lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        for (name, rule), part in cases.groupby(["column", "check"], sort=True):
            at = {int(place) for place in part["index"].dropna()} or set(range(len(frame)))
            rules.append({"column": str(name), "rule": _plain(str(rule)), "rows": len(at)})
            rows |= at
    return sorted(rules, key=lambda one: (-one["rows"], one["column"])), rows


def _column(column: Column) -> pa.Column:
    import pandera.pandas as pa

    checks = []
    if column.type is not None:
        checks.append(pa.Check(_TYPES[column.type], name=f"is of type {column.type}"))
    if column.range is not None:
        low, high = column.range
        checks.append(pa.Check(_within(low, high), name=f"lies between {low:g} and {high:g}"))
    if column.allowed is not None:
        allowed = list(column.allowed)
        checks.append(pa.Check(lambda s: s.isin(allowed), name=f"is one of {', '.join(map(str, allowed))}"))
    return pa.Column(None, checks=checks, nullable=column.nullable, unique=column.unique)


def _numbers(series: pd.Series) -> pd.Series:
    import pandas as pd

    return pd.to_numeric(series, errors="coerce")


def _within(low: float, high: float) -> Any:
    return lambda s: _numbers(s).between(low, high)


def _is_whole(series: pd.Series) -> pd.Series:
    return _numbers(series) % 1 == 0


def _is_date(series: pd.Series) -> pd.Series:
    import pandas as pd

    return pd.to_datetime(series, errors="coerce", format="ISO8601").notna()


def _is_text(series: pd.Series) -> pd.Series:
    return series.map(lambda value: isinstance(value, str)).astype(bool)


def _is_truth(series: pd.Series) -> pd.Series:
    return series.map(lambda value: str(value).lower() in ("true", "false")).astype(bool)


# A column read from CSV has the type that its text suggests; the contract is about what the values are.
_TYPES: dict[str, Any] = {
    "float": lambda s: _numbers(s).notna(),
    "int": _is_whole,
    "str": _is_text,
    "bool": _is_truth,
    "date": _is_date,
}


def _plain(rule: str) -> str:
    return {"not_nullable": "is never empty", "field_uniqueness": "is never repeated"}.get(rule, rule)
