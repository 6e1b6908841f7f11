"""Counts per (group, true label, predicted label): the tally of a classifier."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.evidence import TallyCell, TallyTable
from nbdeploy.documents.record import Scalar
from nbdeploy.stats.tally.cells import Cells
from nbdeploy.stats.tally.coding import Coder, Codes
from nbdeploy.stats.tally.groups import Grouped, united
from nbdeploy.stats.tally.levels import (
    MISSING,
    Group,
    Rows,
    ordered,
    same_counts,
    weighted,
    whole,
)
from nbdeploy.stats.tally.serial import packed, reading, require, told_groups, unpacked


@dataclass(frozen=True, eq=False)
class ClassTally(Grouped):
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
        Rows, shape (groups, classes, classes): true label × predicted label. int64; float64 after `scaled` or with
        weights that are no whole numbers.
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
        weight: str | None = None,
    ) -> Self:
        """Count rows in one pass.

        Parameters
        ----------
        classes
            Labels that shall be there even when no row has them.
        weight
            Column that says how many rows each row stands for; one of weight 0 is as if it were not there.

        Raises
        ------
        DataError
            A column is not there, a label or prediction is missing, or a weight is no number of at least 0.
        """
        features = tuple(features)
        grouping = [Coder(feature, MISSING) for feature in features]
        labels = Coder(label, None)
        for level in classes or ():
            labels.code(level)
        cells = Cells(len(features) + 2)
        seen = 0.0
        for batch, given in weighted(rows, (*features, label, predicted), weight):
            columns = [coder.numbered(batch.column(coder.column)) for coder in grouping]
            columns += [labels.numbered(batch.column(label)), labels.numbered(batch.column(predicted))]
            cells.add(columns, given)
            seen += batch.num_rows if given is None else float(given.sum())
        tally = cls._from_cells(features, grouping, labels, *cells.total())
        if not np.isclose(tally.counts.sum(), seen, rtol=1e-9 if weight else 0, atol=0):
            raise AssertionError(f"{seen:.0f} rows were read and {tally.rows} counted")
        return tally

    @classmethod
    def _from_cells(
        cls, features: tuple[str, ...], grouping: list[Coder], labels: Coder, keys: Codes, sums: NDArray[Any]
    ) -> Self:
        classes = ordered(labels.levels)
        place = {level: index for index, level in enumerate(classes)}
        to_class = np.array([place[level] for level in labels.levels], dtype=np.int64)
        named = [
            tuple(coder.levels[code] for coder, code in zip(grouping, key, strict=True))
            for key in keys[:, : len(features)].tolist()
        ]
        groups, (to_group,) = united([named], features)
        counts = np.zeros((len(groups), len(classes), len(classes)), dtype=sums.dtype)
        if len(keys):
            np.add.at(counts, (to_group, to_class[keys[:, -2]], to_class[keys[:, -1]]), sums)
        return cls(features, groups, classes, whole(counts))

    @property
    def rows(self) -> int:
        """Rows counted, of all groups."""
        return round(float(self.counts.sum()))

    @property
    def sizes(self) -> NDArray[Any]:
        """Rows of each group."""
        return np.asarray(self.counts.sum(axis=(1, 2)))

    def __add__(self, other: ClassTally) -> ClassTally:
        """Merge two tallies over the same features: the union of groups and classes, counts added."""
        if self.features != other.features:
            raise ValueError(f"tallies of {self.features} and {other.features} cannot be added")
        classes = ordered((*self.classes, *other.classes))
        groups, to_group = united([self.groups, other.groups], self.features)
        counts = np.zeros((len(groups), len(classes), len(classes)), np.result_type(self.counts, other.counts))
        for part, to in zip((self, other), to_group, strict=True):
            to_class = np.array([classes.index(level) for level in part.classes], dtype=np.int64)
            counts[np.ix_(to, to_class, to_class)] += part.counts
        if not np.isclose(counts.sum(), self.counts.sum() + other.counts.sum(), rtol=1e-9, atol=0):
            raise AssertionError("merging tallies lost rows")
        return ClassTally(self.features, groups, classes, whole(counts))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ClassTally)
            and (self.features, self.groups, self.classes) == (other.features, other.groups, other.classes)
            and same_counts(self.counts, other.counts)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays inside: equal by content, not usable as a key

    def to_bytes(self) -> bytes:
        """Return the tally as bytes."""
        about = {"features": self.features, "groups": self.groups, "classes": self.classes}
        return packed("classes", about, {"counts": self.counts})

    @staticmethod
    def from_bytes(data: bytes) -> ClassTally:
        """Read a tally back.

        Raises
        ------
        FormatError
            These are not the bytes of one.
        """
        about, arrays = unpacked("classes", data)
        with reading():
            features, groups = told_groups(about)
            classes, counts = tuple(about["classes"]), arrays["counts"]
            require(ordered(classes) == classes and counts.shape == (len(groups), len(classes), len(classes)))
            require(bool((counts >= 0).all()))
            return ClassTally(features, groups, classes, counts)

    def select(self, features: Sequence[str]) -> ClassTally:
        """Return the marginal tally over some of the features; none gives the whole as one group."""
        features = tuple(features)
        groups, (to,) = united([self.reduced(features)], features)
        counts = np.zeros((len(groups), *self.counts.shape[1:]), self.counts.dtype)
        np.add.at(counts, to, self.counts)
        return ClassTally(features, groups, self.classes, counts)

    def scaled(self, factor: float) -> ClassTally:
        """Return the tally that `factor` times as many rows with the same shares would give (counts as floats)."""
        return ClassTally(self.features, self.groups, self.classes, self.counts * float(factor))

    def to_table(self, below: int = 0, hidden: Collection[tuple[int, int, int]] = ()) -> TallyTable:
        """Return the counts as a document: those that are not zero, and as None those that are hidden.

        Parameters
        ----------
        below, hidden
            Which cells are hidden, by place, and for what rule; see `suppression.published`.
        """
        cells = sorted({*map(tuple, np.argwhere(self.counts).tolist()), *hidden})
        return TallyTable(
            features=self.features,
            rows=self.rows,
            cells=tuple(
                TallyCell(
                    group=self.named(cell[0]),
                    label=self.classes[cell[1]],
                    predicted=self.classes[cell[2]],
                    n=None if cell in hidden else int(self.counts[cell]),
                )
                for cell in cells
            ),
            suppressed_below=below,
        )
