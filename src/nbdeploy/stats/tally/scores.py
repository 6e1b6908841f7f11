"""How often each score was given to negatives and to positives: the tally of a scoring model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.record import Scalar
from nbdeploy.stats.tally.coding import Coder, combinations, named_groups
from nbdeploy.stats.tally.entries import added_up, are_more_than, distinct, on_grid, rising
from nbdeploy.stats.tally.groups import Grouped, united
from nbdeploy.stats.tally.levels import (
    MISSING,
    Group,
    Rows,
    finite,
    same_counts,
    weighted,
    whole,
)
from nbdeploy.stats.tally.score_sums import BINS, score_sums
from nbdeploy.stats.tally.serial import packed, reading, require, told_groups, unpacked

EXACT_SCORES = 1 << 17
"""Distinct scores that are kept as they are; a tally that sees more keeps all of them on the grid."""

GRID_BITS = 16
GRID = 1 << GRID_BITS
"""Grid steps from 0 to 1 once there are more distinct scores than are kept, and half as many in each doubling above."""

_PENDING_ROWS = 1 << 19

_ARRAYS = ("group", "score", "counts", "losses", "bins")


@dataclass(frozen=True, eq=False)
class ScoreTally(Grouped):
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
        Negatives and positives with that score; shape (entries, 2). int64; float64 after `scaled` or with weights that
        are no whole numbers.
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
        rows: Rows,
        *,
        label: str,
        score: str,
        positive: Scalar = 1,
        features: Sequence[str] = (),
        weight: str | None = None,
    ) -> ScoreTally:
        """Count rows in one pass; every label that is not `positive` is a negative.

        Parameters
        ----------
        weight
            As in `ClassTally.from_arrow`.

        Raises
        ------
        DataError
            A column is not there, a label is missing, a score is missing or not a finite number, or a weight is no
            number of at least 0.
        """
        features = tuple(features)
        grouping = [Coder(feature, MISSING) for feature in features]
        labels = Coder(label, None)
        wanted = labels.code(positive)
        parts: list[ScoreTally] = []
        waiting, seen = 0, 0.0
        for batch, given in weighted(rows, (*features, label, score), weight):
            count = np.ones(batch.num_rows) if given is None else given
            columns = [coder.numbered(batch.column(coder.column)) for coder in grouping]
            keys, at = combinations(columns, batch.num_rows)
            truth = labels.numbered(batch.column(label))
            is_positive = truth.codes(truth.numbers) == wanted
            found = finite(batch.column(score), score)
            sides = np.column_stack([~is_positive * count, is_positive * count])
            sums = score_sums(at, found, sides, len(keys))
            parts.append(ScoreTally(features, named_groups(grouping, keys), at, found, sides, *sums))
            waiting += batch.num_rows
            seen += float(count.sum())
            if waiting > _PENDING_ROWS:
                parts = [_merged(parts, features)]
                waiting = 0
        tally = _merged(parts, features)
        if not np.isclose(tally.counts.sum(), seen, rtol=1e-9 if weight else 0, atol=0):
            raise AssertionError(f"{seen:.0f} rows were read and {tally.rows} counted")
        return tally

    @staticmethod
    def merged(parts: Sequence[ScoreTally], features: tuple[str, ...]) -> ScoreTally:
        """Return the tally of all parts, each over these features: quicker than adding one after the other."""
        return _merged(parts, features)

    @property
    def sizes(self) -> NDArray[Any]:
        """Rows of each group."""
        return whole(self.bins[:, :, 0].sum(axis=1))

    @property
    def rows(self) -> int:
        """Rows counted, of all groups."""
        return round(float(self.counts.sum()))

    def entries(self, index: int) -> tuple[NDArray[np.float64], NDArray[Any], NDArray[Any]]:
        """Return the scores of one group in rising order, with negatives and positives at each."""
        first, last = np.searchsorted(self.group, [index, index + 1])
        return self.score[first:last], self.counts[first:last, 0], self.counts[first:last, 1]

    def __add__(self, other: ScoreTally) -> ScoreTally:
        """Merge two tallies over the same features."""
        if self.features != other.features:
            raise ValueError(f"tallies of {self.features} and {other.features} cannot be added")
        merged = _merged((self, other), self.features)
        if not np.isclose(merged.counts.sum(), self.counts.sum() + other.counts.sum(), rtol=1e-9, atol=0):
            raise AssertionError("merging tallies lost rows")
        return merged

    def __eq__(self, other: object) -> bool:
        """Compare counts exactly and sums to within rounding, which depends on the order of addition."""
        return (
            isinstance(other, ScoreTally)
            and (self.features, self.groups, self.exact) == (other.features, other.groups, other.exact)
            and np.array_equal(self.group, other.group)
            and np.array_equal(self.score, other.score)
            and same_counts(self.counts, other.counts)
            and np.allclose(self.losses, other.losses, rtol=1e-9, atol=0)
            and np.allclose(self.bins, other.bins, rtol=1e-9, atol=0)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays inside: equal by content, not usable as a key

    def to_bytes(self) -> bytes:
        """Return the tally as bytes."""
        about = {"features": self.features, "groups": self.groups, "exact": self.exact}
        return packed("scores", about, {name: getattr(self, name) for name in _ARRAYS})

    @staticmethod
    def from_bytes(data: bytes) -> ScoreTally:
        """Read a tally back.

        Raises
        ------
        FormatError
            These are not the bytes of one.
        """
        about, arrays = unpacked("scores", data)
        with reading():
            features, groups = told_groups(about)
            group, score, counts, losses, bins = (arrays[name] for name in _ARRAYS)
            size = len(groups)
            require(group.shape == score.shape == (len(counts),) and counts.shape[1:] == (2,))
            require(losses.shape == (size, 4) and bins.shape == (size, BINS, 3))
            require(rising(group, score, size) and bool((counts >= 0).all()))
            return ScoreTally(features, groups, group, score, counts, losses, bins, bool(about["exact"]))

    def select(self, features: Sequence[str]) -> ScoreTally:
        """Return the marginal tally over some of the features; none gives the whole as one group."""
        features = tuple(features)
        return _merged((replace(self, features=features, groups=self.reduced(features)),), features)

    def scaled(self, factor: float) -> ScoreTally:
        """Return the tally that `factor` times as many rows with the same shares would give (counts as floats)."""
        return replace(self, counts=self.counts * float(factor), losses=self.losses * factor, bins=self.bins * factor)


def _merged(parts: Sequence[ScoreTally], features: tuple[str, ...]) -> ScoreTally:
    """Return the tally of all parts: groups that are equal become one, entries sorted and added up."""
    groups, to_group = united([part.groups for part in parts], features)
    losses = np.zeros((len(groups), 4))
    bins = np.zeros((len(groups), BINS, 3))
    for part, to in zip(parts, to_group, strict=True):
        np.add.at(losses, to, part.losses)
        np.add.at(bins, to, part.bins)
    group = np.concatenate([np.empty(0, np.int64), *(to[part.group] for part, to in zip(parts, to_group, strict=True))])
    score = np.concatenate([np.empty(0), *(part.score for part in parts)])
    counts = np.concatenate([np.empty((0, 2)), *(part.counts for part in parts)])
    exact = all(part.exact for part in parts) and not are_more_than(EXACT_SCORES, score)
    levels, at = distinct(score if exact else on_grid(score, GRID_BITS, unit=True))
    group, score, counts = added_up(group, levels, at, counts)
    return ScoreTally(features, groups, group, score, whole(counts), losses, bins, exact)
