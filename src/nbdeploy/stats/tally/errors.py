"""Moments of error and truth: the tally of a regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.record import Scalar
from nbdeploy.stats.tally.coding import Coder, combinations, named_groups
from nbdeploy.stats.tally.levels import MISSING, Group, Rows, batches, finite, group_order

ERROR_SUMS = ("n", "e", "|e|", "e2", "e4")
"""Columns of `ErrorTally.errors`: rows and sums of the error e = prediction − truth, its size and powers."""


@dataclass(frozen=True, eq=False)
class ErrorTally:
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
    """

    features: tuple[str, ...]
    groups: tuple[Group, ...]
    errors: NDArray[np.float64]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]

    @staticmethod
    def from_arrow(rows: Rows, *, label: str, predicted: str, features: Sequence[str] = ()) -> ErrorTally:
        """Add up rows in one pass.

        Raises
        ------
        DataError
            A column is not there, or a truth or prediction is missing or not a finite number.
        """
        features = tuple(features)
        grouping = [Coder(feature, MISSING) for feature in features]
        total = _merged((), features)
        for batch in batches(rows, (*features, label, predicted)):
            columns = [coder.numbered(batch.column(coder.column)) for coder in grouping]
            keys, at = combinations(columns, batch.num_rows)
            groups = named_groups(grouping, keys)
            truth = finite(batch.column(label), label)
            part = _moments(features, groups, at, truth, finite(batch.column(predicted), predicted))
            total = _merged((total, part), features)
        return total

    @property
    def sizes(self) -> NDArray[np.float64]:
        """Rows of each group."""
        return self.errors[:, 0]

    @property
    def rows(self) -> int:
        """Rows counted, of all groups."""
        return round(float(self.errors[:, 0].sum()))

    def named(self, index: int) -> dict[str, Scalar]:
        """Return a group as {feature: value}."""
        return dict(zip(self.features, self.groups[index], strict=True))

    def __add__(self, other: ErrorTally) -> ErrorTally:
        """Merge two tallies over the same features."""
        if self.features != other.features:
            raise ValueError(f"tallies of {self.features} and {other.features} cannot be added")
        return _merged((self, other), self.features)

    def __eq__(self, other: object) -> bool:
        """Compare to within rounding, which depends on the order of addition."""
        return (
            isinstance(other, ErrorTally)
            and (self.features, self.groups) == (other.features, other.groups)
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
        at = [self.features.index(feature) for feature in features]
        reduced = tuple(tuple(group[index] for index in at) for group in self.groups)
        return _merged((replace(self, features=features, groups=reduced),), features)

    def scaled(self, factor: float) -> ErrorTally:
        """Return the tally that `factor` times as many rows with the same shares would give."""
        return replace(self, errors=self.errors * factor, spread=self.spread * factor)


def _moments(
    features: tuple[str, ...],
    groups: tuple[Group, ...],
    at: NDArray[np.int64],
    truth: NDArray[np.float64],
    predicted: NDArray[np.float64],
) -> ErrorTally:
    size = len(groups)
    error = predicted - truth

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(at, weights=values, minlength=size).astype(np.float64)

    rows = np.bincount(at, minlength=size).astype(float)
    centre = total(truth) / np.maximum(rows, 1)
    away, squared = truth - centre[at], error * error
    errors = [rows, total(error), total(np.abs(error)), total(squared), total(squared * squared)]
    spread, power = [], np.ones_like(truth)
    for _ in range(5):
        spread.append([total(power), total(power * squared)])
        power = power * away
    return ErrorTally(features, groups, np.stack(errors, axis=-1), centre, np.moveaxis(np.array(spread), -1, 0))


def _merged(parts: Sequence[ErrorTally], features: tuple[str, ...]) -> ErrorTally:
    groups = group_order(group for part in parts for group in part.groups) if features else ((),)
    place = {group: index for index, group in enumerate(groups)}
    to_group = [np.array([place[group] for group in part.groups], dtype=np.int64) for part in parts]
    errors = np.zeros((len(groups), len(ERROR_SUMS)))
    sums = np.zeros(len(groups))
    for part, to in zip(parts, to_group, strict=True):
        np.add.at(errors, to, part.errors)
        np.add.at(sums, to, part.centre * part.errors[:, 0])
    centre = sums / np.maximum(errors[:, 0], np.finfo(float).tiny)
    spread = np.zeros((len(groups), 5, 2))
    for part, to in zip(parts, to_group, strict=True):
        np.add.at(spread, to, _about(part, centre[to]))
    return ErrorTally(features, groups, errors, centre, spread)


def _about(part: ErrorTally, centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the part's sums about another centre, by the binomial theorem."""
    shift = (part.centre - centre)[:, None]
    moved = np.zeros_like(part.spread)
    for power in range(5):
        for kept in range(power + 1):
            moved[:, power] += comb(power, kept) * shift ** (power - kept) * part.spread[:, kept]
    return moved
