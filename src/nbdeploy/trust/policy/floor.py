"""The floor of a policy: what an objective may exceed and never undercut. `nbdeploy.trust.floor` compares."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nbdeploy.documents.costs import Costs
from nbdeploy.documents.gate import Gate
from nbdeploy.documents.objective import Column, ImpactAudit
from nbdeploy.documents.record import Record, Scalar
from nbdeploy.documents.sections import Section


class RolloutFloor(Record):
    """How carefully a version must get to users.

    Attributes
    ----------
    strategies
        Those that may be chosen; None for any.
    min_bake_minutes
        How long each step is watched at least.
    max_first_step
        The largest share of traffic, in percent, that the first step may have.
    guardrails
        Conditions that must be watched during the rollout.
    """

    strategies: tuple[str, ...] | None = None
    min_bake_minutes: float | None = Field(default=None, ge=0)
    max_first_step: float | None = Field(default=None, gt=0, le=100)
    guardrails: dict[str, Gate] = {}


class MonitorFloor(Record):
    """What must go on being watched after the release; `max_every` is the longest time between two looks (``1d``)."""

    drift: dict[str, Gate] = {}
    performance: dict[str, Gate] = {}
    max_every: str | None = Field(default=None, pattern=r"^[0-9]+[mhdw]$")


class Floor(Record):
    """What an objective may exceed and never undercut.

    Attributes
    ----------
    sensitive
        Features that every objective must look at.
    max_min_group_size
        The largest minimum group size: a larger one leaves more groups unjudged.
    decide
        ``interval`` refuses decisions by the point alone.
    min_level, max_level
        A lower level makes intervals short, so that little evidence passes. A very high one makes them so wide that
        nothing fails: what would have to be waived then only needs to be acknowledged.
    sections
        Sections of which at least one gate must be declared.
    gates
        Conditions that must be declared at least as strictly.
    target, task, positive, favourable
        Pinned: an objective that turns them round measures something else.
    threshold
        Where the decision threshold may lie.
    control
        The only features that an objective may condition on; None for any, an empty list for none.
    costs
        Pinned, because a gate on costs is worth as much as they are.
    contract
        What columns must satisfy at least.
    local_law_144
        The categories of a bias audit, and the only values that may count as unknown.
    examples
        ``aggregate`` keeps single rows out of every card.
    rollout, monitor
        What must be done after the approval.
    """

    sensitive: tuple[str, ...] = ()
    max_min_group_size: int | None = Field(default=None, ge=1)
    decide: Literal["interval", "point"] | None = None
    min_level: float | None = Field(default=None, gt=0.5, lt=1)
    max_level: float | None = Field(default=None, gt=0.5, lt=1)
    sections: tuple[Section, ...] = ()
    gates: dict[Section, dict[str, Gate]] = {}
    target: str | None = None
    task: Literal["binary", "multiclass", "regression"] | None = None
    positive: Scalar | None = None
    favourable: Scalar | None = None
    threshold: Gate | None = None
    control: tuple[str, ...] | None = None
    costs: Costs | None = None
    contract: dict[str, Column] = {}
    local_law_144: ImpactAudit | None = None
    examples: Literal["aggregate"] | None = None
    rollout: RolloutFloor = RolloutFloor()
    monitor: MonitorFloor = MonitorFloor()
