"""Quotients that may be undefined."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def divide(top: Any, bottom: Any) -> NDArray[np.float64]:
    """Return the quotient, NaN where the denominator is 0."""
    top, bottom = np.broadcast_arrays(np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64))
    quotient: NDArray[np.float64] = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)
    return quotient
