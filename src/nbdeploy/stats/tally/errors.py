"""Moments of error and truth, and quantiles of the error: the tally of a regression."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbdeploy.documents.evidence import ErrorCell, ErrorTable
from nbdeploy.stats.tally.coding import Coder, combinations, named_groups
from nbdeploy.stats.tally.entries import added_up, are_more_than, distinct, on_grid, rising
from nbdeploy.stats.tally.groups import Grouped, united
from nbdeploy.stats.tally.levels import MISSING, Group, Rows, finite, same_counts, weighted, whole
from nbdeploy.stats.tally.moments import ERROR_SUMS, added_moments, moments
from nbdeploy.stats.tally.serial import packed, reading, require, told_groups, unpacked

EXACT_ERRORS = 1 << 16
"""Distinct errors that are kept as they are; a tally that sees more keeps all of them on the grid."""

GRID_BITS = 10
"""Binary digits of an error on the grid, so that a quantile is off by at most a thousandth of itself.

Taken instead of a KLL sketch, which would be as large and off by 0.1 to 0.2 % of the rows, and draws at random: it
answers differently each time and for each split of the rows. This is the grid of DDSketch (Masson, Rim and Lee 2019).
"""

_PENDING_ROWS = 1 << 19
_ARRAYS = ("errors", "centre", "spread", "group", "error", "counts")


@dataclass(frozen=True, eq=False)
class ErrorTally(Grouped):
    """Sums per group from which mean errors, R² and their uncertainty follow.

    Parameters
    ----------
    features, groups
        As in `ClassTally`.
    errors
        Sums named in `ERROR_SUMS`; shape (groups, 5).
    centre
        Mean of the truth y per group; shape (groups,).
    spread
        Sums of (y − centre)^a · e^b; shape (groups, 5, 2), a = 0…4 by b = 0 or 2. About the mean and merged about the
        mean (Chan, Golub and LeVeque 1983; Pébay 2008), because raw powers of a large y lose all digits.
    group, error, counts
        Index of the group, error and rows of each entry, ascending by group and error; shape (entries,).
    exact
        False once errors were rounded to the grid, which is so exactly when more than `EXACT_ERRORS` distinct ones
        came, however the rows were split. The sums are exact either way.
    """

    features: tuple[str, ...]
    groups: tuple[Group, ...]
    errors: NDArray[np.float64]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    group: NDArray[np.int64]
    error: NDArray[np.float64]
    counts: NDArray[Any]
    exact: bool = True

    @staticmethod
    def from_arrow(
        rows: Rows, *, label: str, predicted: str, features: Sequence[str] = (), weight: str | None = None
    ) -> ErrorTally:
        """Add up rows in one pass.

        Parameters
        ----------
        weight
            As in `ClassTally.from_arrow`.

        Raises
        ------
        DataError
            A column is not there, a truth or prediction is missing or not a finite number, or a weight is no number of
            at least 0.
        """
        features = tuple(features)
        grouping = [Coder(feature, MISSING) for feature in features]
        parts: list[ErrorTally] = []
        waiting = 0
        for batch, given in weighted(rows, (*features, label, predicted), weight):
            columns = [coder.numbered(batch.column(coder.column)) for coder in grouping]
            keys, at = combinations(columns, batch.num_rows)
            count = np.ones(batch.num_rows) if given is None else given
            truth = finite(batch.column(label), label)
            error = finite(batch.column(predicted), predicted) - truth
            sums = moments(at, truth, error, count, len(keys))
            parts.append(ErrorTally(features, named_groups(grouping, keys), *sums, at, error, count))
            waiting += batch.num_rows
            if waiting > _PENDING_ROWS:
                parts = [_merged(parts, features)]
                waiting = 0
        return _merged(parts, features)

    @property
    def sizes(self) -> NDArray[np.float64]:
        """Rows of each group."""
        return self.errors[:, 0]

    @property
    def rows(self) -> int:
        """Rows counted, of all groups."""
        return round(float(self.errors[:, 0].sum()))

    def __add__(self, other: ErrorTally) -> ErrorTally:
        """Merge two tallies over the same features."""
        if self.features != other.features:
            raise ValueError(f"tallies of {self.features} and {other.features} cannot be added")
        return _merged((self, other), self.features)

    def __eq__(self, other: object) -> bool:
        """Compare to within rounding, which depends on the order of addition."""
        return (
            isinstance(other, ErrorTally)
            and (self.features, self.groups, self.exact) == (other.features, other.groups, other.exact)
            and np.array_equal(self.group, other.group)
            and np.array_equal(self.error, other.error)
            and same_counts(self.counts, other.counts)
            and all(
                np.allclose(mine, theirs, rtol=1e-9, atol=1e-9 * float(np.abs(theirs).max(initial=0)))
                for mine, theirs in (
                    (self.errors, other.errors),
                    (self.centre, other.centre),
                    (self.spread, other.spread),
                )
            )
        )

    __hash__ = None  # type: ignore[assignment]  # arrays inside: equal by content, not usable as a key

    def select(self, features: Sequence[str]) -> ErrorTally:
        """Return the marginal tally over some of the features; none gives the whole as one group."""
        features = tuple(features)
        return _merged((replace(self, features=features, groups=self.reduced(features)),), features)

    def scaled(self, factor: float) -> ErrorTally:
        """Return the tally that `factor` times as many rows with the same shares would give."""
        return replace(
            self, errors=self.errors * factor, spread=self.spread * factor, counts=self.counts * float(factor)
        )

    def to_table(self, below: int = 0, hidden: Collection[int] = ()) -> ErrorTable:
        """Return the moments of each group as a document, without those of the groups that are hidden.

        Parameters
        ----------
        below, hidden
            Which groups are hidden, by index, and for what rule; see `suppression.published_errors`.
        """
        sums = self.errors / np.maximum(self.errors[:, :1], 1)
        variance = self.spread[:, 2, 0] / np.maximum(self.sizes, 1)
        told = np.column_stack([sums[:, 1:4], self.centre, variance]).tolist()
        return ErrorTable(
            features=self.features,
            rows=self.rows,
            cells=tuple(
                ErrorCell(group=self.named(index), n=None)
                if index in hidden
                else ErrorCell(
                    group=self.named(index),
                    n=round(self.sizes[index]),
                    mean_error=told[index][0],
                    mean_absolute_error=told[index][1],
                    mean_squared_error=told[index][2],
                    mean_label=told[index][3],
                    label_variance=told[index][4],
                )
                for index in range(len(self.groups))
            ),
            suppressed_below=below,
        )

    def quantiles(self, index: int, shares: ArrayLike) -> tuple[NDArray[np.float64], ...]:
        """Return the smallest errors of a group that at least these shares of its rows do not exceed.

        Returns
        -------
        values, low, high
            The quantiles, and between what they lie: the same three times while `exact`, else within the rounding of
            the grid. NaN without rows. How far another sample's quantiles would lie is not in this: take the
            quantiles of the shares that the order statistics have as limits.
        """
        wanted = np.atleast_1d(np.asarray(shares, dtype=np.float64))
        first, last = np.searchsorted(self.group, [index, index + 1])
        error, rows = self.error[first:last], np.cumsum(self.counts[first:last])
        if not len(error):
            return tuple(np.full((3, len(wanted)), np.nan))
        # A share that is k/n on paper may lie above it by a rounding, and would then find the next row.
        at = np.searchsorted(rows, wanted * rows[-1] * (1 - 1e-12))
        values = error[np.minimum(at, len(error) - 1)]
        if self.exact:
            return values, values, values
        half = np.ldexp(0.5, np.frexp(values)[1] - GRID_BITS)
        return values, values - half, values + half

    def to_bytes(self) -> bytes:
        """Return the tally as bytes."""
        about = {"features": self.features, "groups": self.groups, "exact": self.exact}
        return packed("errors", about, {name: getattr(self, name) for name in _ARRAYS})

    @staticmethod
    def from_bytes(data: bytes) -> ErrorTally:
        """Read a tally back.

        Raises
        ------
        FormatError
            These are not the bytes of one.
        """
        about, arrays = unpacked("errors", data)
        with reading():
            features, groups = told_groups(about)
            errors, centre, spread, group, error, counts = (arrays[name] for name in _ARRAYS)
            size = len(groups)
            require(
                errors.shape == (size, len(ERROR_SUMS)) and centre.shape == (size,) and spread.shape == (size, 5, 2)
            )
            require(group.shape == error.shape == counts.shape == (len(counts),))
            require(rising(group, error, size) and bool((counts >= 0).all()))
            return ErrorTally(features, groups, errors, centre, spread, group, error, counts, bool(about["exact"]))


def _merged(parts: Sequence[ErrorTally], features: tuple[str, ...]) -> ErrorTally:
    groups, to_group = united([part.groups for part in parts], features)
    sums = added_moments([(part.errors, part.centre, part.spread) for part in parts], to_group, len(groups))
    group = np.concatenate([np.empty(0, np.int64), *(to[part.group] for part, to in zip(parts, to_group, strict=True))])
    error = np.concatenate([np.empty(0), *(part.error for part in parts)])
    counts = np.concatenate([np.empty(0), *(part.counts for part in parts)])
    exact = all(part.exact for part in parts) and not are_more_than(EXACT_ERRORS, error)
    levels, at = distinct(error if exact else on_grid(error, GRID_BITS))
    group, error, rows = added_up(group, levels, at, counts[:, None])
    return ErrorTally(features, groups, *sums, group, error, whole(rows[:, 0]), exact)
