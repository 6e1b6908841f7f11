"""The scores of all rows in bins that hide every small count: enough for an auditor to bound AUC and Brier score."""

from __future__ import annotations

import numpy as np

from nbdeploy.documents.evidence import ScoreBin, ScoreTable
from nbdeploy.stats.tally.scores import ScoreTally

MOST_BINS = 200
"""Of about as many rows each. The area under the curve is then known to about one part in four hundred."""


def score_table(tally: ScoreTally, below: int, most: int = MOST_BINS) -> ScoreTable | None:
    """Return the scores of all rows in bins whose counts are 0 or at least `below`.

    Only of all rows together: bins of groups, less those of all, could give a small count away.

    Parameters
    ----------
    tally
        Of whatever features.
    below
        Smaller counts of negatives or positives do not occur in any bin.
    most
        Bins at most, of about as many rows each.

    Returns
    -------
    ScoreTable or None
        None where even one bin would tell a small count.
    """
    if not tally.rows:
        return None
    score, negatives, positives = tally.select(()).entries(0)
    least = max(tally.rows / most, 1)
    bins: list[_Bin] = []
    low, no, yes = 0, 0, 0
    counts = zip(np.rint(negatives).astype(int).tolist(), np.rint(positives).astype(int).tolist(), strict=True)
    for at, (some, more) in enumerate(counts):
        no, yes = no + some, yes + more
        if no + yes >= least and _tells_nobody(no, yes, below):
            bins.append((low, at, no, yes))
            low, no, yes = at + 1, 0, 0
    while low < len(score) and bins:
        first, _, some, more = bins.pop()
        low, no, yes = first, no + some, yes + more
        if _tells_nobody(no, yes, below):
            bins.append((low, len(score) - 1, no, yes))
            low = len(score)
    told = tuple(
        ScoreBin(low=float(score[first]), high=float(score[last]), negatives=no, positives=yes)
        for first, last, no, yes in bins
    )
    return ScoreTable(rows=tally.rows, bins=told, counts_from=below) if told else None


def area_bounds(table: ScoreTable) -> tuple[float, float] | None:
    """Return the least and greatest area under the ROC curve of scores in such bins; None without both classes.

    A pair in one bin may be in the right order, or not: the first bound counts all of them as wrong, the other none.
    """
    negatives, positives = (np.array([getattr(one, side) for one in table.bins], float) for side in _SIDES)
    pairs = negatives.sum() * positives.sum()
    if not pairs:
        return None
    below = np.concatenate([[0.0], np.cumsum(negatives)[:-1]])
    surely = float((positives * below).sum())
    return surely / pairs, (surely + float((positives * negatives).sum())) / pairs


def brier_bounds(table: ScoreTable) -> tuple[float, float]:
    """Return the least and greatest Brier score (Brier 1950) of scores in such bins."""
    low, high = (np.array([getattr(one, end) for one in table.bins]) for end in ("low", "high"))
    negatives, positives = (np.array([getattr(one, side) for one in table.bins], float) for side in _SIDES)
    least = (negatives * low**2 + positives * (1 - high) ** 2).sum()
    most = (negatives * high**2 + positives * (1 - low) ** 2).sum()
    return float(least / table.rows), float(most / table.rows)


_SIDES = ("negatives", "positives")


_Bin = tuple[int, int, int, int]  # places of the lowest and the highest score, negatives, positives


def _tells_nobody(negatives: int, positives: int, below: int) -> bool:
    return all(count == 0 or count >= below for count in (negatives, positives))
