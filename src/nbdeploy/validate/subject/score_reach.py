"""Whether the scores that a threshold decides are what it is meant for: a logit is no probability."""

from __future__ import annotations

import math
from typing import Any

import pyarrow.compute as pc

from nbdeploy.documents.objective import Objective
from nbdeploy.errors import DataError

ROUNDING = 1e-6
"""By so much may a probability lie outside of 0 and 1: what is computed in 32 bits has seven digits."""


class Reach:
    """The least and the greatest of the scores that decide."""

    def __init__(self, objective: Objective) -> None:
        margins = objective.score == "decision_function" and objective.threshold is not None
        self._threshold = objective.decision_threshold
        self._asked = objective.task == "binary" and not margins and 0 < self._threshold < 1
        self._low, self._high = math.inf, -math.inf

    def add(self, scores: Any) -> None:
        """Note the scores of one batch; those that are no finite numbers are another rule's."""
        if not self._asked:
            return
        ends = pc.min_max(pc.filter(scores, pc.is_finite(scores)))
        if ends["min"].is_valid:
            self._low, self._high = min(self._low, ends["min"].as_py()), max(self._high, ends["max"].as_py())

    def check(self) -> None:
        """Refuse scores outside of 0 and 1 under a threshold inside, unless the objective says that they are margins.

        Raises
        ------
        DataError
            There are such scores.
        """
        if self._low < -ROUNDING or self._high > 1 + ROUNDING:
            raise DataError(
                f"the scores reach from {self._low:.4g} to {self._high:.4g}, so they are no probabilities, and the "
                f"threshold {self._threshold:g} would decide nothing that it is meant for",
                next="if they are logits, declare `threshold: 0`; else let the model answer with probabilities",
            )
