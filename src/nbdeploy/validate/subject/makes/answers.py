"""What a model answered, as arrays by name: frames, mappings, lists of records and bare arrays alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BARE = ""
"""The name of an answer that has none."""


def columns_of(answer: Any, rows: int) -> dict[str, Any]:
    """Return arrays of shape (rows,) or (rows, width) by name.

    An array, a series or a list has the name `BARE`; so has a frame whose columns are only numbered.

    Raises
    ------
    ValueError
        There is not one line for each row, or a line is neither a value nor a list of values.
    """
    import numpy as np
    import pandas as pd

    if isinstance(answer, list) and answer and isinstance(answer[0], Mapping):
        answer = pd.DataFrame(answer)
    if isinstance(answer, pd.DataFrame) and answer.columns.equals(pd.RangeIndex(answer.shape[1])):
        answer = answer.to_numpy()
    named = answer if isinstance(answer, (Mapping, pd.DataFrame)) else {BARE: answer}
    found = {str(name): np.asarray(named[name]) for name in named}
    for name, values in found.items():
        if values.ndim == 2 and values.shape[1] == 1:
            found[name] = values[:, 0]
        elif values.ndim not in (1, 2) or len(values) != rows or 0 in values.shape[1:]:
            raise ValueError(f"the model answers {rows} rows with an array of shape {values.shape}")
    if not found:
        raise ValueError("the model answers with no column at all")
    return found
