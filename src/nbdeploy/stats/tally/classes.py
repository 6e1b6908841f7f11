"""Counts per (group, true label, predicted label): the tally of a classifier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.evidence import TallyCell, TallyTable
from nbdeploy.documents.record import Scalar
from nbdeploy.stats.tally.levels import (
    MISSING,
    Coder,
    Codes,
    Group,
    Rows,
    batches,
    combinations,
    group_order,
    ordered,
    sum_by_key,
)

_PENDING_CELLS = 1 << 20  # how many cells of batches may wait before they are added up


@dataclass(frozen=True, eq=False)
class ClassTally:
    """How many rows of each group have this true label and that predicted one.

    Parameters
    ----------
    features
        Names of the columns that make a group; none for the whole.
    groups
        The groups that occur, sorted; a missing value is the level ``(missing)``.
    classes
        Every label that occurs as truth or prediction, sorted.
    counts
        Rows, shape (groups, classes, classes): true label × predicted label. int64, or float64 after `scaled`.
    """

    features: tuple[str, ...]
    groups: tuple[Group, ...]
    classes: tuple[Scalar, ...]
    counts: NDArray[Any]

    @classmethod
    def from_arrow(
        cls,
        rows: Rows,
        *,
        label: str,
        predicted: str,
        features: Sequence[str] = (),
        classes: Iterable[Scalar] | None = None,
    ) -> Self:
        """Count rows in one pass.

        Parameters
        ----------
        classes
            Labels that shall be there even when no row has them.

        Raises
        ------
        DataError
            A column is not there, or a label or prediction is missing.
        """
        features = tuple(features)
        grouping = [Coder(feature, MISSING) for feature in features]
        labels = Coder(label, None)
        for level in classes or ():
            labels.code(level)
        pending: list[tuple[Codes, NDArray[np.int64]]] = []
        waiting = seen = 0
        for batch in batches(rows, (*features, label, predicted)):
            columns = [coder.codes(batch.column(coder.column)) for coder in grouping]
            columns += [labels.codes(batch.column(label)), labels.codes(batch.column(predicted))]
            sizes = [len(coder.levels) for coder in grouping] + [len(labels.levels)] * 2
            pending.append(_count(columns, sizes, batch.num_rows))
            waiting += len(pending[-1][1])
            seen += batch.num_rows
            if waiting > _PENDING_CELLS:
                pending = [_merged(pending, len(features))]
                waiting = len(pending[0][1])
        tally = cls._from_cells(features, grouping, labels, *_merged(pending, len(features)))
        if tally.rows != seen:
            raise AssertionError(f"{seen} rows were read and {tally.rows} counted")
        return tally

    @classmethod
    def _from_cells(
        cls, features: tuple[str, ...], grouping: list[Coder], labels: Coder, keys: Codes, sums: NDArray[np.int64]
    ) -> Self:
        classes = ordered(labels.levels)
        place = {level: index for index, level in enumerate(classes)}
        to_class = np.array([place[level] for level in labels.levels], dtype=np.int64)
        named = [
            tuple(coder.levels[code] for coder, code in zip(grouping, key, strict=True))
            for key in keys[:, : len(features)].tolist()
        ]
        groups = group_order(named) if features else ((),)
        at = {group: index for index, group in enumerate(groups)}
        counts = np.zeros((len(groups), len(classes), len(classes)), dtype=np.int64)
        if len(keys):
            rows = np.array([at[group] for group in named], dtype=np.int64)
            np.add.at(counts, (rows, to_class[keys[:, -2]], to_class[keys[:, -1]]), sums[:, 0])
        return cls(features, groups, classes, counts)

    @property
    def rows(self) -> int:
        """Rows counted, of all groups."""
        return round(float(self.counts.sum()))

    @property
    def sizes(self) -> NDArray[Any]:
        """Rows of each group."""
        return np.asarray(self.counts.sum(axis=(1, 2)))

    def named(self, index: int) -> dict[str, Scalar]:
        """Return a group as {feature: value}."""
        return dict(zip(self.features, self.groups[index], strict=True))

    def __add__(self, other: ClassTally) -> ClassTally:
        """Merge two tallies over the same features: the union of groups and classes, counts added."""
        if self.features != other.features:
            raise ValueError(f"tallies of {self.features} and {other.features} cannot be added")
        classes = ordered((*self.classes, *other.classes))
        groups = group_order((*self.groups, *other.groups))
        counts = np.zeros((len(groups), len(classes), len(classes)), np.result_type(self.counts, other.counts))
        for part in (self, other):
            to_class = [classes.index(level) for level in part.classes]
            to_group = {group: index for index, group in enumerate(groups)}
            where = [to_group[group] for group in part.groups]
            counts[np.ix_(where, to_class, to_class)] += part.counts
        merged = ClassTally(self.features, groups, classes, counts)
        if merged.rows != self.rows + other.rows:
            raise AssertionError("merging tallies lost rows")
        return merged

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ClassTally)
            and (self.features, self.groups, self.classes) == (other.features, other.groups, other.classes)
            and np.array_equal(self.counts, other.counts)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays inside: equal by content, not usable as a key

    def select(self, features: Sequence[str]) -> ClassTally:
        """Return the marginal tally over some of the features; none gives the whole as one group."""
        features = tuple(features)
        at = [self.features.index(feature) for feature in features]
        reduced = [tuple(group[index] for index in at) for group in self.groups]
        groups = group_order(reduced) if features else ((),)
        where = {group: index for index, group in enumerate(groups)}
        counts = np.zeros((len(groups), *self.counts.shape[1:]), self.counts.dtype)
        np.add.at(counts, [where[group] for group in reduced], self.counts)
        return ClassTally(features, groups, self.classes, counts)

    def scaled(self, factor: float) -> ClassTally:
        """Return the tally that `factor` times as many rows with the same shares would give (counts as floats)."""
        return ClassTally(self.features, self.groups, self.classes, self.counts * float(factor))

    def to_table(self, suppress_below: int = 0) -> TallyTable:
        """Return the counts that are not zero as a document; small ones are told as None.

        A single hidden cell could be had by subtraction from `rows`, so the smallest cell that is left is then
        hidden with it.
        """
        cells = [tuple(int(part) for part in cell) for cell in np.argwhere(self.counts)]
        size = {cell: int(self.counts[cell]) for cell in cells}
        hidden = {cell for cell in cells if size[cell] < suppress_below}
        if len(hidden) == 1 and len(cells) > 1:
            hidden.add(min((cell for cell in cells if cell not in hidden), key=lambda cell: size[cell]))
        return TallyTable(
            features=self.features,
            rows=self.rows,
            cells=tuple(
                TallyCell(
                    group=self.named(cell[0]),
                    label=self.classes[cell[1]],
                    predicted=self.classes[cell[2]],
                    n=None if cell in hidden else size[cell],
                )
                for cell in cells
            ),
            suppressed_below=suppress_below,
        )


def _count(columns: list[Codes], sizes: list[int], rows: int) -> tuple[Codes, NDArray[np.int64]]:
    """Return the combinations of codes that occur in one batch, and how often."""
    if not rows:
        return np.empty((0, len(columns)), np.int64), np.empty((0, 1), np.int64)
    found, at = combinations(columns, sizes)
    return found, np.bincount(at, minlength=len(found))[:, None]


def _merged(pending: list[tuple[Codes, NDArray[np.int64]]], features: int) -> tuple[Codes, NDArray[np.int64]]:
    if not pending:
        return np.empty((0, features + 2), np.int64), np.empty((0, 1), np.int64)
    return sum_by_key(np.concatenate([keys for keys, _ in pending]), np.concatenate([sums for _, sums in pending]))
