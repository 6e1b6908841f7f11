"""The plan: which shares of the traffic a version gets, for how long, watched by what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from nbdeploy.documents.gate import Gate
from nbdeploy.documents.objective import Rollout
from nbdeploy.errors import ServiceError

AT_ONCE = ("rolling", "blue-green")


@dataclass(frozen=True)
class Plan:
    """Steps of a rollout.

    Attributes
    ----------
    weights
        Percent of the traffic, rising to 100.
    bake
        How long each step is watched at least, the last one included.
    guardrails
        Conditions on what the version itself answers.
    """

    weights: tuple[float, ...]
    bake: timedelta
    guardrails: Mapping[str, Gate]

    def after(self, weight: float) -> float:
        """Return the next share above `weight`; the last one stays."""
        return next((step for step in self.weights if step > weight), self.weights[-1])


def plan(rollout: Rollout, *, first: bool) -> Plan:
    """Return the plan of a rollout.

    Parameters
    ----------
    first
        Nothing else is live at the endpoint: there is nobody to share the traffic with, so it is given whole at once.

    Raises
    ------
    ServiceError
        The strategy is not available.
    """
    if rollout.strategy not in (*AT_ONCE, "canary"):
        raise ServiceError(
            f"the strategy {rollout.strategy!r} is not available yet",
            next="ask again with --strategy canary or rolling",
        )
    weights = (100.0,) if first or rollout.strategy in AT_ONCE else rollout.steps
    return Plan(weights, timedelta(minutes=rollout.bake_minutes), rollout.guardrails)
