"""The versions behind an endpoint, each with its share of the traffic and its counts."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from nbdeploy.serve.counts import ArmCounts
from nbdeploy.serve.schema import InputSchema
from nbdeploy.serve.workers import Worker


@dataclass(eq=False)
class ServedVersion:
    """A version that can answer: its worker, its schema and what it answered so far."""

    version: str
    worker: Worker
    schema: InputSchema
    counts: ArmCounts = field(default_factory=ArmCounts)


@dataclass(frozen=True)
class Traffic:
    """Who answers at an endpoint. Without arms, `reason` says why nobody does."""

    endpoint: str
    environment: str
    arms: tuple[tuple[ServedVersion, float], ...] = ()
    reason: str = ""

    def choose(self) -> list[ServedVersion]:
        """Return the arm for a request, drawn by weight, and after it the others that may help out."""
        weighted = [(arm, weight) for arm, weight in self.arms if weight > 0]
        if not weighted:
            return []
        # Drawn, not counted round: versions are compared, and periodic traffic must not meet a periodic choice.
        (first,) = random.choices([arm for arm, _ in weighted], [weight for _, weight in weighted])  # noqa: S311 - no secret
        return [first, *(arm for arm, _ in weighted if arm is not first)]
