"""Rows as numbers, so that equal rows are found without comparing all pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nbdeploy.validate.checks.columns import levels

if TYPE_CHECKING:
    import pandas as pd


def row_keys(frame: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.uint64]:
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
