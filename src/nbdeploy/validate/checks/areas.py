"""How well scores tell two kinds of rows apart: the area under the ROC curve of rows at hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.area_intervals import auc_interval
from nbdeploy.stats.ranking import Ranked, delong

_POINTS = 100


@dataclass(frozen=True)
class Separation:
    """Rows of two kinds counted at each distinct score, scores rising."""

    others: NDArray[np.int64]
    wanted: NDArray[np.int64]

    @property
    def area(self) -> Ranked:
        """The area with DeLong's variance."""
        return delong(self.others, self.wanted)

    def interval(self, level: float) -> tuple[tuple[float, float], str]:
        """Return the limits of the area and the name of the method."""
        return auc_interval(self.area, level)

    def curve(self) -> dict[str, list[float]]:
        """Return at most a hundred points of the ROC curve, both ends among them."""
        found = np.append(0, np.cumsum(self.wanted[::-1])) / self.wanted.sum()
        alarms = np.append(0, np.cumsum(self.others[::-1])) / self.others.sum()
        at = np.unique(np.linspace(0, len(found) - 1, _POINTS).round().astype(int))
        return {"false_positive_rate": alarms[at].tolist(), "true_positive_rate": found[at].tolist()}


def separation(wanted: NDArray[np.bool_], scores: NDArray[np.float64]) -> Separation:
    """Count rows by score; `wanted` says which should score higher."""
    levels, codes = np.unique(scores, return_inverse=True)
    return Separation(
        np.bincount(codes[~wanted], minlength=len(levels)), np.bincount(codes[wanted], minlength=len(levels))
    )
