"""The groups of a tally: one value per feature, in order, whatever is kept of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.record import Scalar
from nbdeploy.stats.tally.levels import Group, group_order


class Grouped:
    """What every tally by groups has.

    Attributes
    ----------
    features
        Names of the columns that make a group; none for the whole.
    groups
        The groups that occur, sorted; a missing value is the level ``(missing)``.
    """

    features: tuple[str, ...]
    groups: tuple[Group, ...]

    def named(self, index: int) -> dict[str, Scalar]:
        """Return a group as {feature: value}."""
        return dict(zip(self.features, self.groups[index], strict=True))

    def reduced(self, features: Sequence[str]) -> tuple[Group, ...]:
        """Return what each group is called by some of the features; several may then be called alike."""
        at = [self.features.index(feature) for feature in features]
        return tuple(tuple(group[index] for index in at) for group in self.groups)


def united(
    parts: Sequence[Sequence[Group]], features: Sequence[str]
) -> tuple[tuple[Group, ...], list[NDArray[np.int64]]]:
    """Return the groups of all parts, sorted, and for each part where its own stand among them.

    Without features there is one group, with or without rows.
    """
    groups = group_order(group for part in parts for group in part) if features else ((),)
    place = {group: index for index, group in enumerate(groups)}
    return groups, [np.array([place[group] for group in part], dtype=np.int64) for part in parts]
