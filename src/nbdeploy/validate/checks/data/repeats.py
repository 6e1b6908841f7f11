"""Rows that stand twice: within the evaluation data, or in it and in the training data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.record import Interval
from nbdeploy.stats.tally import RepeatTally
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import clustered_rate_interval, rate_difference_interval
from nbdeploy.validate.context import Context

NOTICEABLE = 0.01
"""Share of leaked rows from which on, where it is above the usual, they are said to be copies."""


def duplicates(context: Context) -> Shown:
    """Record the share of rows that repeat an earlier one in every column, and the same in the training data."""
    columns = [str(name) for name in context.data.columns]
    tally = context.repeats("data", columns)
    repeated = tally.repeated()
    found = context.record(
        "duplicate_share",
        repeated.share,
        interval=_interval(tally, tally.counts - 1, context.objective.level),
        level=None if tally.exact else context.objective.level,
        method=_method(tally, "every column"),
        n=context.rows,
        denominator=repeated.n,
        sample=repeated.n,
        data={"duplicates": repeated.found, "rows": repeated.n},
        undefined=None if repeated.n else "there are no rows",
    )
    return Shown(table=measured([found]))


def leakage(context: Context) -> Shown:
    """Record the share of evaluation rows that also stand in the training data, compared on the columns of both.

    A row that the model has already seen flatters it. Equal rows of different people count too: with few, coarse
    columns some are to be expected: as many as training rows that have a twin among the others.
    """
    if context.train is None:
        context.not_available("no training data was given (--train)", "leakage")
        return Shown(text="Not measured: no training data was given (--train).")
    shared = [str(name) for name in context.data.columns if name in context.train.columns]
    if not set(context.features) <= set(shared):
        context.not_available("the training data lacks columns that the model reads", "leakage")
        return Shown(text="Not measured: the training data lacks columns that the model reads.")
    here, seen = context.repeats("data", shared), context.repeats("train", shared)
    matches = here.matches(seen)
    twins, rows = int(seen.counts[seen.counts > 1].sum()), int(seen.counts.sum())
    usual = twins / rows if rows else 0.0
    both = _bounded(here, max(here.halved, seen.halved))
    again = np.isin(both.hashes, seen.hashes)
    found = context.record(
        "leakage",
        matches.share,
        interval=_interval(both, both.counts * again, context.objective.level),
        level=None if matches.exact else context.objective.level,
        n=context.rows,
        denominator=matches.n,
        sample=matches.n,
        method=_method(both, f"all {len(shared)} columns that both datasets have"),
        data={
            "matches": matches.found,
            "rows": matches.n,
            "train_rows": context.count("train"),
            "usual": usual,
        },
    )
    low, _ = rate_difference_interval(matches.found, max(matches.n, 1), twins, max(rows, 1), context.objective.level)
    copied = low > 0 and (matches.share or 0) >= NOTICEABLE
    text = f"{matches.share or 0:.2%} of the rows stand in the training data too, of which {usual:.2%} repeat another"
    why = ": rows were copied from one to the other, or are of the same people." if copied else "."
    return Shown(table=measured([found]), text=text + why)


def _bounded(tally: RepeatTally, halved: int) -> RepeatTally:
    """Return the rows that a bound halved so often keeps, as both of two tallies keep them."""
    kept = tally.hashes <= np.uint64(2 ** (64 - halved) - 1)
    return RepeatTally(halved, tally.hashes[kept], tally.counts[kept])


def _method(tally: RepeatTally, what: str) -> str:
    how = (
        "counted in all rows"
        if tally.exact
        else "sample of distinct rows by hash, Clopper–Pearson at their effective number"
    )
    return f"equal in {what}; {how}"


def _interval(tally: RepeatTally, told: NDArray[np.int64], level: float) -> Interval | None:
    """Return limits of Σ told ÷ Σ rows over the distinct rows kept; None where all were counted."""
    return None if tally.exact else clustered_rate_interval(told, tally.counts, level)
