"""How sure the ranks of features by importance are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nbdeploy.stats.binomial import normal_quantile, shared_level
from nbdeploy.validate.checks.explainability.importance import Importance


@dataclass(frozen=True)
class Rank:
    """A feature's place by importance, 1 the most important, with the places that the data leave possible.

    `least` and `most` are limits of the importance that hold together over all features.
    """

    place: int
    first: int
    last: int
    least: float
    most: float

    def surely_within(self, n: int) -> bool:
        """Whether it is of importance, and among the top `n`, wherever all importances lie within their limits."""
        return self.last <= n and self.least > 0

    def maybe_within(self, n: int) -> bool:
        """Whether it may be."""
        return self.first <= n and self.most > 0


def ranks(features: Sequence[Importance], level: float) -> dict[str, Rank]:
    """Return the rank of every feature, most important first, with limits that hold for all of them at once.

    A feature is surely above another where its whole interval is: of intervals that hold together (Bonferroni), ranks
    hold together too (Goldstein and Spiegelhalter 1996; Mogstad, Romano, Shaikh and Wilhelm 2024).

    Parameters
    ----------
    features
        Most important first, each with the limits of its importance at `level`.
    level
        Of those limits, and of all ranks together.
    """
    wider = normal_quantile(shared_level(level, len(features))) / normal_quantile(level)
    least = np.array([one.mean - wider * (one.mean - one.low) for one in features])
    most = np.array([one.mean + wider * (one.high - one.mean) for one in features])
    return {
        one.feature: Rank(
            place=at + 1,
            first=1 + int((least > most[at]).sum()),
            last=len(features) - int((most < least[at]).sum()),
            least=float(least[at]),
            most=float(most[at]),
        )
        for at, one in enumerate(features)
    }
