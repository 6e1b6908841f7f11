"""Rows in the types of a model's signature, where that loses nothing: MLflow's wrapper takes no others.

A file does not tell its types as a model's signature does: 40 in a CSV is a whole number although the model was trained
on 40.0, and a category is a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS: dict[str, Any] = {"double": np.float64, "float": np.float32, "long": np.int64, "integer": np.int32}
_NUMBERS |= {"float64": np.float64, "float32": np.float32, "int64": np.int64, "int32": np.int32}
"""By MLflow's words for columns, and by those for matrices."""


def fitted(rows: pd.DataFrame, types: Sequence[str]) -> pd.DataFrame:
    """Return the rows with each column in its type of the signature; one that would lose something stays as it is.

    Parameters
    ----------
    rows
        The model's inputs.
    types
        One for each column of `rows`, as `Described.types`.
    """
    changed = {
        name: found
        for name, kind in zip(rows.columns, types, strict=True)
        if (found := _fitted(rows[name], kind)) is not None
    }
    return rows.assign(**changed) if changed else rows


def _fitted(column: pd.Series[Any], kind: str) -> Any:
    """Return the column in another type; None where it has that type, or cannot have it."""
    wanted = _NUMBERS.get(kind)
    if kind == "string":
        return column.astype(object) if column.dtype.name == "category" else None
    if wanted is None or column.dtype == wanted or column.dtype.kind not in "iuf":
        return None
    if np.dtype(wanted).kind == "f":
        return column.astype(
            wanted
        )  # MLflow's `float` is what the model computes in: rounding to it is the model's own
    limits = np.iinfo(wanted)
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    whole = np.isfinite(values) & (values == np.round(values)) & (values >= limits.min) & (values < limits.max)
    return column.astype(wanted) if bool(whole.all()) else None
