"""Where versions run. A target starts and stops them, shares out the traffic and says what it saw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from nbdeploy.documents.objective import Objective
from nbdeploy.documents.release import Observations


class Target(Protocol):
    """What the controller asks of a place where models run. Releases are named by their request."""

    def start(self, request: str, *, folder: Path, version: str, objective: Objective) -> None:
        """Make a version ready, without traffic; returns when it can answer.

        Raises
        ------
        ModelError
            It does not load.
        """

    def running(self, request: str) -> bool:
        """Whether the version was started and not stopped."""

    def direct(
        self, address: str, *, endpoint: str, environment: str, weights: Sequence[tuple[str, float]], reason: str
    ) -> None:
        """Give each release its share (percent); no request is lost by the change."""

    def stop(self, request: str) -> None:
        """End a version once it has answered what it was asked."""

    def observations(self, address: str) -> Observations:
        """What each version at an endpoint answered since it was started."""
