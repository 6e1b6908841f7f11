"""The release: how a version gets to users, and what was observed on the way."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from nbdeploy.documents.objective import Rollout
from nbdeploy.documents.record import Document, Number, Record

ReleaseState = Literal[
    "waiting", "verifying", "starting", "rolling", "held", "live", "rolled_back", "refused", "superseded", "withdrawn"
]


class Arm(Record):
    """What one version answered since it was started, as the gateway counted it."""

    version: str
    weight: float
    requests: int = 0
    errors: int = 0
    latency_p50_ms: Number = None
    latency_p95_ms: Number = None


class Observations(Record):
    """The document of the stage *serve*: counts per version at one endpoint."""

    endpoint: str
    at: datetime
    arms: tuple[Arm, ...] = ()


class ReleaseStep(Record):
    """One line of the journal."""

    at: datetime
    state: ReleaseState
    weight: float
    reason: str = ""


class Release(Document):
    """The document of the stage *release*: one version's way to one endpoint."""

    schema_name: ClassVar[str] = "release"

    request: str
    objective: str
    model: str
    version: str
    endpoint: str
    environment: str
    digest: str
    rollout: Rollout
    state: ReleaseState
    weight: float = 0
    previous: str | None = None
    steps: tuple[ReleaseStep, ...] = ()

    @property
    def subject(self) -> str:
        """The version as people write it: ``model/3``."""
        return f"{self.model}/{self.version}"
