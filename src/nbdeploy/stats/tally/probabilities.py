"""What a model of several classes gives each of them, against the class that was true: the tally of probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nbdeploy.documents.record import Scalar
from nbdeploy.stats.tally.coding import Coder, combinations, named_groups
from nbdeploy.stats.tally.groups import Grouped, united
from nbdeploy.stats.tally.hashing import row_hashes
from nbdeploy.stats.tally.levels import MISSING, Group, Rows, batches, finite, ordered
from nbdeploy.stats.tally.probability_sums import class_codes, probability_sums
from nbdeploy.stats.tally.score_sums import BINS
from nbdeploy.stats.tally.scores import ScoreTally
from nbdeploy.stats.tally.serial import packed, reading, require, told_groups, unpacked
from nbdeploy.stats.tally.witnesses import Witnesses

_PENDING_SCORES = 1 << 20  # read before parts are merged, of all classes together

_KEPT = ("group", "label", "hashes", "counts", "scores")
_OF_SCORES = ("group", "score", "counts", "losses", "bins")


@dataclass(frozen=True, eq=False)
class ProbabilityTally(Grouped):
    """Scores of each class against the rest, and what is of all classes together.

    Parameters
    ----------
    features, groups
        As in `ClassTally`.
    classes
        Every class that the model gives a score, or that a row has; sorted.
    each
        For each class the tally of its score, rows of that class being the positives.
    losses
        Sums per group of squared error Σ_c (p_c − y_c)², its square, log loss, its square; shape (groups, 4). Infinite
        where scores are no probabilities that sum to 1.
    top
        Rows, those of them that are right, and sum of the greatest score, per group, class of the greatest score and
        bin of it; shape (groups, classes, 10, 3).
    witnesses
        Some rows kept whole: how the scores of classes go together.
    """

    features: tuple[str, ...]
    groups: tuple[Group, ...]
    classes: tuple[Scalar, ...]
    each: tuple[ScoreTally, ...]
    losses: NDArray[np.float64]
    top: NDArray[np.float64]
    witnesses: Witnesses

    @staticmethod
    def from_arrow(
        rows: Rows, *, label: str, scores: Mapping[Scalar, str], features: Sequence[str] = ()
    ) -> ProbabilityTally:
        """Count rows in one pass.

        Parameters
        ----------
        scores
            The column of each class.

        Raises
        ------
        DataError
            A column is not there, a label is missing or has no column, or a score is not a finite number.
        """
        features, classes = tuple(features), ordered(scores)
        total = _nothing(features, classes, label, scores)
        parts: list[ProbabilityTally] = []
        for batch in batches(rows, (*features, label, *scores.values())):
            parts.append(_of_batch(batch, label, scores, classes, features))
            if sum(part.rows for part in parts) * len(classes) > _PENDING_SCORES:
                total, parts = _merged([total, *parts], features), []
        return _merged([total, *parts], features)

    @property
    def rows(self) -> int:
        """Rows counted, of all groups."""
        return self.each[0].rows

    @property
    def sizes(self) -> NDArray[Any]:
        """Rows of each group."""
        return self.each[0].sizes

    @property
    def labelled(self) -> NDArray[np.float64]:
        """Rows of each group and class; shape (groups, classes)."""
        return np.stack([one.bins[:, :, 1].sum(axis=1) for one in self.each], axis=-1)

    def __add__(self, other: ProbabilityTally) -> ProbabilityTally:
        """Merge two tallies over the same features and classes."""
        if (self.features, self.classes) != (other.features, other.classes):
            raise ValueError("tallies of other features or classes cannot be added")
        return _merged([self, other], self.features)

    def __eq__(self, other: object) -> bool:
        """Compare counts exactly and sums to within rounding, as tallies of scores do."""
        return (
            isinstance(other, ProbabilityTally)
            and (self.features, self.groups, self.classes) == (other.features, other.groups, other.classes)
            and self.each == other.each
            and np.allclose(self.losses, other.losses, rtol=1e-9, atol=0)
            and np.allclose(self.top, other.top, rtol=1e-9, atol=0)
            and all(np.array_equal(getattr(self.witnesses, name), getattr(other.witnesses, name)) for name in _KEPT)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays inside: equal by content, not usable as a key

    def to_bytes(self) -> bytes:
        """Return the tally as bytes."""
        about = {
            "features": self.features,
            "groups": self.groups,
            "classes": self.classes,
            "exact": [one.exact for one in self.each],
        }
        arrays = {f"{name}.{at}": getattr(one, name) for at, one in enumerate(self.each) for name in _OF_SCORES}
        kept = {f"kept.{name}": getattr(self.witnesses, name) for name in _KEPT}
        return packed("probabilities", about, arrays | kept | {"losses": self.losses, "top": self.top})

    @staticmethod
    def from_bytes(data: bytes) -> ProbabilityTally:
        """Read a tally back.

        Raises
        ------
        FormatError
            These are not the bytes of one.
        """
        about, arrays = unpacked("probabilities", data)
        with reading():
            features, groups = told_groups(about)
            classes, size = tuple(about["classes"]), len(groups)
            each = []
            for at, exact in enumerate(about["exact"]):
                held = {name: arrays[f"{name}.{at}"] for name in _OF_SCORES}
                inner = {"features": about["features"], "groups": about["groups"], "exact": exact}
                each.append(ScoreTally.from_bytes(packed("scores", inner, held)))
            losses, top = arrays["losses"], arrays["top"]
            witnesses = Witnesses(*(arrays[f"kept.{name}"] for name in _KEPT))
            require(ordered(classes) == classes and len(each) == len(classes) > 0)
            require(losses.shape == (size, 4) and top.shape == (size, len(classes), BINS, 3))
            require(witnesses.scores.shape == (len(witnesses.counts), len(classes)))
            require(all(((part >= 0) & (part < most)).all() for part, most in _indices(witnesses, size, len(classes))))
            return ProbabilityTally(features, groups, classes, tuple(each), losses, top, witnesses)

    def select(self, features: Sequence[str]) -> ProbabilityTally:
        """Return the marginal tally over some of the features; none gives the whole as one group."""
        features = tuple(features)
        return _merged([replace(self, features=features, groups=self.reduced(features))], features)

    def scaled(self, factor: float) -> ProbabilityTally:
        """Return the tally that `factor` times as many rows with the same shares would give (counts as floats)."""
        return replace(
            self,
            each=tuple(one.scaled(factor) for one in self.each),
            losses=self.losses * factor,
            top=self.top * factor,
            witnesses=self.witnesses.scaled(factor),
        )


def _indices(witnesses: Witnesses, groups: int, classes: int) -> tuple[tuple[NDArray[Any], int], ...]:
    return (witnesses.group, groups), (witnesses.label, classes)


def _nothing(
    features: tuple[str, ...], classes: tuple[Scalar, ...], label: str, scores: Mapping[Scalar, str]
) -> ProbabilityTally:
    """Return the tally of no rows."""
    empty = {name: pa.array([], pa.string()) for name in features} | {label: pa.array([], pa.int64())}
    empty |= {column: pa.array([], pa.float64()) for column in scores.values()}
    each = tuple(
        ScoreTally.from_arrow(empty, label=label, score=scores[one], positive=one, features=features) for one in classes
    )
    size = len(each[0].groups)
    top = np.zeros((size, len(classes), BINS, 3))
    return ProbabilityTally(
        features, each[0].groups, classes, each, np.zeros((size, 4)), top, Witnesses.none(len(classes))
    )


def _of_batch(
    batch: pa.RecordBatch,
    label: str,
    columns: Mapping[Scalar, str],
    classes: tuple[Scalar, ...],
    features: tuple[str, ...],
) -> ProbabilityTally:
    grouping = [Coder(feature, MISSING) for feature in features]
    keys, group = combinations([coder.numbered(batch.column(coder.column)) for coder in grouping], batch.num_rows)
    each = tuple(
        ScoreTally.from_arrow(batch, label=label, score=columns[one], positive=one, features=features)
        for one in classes
    )
    groups = each[0].groups
    named = named_groups(grouping, keys)
    group = np.array([groups.index(one) for one in named], np.int64)[group]
    scores = np.column_stack([finite(batch.column(columns[one]), columns[one]) for one in classes])
    truth = class_codes(batch.column(label), label, classes)
    hashes = row_hashes(batch, [label, *(columns[one] for one in classes)])
    kept = Witnesses(group, truth, hashes, np.ones(batch.num_rows), scores).smallest()
    sums = probability_sums(group, truth, scores, len(groups))
    return ProbabilityTally(features, groups, classes, each, *sums, kept)


def _merged(parts: Sequence[ProbabilityTally], features: tuple[str, ...]) -> ProbabilityTally:
    """Return the tally of all parts: groups that are equal become one."""
    groups, to_group = united([part.groups for part in parts], features)
    first = parts[0]
    losses, top = np.zeros((len(groups), 4)), np.zeros((len(groups), *first.top.shape[1:]))
    kept = Witnesses.none(len(first.classes))
    for part, to in zip(parts, to_group, strict=True):
        np.add.at(losses, to, part.losses)
        np.add.at(top, to, part.top)
        kept = kept + part.witnesses.moved(to)
    each = tuple(
        ScoreTally.merged([replace(part.each[at], features=features, groups=part.groups) for part in parts], features)
        for at in range(len(first.classes))
    )
    return ProbabilityTally(features, groups, first.classes, each, losses, top, kept.smallest())
