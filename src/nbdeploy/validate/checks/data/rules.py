"""The rules of a contract as pandera checks, and the rows of a part that break them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.objective import Column

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa


def failures(part: pd.DataFrame, declared: Mapping[str, Column]) -> Iterator[tuple[str, str, NDArray[np.int64]]]:
    """Yield column, rule in words and places of the rows that break it; uniqueness needs all rows and is not asked."""
    import pandera.pandas as pa

    schema = pa.DataFrameSchema({name: _column(column) for name, column in declared.items()})
    try:
        schema.validate(part.reset_index(drop=True), lazy=True)
    except pa.errors.SchemaErrors as error:
        for (name, rule), cases in error.failure_cases.groupby(["column", "check"], sort=True):
            at = np.unique(cases["index"].dropna().to_numpy(dtype=np.int64))
            where = at if len(at) else np.arange(len(part))
            yield str(name), {"not_nullable": "is never empty"}.get(str(rule), str(rule)), where


def _column(column: Column) -> pa.Column:
    import pandera.pandas as pa

    checks = []
    if column.type is not None:
        checks.append(pa.Check(_TYPES[column.type], name=f"is of type {column.type}"))
    if column.range is not None:
        low, high = column.range
        checks.append(pa.Check(partial(_within, low=low, high=high), name=f"lies between {low:g} and {high:g}"))
    if column.allowed is not None:
        allowed = list(column.allowed)
        checks.append(pa.Check(partial(_among, allowed=allowed), name=f"is one of {', '.join(map(str, allowed))}"))
    return pa.Column(None, checks=checks, nullable=column.nullable)


def _numbers(series: pd.Series) -> pd.Series:
    import pandas as pd

    return pd.to_numeric(series, errors="coerce")


def _within(series: pd.Series, *, low: float, high: float) -> pd.Series:
    return _numbers(series).between(low, high)


def _among(series: pd.Series, *, allowed: list[Any]) -> pd.Series:
    return series.isin(allowed)


def _is_number(series: pd.Series) -> pd.Series:
    return _numbers(series).notna()


def _is_whole(series: pd.Series) -> pd.Series:
    from pandas.api.types import is_integer_dtype

    if is_integer_dtype(series):
        return series.notna()
    return _numbers(series) % 1 == 0


def _is_date(series: pd.Series) -> pd.Series:
    import pandas as pd

    return pd.to_datetime(series, errors="coerce", format="ISO8601").notna()


def _is_text(series: pd.Series) -> pd.Series:
    import pandas as pd

    if isinstance(series.dtype, pd.StringDtype):
        return series.notna()
    return series.map(lambda value: isinstance(value, str)).astype(bool)


def _is_truth(series: pd.Series) -> pd.Series:
    from pandas.api.types import is_bool_dtype

    if is_bool_dtype(series):
        return series.notna()
    return series.map(lambda value: str(value).lower() in ("true", "false")).astype(bool)


# A column read from CSV has the type that its text suggests; the contract is about what the values are.
_TYPES: dict[str, Any] = {
    "float": _is_number,
    "int": _is_whole,
    "str": _is_text,
    "bool": _is_truth,
    "date": _is_date,
}
