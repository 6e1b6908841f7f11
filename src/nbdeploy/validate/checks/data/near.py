"""Rows that are the same but for tiny differences: a repeated measurement, a copy with a rounded number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.validate.checks.columns import finite_floats, levels, numeric
from nbdeploy.validate.checks.row_keys import row_keys
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import EXACT, rate_difference_interval, rate_interval
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

NEAR = 0.01
"""Largest difference of a number, in standard deviations of its column, for two rows to count as nearly the same."""

NOTICEABLE = 0.01
"""Share of near leakage from which on, where it is above the usual, rows are said to be copies."""

_ASKED = 4000


def near_duplicates(context: Context) -> Shown:
    """Record the share of rows with a near twin among the evaluated rows, and among the training rows.

    Near twins are equal in every input that is no quantity and differ by at most a hundredth of a spread in every
    quantity, without being equal in all columns: those are counted as duplicates and leakage. What is usual is told by
    training rows that have a near twin in training: where inputs are coarse, some are to be expected.
    """
    names = [name for name in context.features if name in context.data.columns]
    quantities = numeric(context.data, names)
    if not quantities:
        reason = "no input is a quantity: rows are then equal or they are not"
        context.not_available(reason, "near_duplicate_share", "near_leakage")
        return Shown(text=f"Not measured: {reason}.")
    asked = context.sample(_ASKED // 4 if context.draft else _ASKED, "near duplicates")
    within = _twins(asked, context.data, names, quantities, itself=True)
    found = [_record(context, "near_duplicate_share", within, {"sought_among": len(context.data)})]
    train = context.train
    if train is None or not set(names) <= set(train.columns):
        lacks = "the training data lacks columns that the model reads"
        reason = "no training data was given (--train)" if train is None else lacks
        context.not_available(reason, "near_leakage")
        return Shown(table=measured(found), text=f"Not compared with training data: {reason}.")
    across = _twins(asked, train, names, quantities, itself=False)
    some = train.iloc[np.sort(context.rng("training rows").permutation(len(train))[: len(asked)])]
    usual = float(_twins(some, train, names, quantities, itself=True).mean())
    found.append(_record(context, "near_leakage", across, {"usual": usual, "sought_among": len(train)}))
    k, n = int(across.sum()), len(across)
    low, _ = rate_difference_interval(k, n, round(usual * len(some)), len(some), context.objective.level)
    told = f"Among training rows {usual:.1%} have a near twin in training"
    if low > 0 and k / n >= NOTICEABLE:
        return Shown(table=measured(found), text=f"{told}, of the evaluated rows {k / n:.1%}: many are copies.")
    return Shown(table=measured(found), text=f"{told}.")


def _record(context: Context, metric: str, near: NDArray[np.bool_], more: dict[str, Any]) -> Any:
    k, n = int(near.sum()), len(near)
    sampled = n < context.rows
    return context.record(
        metric,
        k / n,
        interval=rate_interval(k, n, context.objective.level) if sampled else None,
        level=context.objective.level if sampled else None,
        method=f"{f'{EXACT}; ' if sampled else ''}numbers within {NEAR:g} spreads, all else "
        f"equal; sought among {more['sought_among']:,} rows",
        n=n,
        denominator=n,
        sample=n,
        data={"near": k, "rows": n, "within": NEAR, **more},
    )


def _twins(
    asked: pd.DataFrame, among: pd.DataFrame, names: Sequence[str], quantities: Sequence[str], *, itself: bool
) -> NDArray[np.bool_]:
    """Return whether each row has a near twin; with `itself` the rows are among the others, each its own neighbour."""
    from scipy.spatial import cKDTree

    first, second = _placed(asked, among, names, quantities)
    tree = cKDTree(second)
    # The farthest of the nearest is kept just beyond the limit, so that a limit met exactly counts.
    apart, _ = tree.query(first, k=[2 if itself else 1], p=np.inf, distance_upper_bound=NEAR * (1 + 1e-9))
    shared = [name for name in asked.columns if name in among.columns]
    keys, others = row_keys(asked, shared), row_keys(among, shared)
    if itself:
        seen, counts = np.unique(others, return_counts=True)
        others = seen[counts > 1]
    return np.asarray(np.isfinite(apart[:, 0]) & ~np.isin(keys, others))


def _placed(
    asked: pd.DataFrame, among: pd.DataFrame, names: Sequence[str], quantities: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Place both in one space: numbers in spreads, and one coordinate that tells apart whatever must be equal."""
    parts: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    absent = [np.zeros((len(frame), len(quantities)), dtype=bool) for frame in (asked, among)]
    for at, name in enumerate(quantities):
        values = [finite_floats(frame[name]) for frame in (asked, among)]
        spread = float(np.nanstd(values[1])) or 1.0
        for mask, column in zip(absent, values, strict=True):
            mask[:, at] = np.isnan(column)
        first, second = (np.where(np.isnan(column), 0, column) / spread for column in values)
        parts.append((first, second))
    rest = [name for name in names if name not in quantities]
    kinds = [_kinds(frame, rest, mask) for frame, mask in zip((asked, among), absent, strict=True)]
    _, codes = np.unique(np.concatenate(kinds), return_inverse=True)
    parts.append((codes[: len(asked)].astype(float), codes[len(asked) :].astype(float)))
    return np.column_stack([a for a, _ in parts]), np.column_stack([b for _, b in parts])


def _kinds(frame: pd.DataFrame, rest: Sequence[str], absent: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return a number for each row that tells apart what must be equal: all kinds, and which numbers are missing."""
    import pandas as pd

    given = {name: levels(frame[name]) for name in rest}
    given |= {f"{at} is missing": pd.Series(absent[:, at], index=frame.index) for at in range(absent.shape[1])}
    return pd.util.hash_pandas_object(pd.DataFrame(given), index=False).to_numpy().astype(np.uint64)
