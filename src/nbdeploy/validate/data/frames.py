"""DataFrames as Arrow tables; a column that cannot be one is refused by its name, with what would make it one."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from nbdeploy.errors import DataError


def frame_table(frame: Any, told: str) -> pa.Table:
    """Return the columns of a pandas DataFrame; its index is none of them.

    Parameters
    ----------
    told
        What sentences call the frame.

    Raises
    ------
    DataError
        A column's name stands twice, or a column holds values of several kinds, intervals, or what no table holds.
    """
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise twice(told, repeated[0])
    for name in frame.columns:
        _refuse_intervals(frame[name], name, told)
    try:
        return pa.Table.from_pandas(_written_out(frame), preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        raise _odd(frame, told) from None


def twice(told: str, name: Any) -> DataError:
    """Return what is said of a column's name that stands twice."""
    return DataError(
        f"{told} has the column {name!r} twice, and nobody could say which of them is meant",
        next="rename one of them, or leave it out",
    )


def _written_out(frame: Any) -> Any:
    """Return the frame with sparse columns written out, and periods as texts: Arrow has neither."""
    kinds = {name: type(frame[name].dtype).__name__ for name in frame.columns}
    odd = {name: kind for name, kind in kinds.items() if kind in ("SparseDtype", "PeriodDtype")}
    if odd:
        frame = frame.copy(deep=False)
        for name, kind in odd.items():
            frame[name] = frame[name].sparse.to_dense() if kind == "SparseDtype" else frame[name].astype("string")
    return frame


def _refuse_intervals(column: Any, name: Any, told: str) -> None:
    """Refuse what ``pd.cut`` makes: no file and no request to an endpoint can bring such a value to a model."""
    kinds = (column.dtype, getattr(getattr(column.dtype, "categories", None), "dtype", None))
    if any(type(kind).__name__ == "IntervalDtype" for kind in kinds):
        raise DataError(
            f"the column {name!r} of {told} holds intervals, which no model can be given once it is served",
            next=f"make texts of them before the model is fitted: df[{name!r}] = df[{name!r}].astype('string')",
        )


def _odd(frame: Any, told: str) -> DataError:
    """Return what is said of the first column that is no Arrow array."""
    for name in frame.columns:
        try:
            pa.Array.from_pandas(frame[name])
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            kinds = sorted({type(value).__name__ for value in frame[name].dropna().head(10_000)})
            held = f"values of several kinds ({', '.join(kinds[:4])})" if len(kinds) > 1 else f"{kinds[0]} values"
            return DataError(
                f"the column {name!r} of {told} holds {held}, which no column of a table can",
                next=f"make one kind of them, such as df[{name!r}] = df[{name!r}].astype('string'), or leave it out",
            )
    return DataError(f"{told} cannot be read as a table", next="look at its dtypes, or give a CSV or Parquet file")
