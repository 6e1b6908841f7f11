"""The objective: what must hold, for whom, and who says so. Fixed before any result is seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import combinations
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from nbdeploy.documents.costs import Costs
from nbdeploy.documents.gate import Gate
from nbdeploy.documents.record import Document, Record, Scalar
from nbdeploy.documents.sections import SECTIONS, Section

RiskTier = Literal["low", "medium", "high"]
RISK_TIERS: tuple[RiskTier, ...] = ("low", "medium", "high")
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
Name = Annotated[str, Field(pattern=NAME)]


class Goal(Record):
    """Why the model exists, in words of the business and of its users."""

    business: str | None = None
    ai: str | None = None
    owner: str | None = None
    intended_use: str | None = None
    out_of_scope: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    affected: tuple[str, ...] = ()


class Kpi(Record):
    """A business figure with where it stands, where it must go, by when, and who measures it how."""

    name: str
    now: float | str | None = None
    target: float | str | None = None
    by: date | None = None
    measured: str | None = None


class Column(Record):
    """What every value of a column must satisfy, at validation and at serving."""

    type: Literal["float", "int", "str", "bool", "date"] | None = None
    range: tuple[float, float] | None = None
    allowed: tuple[Scalar, ...] | None = None
    nullable: bool = True
    unique: bool = False

    @field_validator("range")
    @classmethod
    def _range(cls, given: tuple[float, float] | None) -> tuple[float, float] | None:
        if given is not None and not given[0] <= given[1]:
            raise ValueError(f"{list(given)} is no range: its first value is above its second")
        return given


class Rollout(Record):
    """How a version gets to users."""

    strategy: Literal["rolling", "blue-green", "canary", "shadow", "ab"] = "canary"
    steps: tuple[float, ...] = (5, 25, 50, 100)
    bake_minutes: float = Field(default=30, ge=0)
    guardrails: dict[str, Gate] = Field(default_factory=lambda: {"error_rate": Gate.model_validate("<= 0.01")})

    @field_validator("steps")
    @classmethod
    def _steps(cls, steps: tuple[float, ...]) -> tuple[float, ...]:
        if not steps or list(steps) != sorted(set(steps)) or steps[0] <= 0 or steps[-1] != 100:
            raise ValueError("steps are percentages that rise to 100, such as [5, 25, 50, 100]")
        return steps


class Monitor(Record):
    """What must go on holding after the release."""

    drift: dict[str, Gate] = {}
    performance: dict[str, Gate] = {}
    every: str = "1d"
    retrain: str | None = None


class ImpactAudit(Record):
    """Which sensitive features are the categories of a bias audit under New York City's Local Law 144.

    `unknown` are the values that mean an unknown category; a missing value always does.
    """

    sex: str
    race_ethnicity: str
    unknown: tuple[Scalar, ...] = ()


class Regulations(Record):
    """What only people know about regulations: where a document lies that a clause asks for, by the clause's id, and
    which columns an audit is about.
    """

    documents: dict[str, str] = {}
    local_law_144: ImpactAudit | None = None


class Objective(Document):
    """What must hold for one registered model at one endpoint. Only name, task, target and one gate are needed."""

    schema_name: ClassVar[str] = "objective"

    name: Name
    risk_tier: RiskTier = "medium"
    model: Name | None = None
    endpoint: Name | None = None
    goal: Goal = Goal()
    kpis: tuple[Kpi, ...] = ()
    costs: Costs | None = None

    task: Literal["binary", "multiclass", "regression"]
    data_kind: Literal["tabular"] = "tabular"
    target: str
    positive: Scalar | None = None
    favourable: Scalar | None = None
    threshold: float | None = Field(default=None, allow_inf_nan=False)
    predicted: str | None = None
    score: str | None = None
    sensitive: tuple[str, ...] = ()
    control: tuple[str, ...] = ()
    min_group_size: int = Field(default=30, ge=1)
    decide: Literal["interval", "point"] = "interval"
    level: float = Field(default=0.95, gt=0.5, lt=1)

    contract: dict[str, Column] = {}
    gates: dict[Section, dict[str, Gate]]
    rollout: Rollout = Rollout()
    monitor: Monitor = Monitor()
    regulations: Regulations = Regulations()
    examples: Literal["aggregate", "consented"] = "aggregate"

    @model_validator(mode="after")
    def _check(self) -> Objective:
        if not any(self.gates.values()):
            raise ValueError("gates: at least one gate is needed")
        for listed, label in ((self.sensitive, "sensitive"), (self.control, "control")):
            if len(set(listed)) != len(listed):
                raise ValueError(f"{label}: a feature stands twice")
            if self.target in listed:
                raise ValueError(f"{label}: {self.target!r} is the target")
        audit = self.regulations.local_law_144
        if audit is not None and (
            audit.sex == audit.race_ethnicity or not {audit.sex, audit.race_ethnicity} <= {*self.sensitive}
        ):
            raise ValueError("regulations.local_law_144: sex and race_ethnicity name two of the sensitive features")
        if self.predicted is not None and self.threshold is not None:
            raise ValueError("give a threshold for scores or `predicted` for ready decisions, not both")
        wrong = self.costs.fits(self.task) if self.costs is not None else ""
        if wrong:
            raise ValueError(f"costs: {wrong}")
        return self

    @property
    def governed_model(self) -> str:
        """The registered model that this objective governs."""
        return self.model or self.name

    @property
    def served_at(self) -> str:
        """The endpoint that serves it."""
        return self.endpoint or self.name

    @property
    def positive_class(self) -> Scalar:
        """The class that rates are of; 1 unless declared."""
        return 1 if self.positive is None else self.positive

    @property
    def favourable_class(self) -> Scalar:
        """The outcome that is good for the person concerned; the positive class unless declared."""
        return self.positive_class if self.favourable is None else self.favourable

    @property
    def decision_threshold(self) -> float:
        """Scores at or above it are positive decisions; 0.5 unless declared."""
        return 0.5 if self.threshold is None else self.threshold

    @property
    def partitions(self) -> tuple[tuple[str, ...], ...]:
        """Every sensitive feature singly, then every crossing, in declared order."""
        return tuple(
            combo for size in range(1, len(self.sensitive) + 1) for combo in combinations(self.sensitive, size)
        )

    def each_gate(self) -> Iterator[tuple[Section, str, Gate]]:
        """Yield (section, measure, gate) in the order of the flow's sections."""
        for section in SECTIONS:
            for measure, gate in self.gates.get(section, {}).items():
                yield section, measure, gate
