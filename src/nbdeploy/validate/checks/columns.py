"""Which columns of a dataset are numbers that can move, and which only name kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

FEW_VALUES = 10
"""A whole-number column with at most so many different values is a code (1 = male), not a quantity."""


def numeric(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that hold quantities: numbers, but neither truth values nor codes."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    found = []
    for name in columns:
        column = frame[name]
        if is_numeric_dtype(column) and not is_bool_dtype(column):
            whole = bool((column.dropna() % 1 == 0).all())
            if not (whole and column.nunique() <= FEW_VALUES):
                found.append(name)
    return tuple(found)


def as_floats(column: pd.Series) -> NDArray[np.float64]:
    """Return a numeric column as float64, NaN where a value is missing."""
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def finite_floats(column: pd.Series) -> NDArray[np.float64]:
    """Return a numeric column as float64, NaN where a value is missing or infinite."""
    values = as_floats(column)
    return np.where(np.isfinite(values), values, np.nan)


def levels(column: pd.Series) -> pd.Series:
    """Return a column as texts, ``(missing)`` where a value is missing."""
    return column.astype("string").fillna("(missing)").astype(object)
