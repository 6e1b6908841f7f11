"""Powers of error and truth, added up group by group and merged about the mean."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

ERROR_SUMS = ("n", "e", "|e|", "e2", "e4")
"""Columns of `ErrorTally.errors`: rows and sums of the error e = prediction − truth, its size and powers."""

Moments: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""`errors`, `centre` and `spread`, as in `ErrorTally`."""


def moments(
    group: NDArray[np.int64],
    truth: NDArray[np.float64],
    error: NDArray[np.float64],
    count: NDArray[np.float64],
    groups: int,
) -> Moments:
    """Return the moments of some rows; each stands for `count` of them, which is more than 0."""

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(group, weights=values * count, minlength=groups).astype(np.float64)

    rows = total(np.ones_like(truth))
    centre = total(truth) / np.maximum(rows, np.finfo(float).tiny)
    away, squared = truth - centre[group], error * error
    errors = [rows, total(error), total(np.abs(error)), total(squared), total(squared * squared)]
    spread, power = [], np.ones_like(truth)
    for _ in range(5):
        spread.append([total(power), total(power * squared)])
        power = power * away
    return np.stack(errors, axis=-1), centre, np.moveaxis(np.array(spread), -1, 0)


def added_moments(parts: Sequence[Moments], to_group: Sequence[NDArray[np.int64]], groups: int) -> Moments:
    """Return the moments of all parts; `to_group` tells which group each of a part's groups is."""
    errors, sums = np.zeros((groups, len(ERROR_SUMS))), np.zeros(groups)
    for (added, centre, _), to in zip(parts, to_group, strict=True):
        np.add.at(errors, to, added)
        np.add.at(sums, to, centre * added[:, 0])
    common = sums / np.maximum(errors[:, 0], np.finfo(float).tiny)
    spread = np.zeros((groups, 5, 2))
    for part, to in zip(parts, to_group, strict=True):
        np.add.at(spread, to, _about(part, common[to]))
    return errors, common, spread


def _about(part: Moments, centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the part's sums about another centre, by the binomial theorem."""
    _, mine, spread = part
    shift = (mine - centre)[:, None]
    moved = np.zeros_like(spread)
    for power in range(5):
        for kept in range(power + 1):
            moved[:, power] += comb(power, kept) * shift ** (power - kept) * spread[:, kept]
    return moved
