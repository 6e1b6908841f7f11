"""Shapley values of any model by sampled orders of its features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

_ROWS_AT_ONCE = 40_000


def sampled_shares(
    ask: Callable[[Matrix], Matrix], rows: Matrix, behind: Matrix, orders: NDArray[np.int64]
) -> tuple[Matrix, float]:
    """Return Shapley values by permutation sampling (Castro, Gómez and Tejada 2009), absent features from `behind`.

    Whatever the orders, a row's values and the base add up to its answer. With every order of the features they are
    exact. Each order is also walked backwards, which takes interactions of two features fully into account.

    Parameters
    ----------
    ask
        Gives one number for each of many coded rows.
    rows
        Shape (rows, features).
    behind
        Shape (background rows, features); an absent feature is averaged over them.
    orders
        Shape (orders, features), each a permutation of the features' places.

    Returns
    -------
    tuple
        Values of shape (rows, features), and the mean answer to `behind`.
    """
    walked = np.concatenate([orders, orders[:, ::-1]])
    shares = np.zeros(rows.shape)
    base = float(ask(behind).mean())
    steps = rows.shape[1] + 1
    size = max(1, _ROWS_AT_ONCE // (steps * len(behind)))
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        for order in walked:
            present = np.zeros((steps, rows.shape[1]), dtype=bool)
            for step, place in enumerate(order, 1):
                present[step:, place] = True
            mixed = np.where(present[None, :, None, :], part[:, None, None, :], behind[None, None, :, :])
            given = ask(mixed.reshape(-1, rows.shape[1])).reshape(len(part), steps, len(behind)).mean(axis=2)
            shares[start : start + size, order] += np.diff(given, axis=1)
    return shares / len(walked), base
