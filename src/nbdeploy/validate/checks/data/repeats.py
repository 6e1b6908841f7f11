"""Rows that stand twice: within the evaluation data, or in it and in the training data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nbdeploy.validate.checks.columns import levels
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd


def duplicates(context: Context) -> Shown:
    """Record the share of rows that repeat an earlier one in every column."""
    keys = _row_keys(context.data, list(context.data.columns))
    repeated = len(keys) - len(np.unique(keys))
    found = context.record(
        "duplicate_share",
        repeated / len(keys) if len(keys) else None,
        n=len(keys),
        denominator=len(keys),
        method="counted in all rows",
        data={"duplicates": repeated},
        undefined=None if len(keys) else "there are no rows",
    )
    return Shown(table=measured([found]))


def leakage(context: Context) -> Shown:
    """Record the share of evaluation rows that also stand in the training data, compared on the columns of both.

    A row that the model has already seen flatters it. Equal rows of different people count too: with few, coarse
    columns some are to be expected.
    """
    if context.train is None:
        context.not_available("no training data was given (--train)", "leakage")
        return Shown(text="Not measured: no training data was given (--train).")
    shared = [name for name in context.data.columns if name in context.train.columns]
    if not set(context.features) <= set(shared):
        context.not_available("the training data lacks columns that the model reads", "leakage")
        return Shown(text="Not measured: the training data lacks columns that the model reads.")
    seen = np.isin(_row_keys(context.data, shared), _row_keys(context.train, shared))
    found = context.record(
        "leakage",
        float(seen.mean()),
        n=len(seen),
        denominator=len(seen),
        method=f"equal in all {len(shared)} columns that both datasets have",
        data={"matches": int(seen.sum()), "train_rows": len(context.train)},
    )
    return Shown(table=measured([found]))


def _row_keys(frame: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.uint64]:
    """Return a 64-bit number per row; numbers are compared as numbers, so that 1 in one file equals 1.0 in another."""
    import pandas as pd
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    comparable = {
        name: frame[name].astype("float64")
        if is_numeric_dtype(frame[name]) and not is_bool_dtype(frame[name])
        else levels(frame[name])
        for name in columns
    }
    return pd.util.hash_pandas_object(pd.DataFrame(comparable), index=False).to_numpy().astype(np.uint64)
