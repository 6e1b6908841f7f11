"""How often each score was given to negatives and to positives: the tally of a scoring model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.record import Scalar
from nbdeploy.stats.tally.coding import Coder, combinations, named_groups
from nbdeploy.stats.tally.levels import MISSING, Group, Rows, batches, finite, group_order

EXACT_SCORES = 1 << 17
"""Distinct scores that are kept as they are; a tally that sees more keeps all of them on the grid."""

GRID = 1 << 16
"""Grid steps per unit of score once there are more distinct scores than are kept."""

BINS = 10
"""Equal-width bins of the reliability curve, cut as scikit-learn's ``calibration_curve`` does: (a, b]."""

_PENDING_ROWS = 1 << 19
_DENSE = 1 << 22  # an array of so many cells is quicker to count into than rows are to sort
_SPARSE = 4  # as is one of so many cells for each row


@dataclass(frozen=True, eq=False)
class ScoreTally:
    """Counts per distinct score, and the sums that losses and calibration need.

    Parameters
    ----------
    features, groups
        As in `ClassTally`.
    group
        Index of the group of each entry, ascending; int64, shape (entries,).
    score
        Score of each entry, ascending within a group; float64, shape (entries,).
    counts
        Negatives and positives with that score; shape (entries, 2).
    losses
        Sums per group of squared error, its square, log loss, its square; shape (groups, 4). Kept apart from the
        entries so that rounding scores to the grid does not touch them. Infinite where a score is no probability.
    bins
        Rows, positives and sum of scores per group and reliability bin; shape (groups, 10, 3).
    exact
        False once the scores were rounded to the grid, which is so exactly when more than `EXACT_SCORES` distinct ones
        came, however the rows were split.
    """

    features: tuple[str, ...]
    groups: tuple[Group, ...]
    group: NDArray[np.int64]
    score: NDArray[np.float64]
    counts: NDArray[Any]
    losses: NDArray[np.float64]
    bins: NDArray[np.float64]
    exact: bool = True

    @staticmethod
    def from_arrow(
        rows: Rows, *, label: str, score: str, positive: Scalar = 1, features: Sequence[str] = ()
    ) -> ScoreTally:
        """Count rows in one pass; every label that is not `positive` is a negative.

        Raises
        ------
        DataError
            A column is not there, a label is missing, or a score is missing or not a finite number.
        """
        features = tuple(features)
        grouping = [Coder(feature, MISSING) for feature in features]
        labels = Coder(label, None)
        wanted = labels.code(positive)
        empty = np.empty(0)
        parts = [_tally((), features, np.empty(0, np.int64), empty, empty.astype(bool))]
        waiting = seen = 0
        for batch in batches(rows, (*features, label, score)):
            columns = [coder.numbered(batch.column(coder.column)) for coder in grouping]
            keys, at = combinations(columns, batch.num_rows)
            groups = named_groups(grouping, keys)
            truth = labels.numbered(batch.column(label))
            is_positive = truth.codes(truth.numbers) == wanted
            parts.append(_tally(groups, features, at, finite(batch.column(score), score), is_positive))
            waiting += batch.num_rows
            seen += batch.num_rows
            if waiting > _PENDING_ROWS:
                parts = [_merged(parts, features)]
                waiting = 0
        tally = _merged(parts, features)
        if tally.rows != seen:
            raise AssertionError(f"{seen} rows were read and {tally.rows} counted")
        return tally

    @property
    def sizes(self) -> NDArray[Any]:
        """Rows of each group."""
        return np.asarray(self.bins[:, :, 0].sum(axis=1).astype(self.counts.dtype))

    @property
    def rows(self) -> int:
        """Rows counted, of all groups."""
        return round(float(self.counts.sum()))

    def named(self, index: int) -> dict[str, Scalar]:
        """Return a group as {feature: value}."""
        return dict(zip(self.features, self.groups[index], strict=True))

    def entries(self, index: int) -> tuple[NDArray[np.float64], NDArray[Any], NDArray[Any]]:
        """Return the scores of one group in rising order, with negatives and positives at each."""
        first, last = np.searchsorted(self.group, [index, index + 1])
        return self.score[first:last], self.counts[first:last, 0], self.counts[first:last, 1]

    def __add__(self, other: ScoreTally) -> ScoreTally:
        """Merge two tallies over the same features."""
        if self.features != other.features:
            raise ValueError(f"tallies of {self.features} and {other.features} cannot be added")
        merged = _merged((self, other), self.features)
        if merged.rows != self.rows + other.rows:
            raise AssertionError("merging tallies lost rows")
        return merged

    def __eq__(self, other: object) -> bool:
        """Compare counts exactly and sums to within rounding, which depends on the order of addition."""
        return (
            isinstance(other, ScoreTally)
            and (self.features, self.groups, self.exact) == (other.features, other.groups, other.exact)
            and np.array_equal(self.group, other.group)
            and np.array_equal(self.score, other.score)
            and np.array_equal(self.counts, other.counts)
            and np.allclose(self.losses, other.losses, rtol=1e-9, atol=0)
            and np.allclose(self.bins, other.bins, rtol=1e-9, atol=0)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays inside: equal by content, not usable as a key

    def select(self, features: Sequence[str]) -> ScoreTally:
        """Return the marginal tally over some of the features; none gives the whole as one group."""
        features = tuple(features)
        at = [self.features.index(feature) for feature in features]
        reduced = tuple(tuple(group[index] for index in at) for group in self.groups)
        return _merged((replace(self, features=features, groups=reduced),), features)

    def scaled(self, factor: float) -> ScoreTally:
        """Return the tally that `factor` times as many rows with the same shares would give (counts as floats)."""
        return replace(self, counts=self.counts * float(factor), losses=self.losses * factor, bins=self.bins * factor)


def _tally(
    groups: tuple[Group, ...],
    features: tuple[str, ...],
    group: NDArray[np.int64],
    score: NDArray[np.float64],
    positive: NDArray[np.bool_],
) -> ScoreTally:
    """Return the tally of one batch, not yet compacted."""
    if not features:
        groups = ((),)
    squared, logarithmic = _losses(score, positive)
    size = len(groups)

    def total(values: NDArray[np.float64], at: NDArray[np.int64], length: int) -> NDArray[np.float64]:
        return np.bincount(at, weights=values, minlength=length).astype(np.float64)

    columns = (squared, squared**2, logarithmic, logarithmic**2)
    at_bin = group * BINS + np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], score)
    in_bins = (np.ones(len(score)), positive.astype(float), score)
    return ScoreTally(
        features,
        groups,
        group,
        score,
        np.column_stack([~positive, positive]).astype(np.int64),
        np.stack([total(values, group, size) for values in columns], axis=-1),
        np.stack([total(values, at_bin, size * BINS).reshape(size, BINS) for values in in_bins], axis=-1),
    )


def _merged(parts: Sequence[ScoreTally], features: tuple[str, ...]) -> ScoreTally:
    """Return the tally of all parts: groups that are equal become one, entries sorted and added up."""
    groups = group_order(group for part in parts for group in part.groups) if features else ((),)
    place = {group: index for index, group in enumerate(groups)}
    to_group = [np.array([place[group] for group in part.groups], dtype=np.int64) for part in parts]
    kind = np.result_type(*(part.counts for part in parts))
    losses = np.zeros((len(groups), 4))
    bins = np.zeros((len(groups), BINS, 3))
    for part, to in zip(parts, to_group, strict=True):
        np.add.at(losses, to, part.losses)
        np.add.at(bins, to, part.bins)
    group = np.concatenate([to[part.group] for part, to in zip(parts, to_group, strict=True)])
    score = np.concatenate([part.score for part in parts])
    counts = np.concatenate([part.counts for part in parts])
    exact = all(part.exact for part in parts)
    levels, at = np.unique(score + 0.0, return_inverse=True) if exact else _on_grid(score)  # + 0.0: −0.0 is 0.0
    if exact and len(levels) > EXACT_SCORES:
        exact = False
        levels, at = _on_grid(score)
    group, at, counts = _added_up(group, at, counts, (len(groups), len(levels)))
    return ScoreTally(features, groups, group, levels[at], counts.astype(kind), losses, bins, exact)


def _on_grid(score: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return grid points that hold all scores, rising, and the place of each score's nearest."""
    steps = np.rint(score * GRID) + 0.0
    low, high = steps.min(), steps.max()
    if high - low <= _DENSE:
        return (low + np.arange(int(high - low) + 1)) / GRID, (steps - low).astype(np.int64)
    levels, at = np.unique(steps, return_inverse=True)
    return levels / GRID, at


def _added_up(
    group: NDArray[np.int64], at: NDArray[np.int64], counts: NDArray[Any], shape: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
    """Return the distinct (group, place) in order with their counts, adding into an array while that is small."""
    flat = group * shape[1] + at
    cells = shape[0] * shape[1]
    if cells <= _DENSE or cells <= _SPARSE * len(flat):
        sums = np.stack([np.bincount(flat, counts[:, side], cells) for side in (0, 1)], axis=-1)
        present = np.flatnonzero(sums.any(axis=1))
        sums = sums[present]
    else:
        order = np.argsort(flat)
        present, starts = np.unique(flat[order], return_index=True)
        sums = np.add.reduceat(counts[order], starts, axis=0)
    found, place = np.divmod(present, shape[1])
    return found, place, sums


def _losses(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return squared error and log loss of each row, infinite where a score is no probability.

    Scores are kept off 0 and 1 by the machine epsilon, as ``sklearn.metrics.log_loss`` does.
    """
    probability = (score >= 0) & (score <= 1)
    given = np.where(positive, score, 1 - score)
    epsilon = np.finfo(np.float64).eps
    logarithmic = -np.log(np.clip(given, epsilon, 1 - epsilon))
    return np.where(probability, (1 - given) ** 2, np.inf), np.where(probability, logarithmic, np.inf)
