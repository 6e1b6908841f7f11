"""The objective: what must hold, for whom, and who says so. Fixed before any result is seen."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date
from itertools import combinations
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from nbdeploy.documents.record import Document, Record, Scalar
from nbdeploy.documents.sections import SECTIONS, Section

RiskTier = Literal["low", "medium", "high"]
RISK_TIERS: tuple[RiskTier, ...] = ("low", "medium", "high")
Operator = Literal[">=", "<=", ">", "<", "==", "between"]
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
Name = Annotated[str, Field(pattern=NAME)]

_CONDITION = re.compile(r"^\s*(>=|<=|==|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*$")


class Gate(Record):
    """One condition on one measure: ``">= 0.75"``, or ``{min:, max:, group:, slice:}``.

    `group` as a text or list names the features whose partition is judged (``sex`` or ``[sex, age_band]``); as a
    mapping it names one group (``{sex: 2}``). `slice` restricts the rows (``age >= 65 and sex == 2``). `features` and
    `n` belong to ``forbidden_in_top``.
    """

    op: Operator
    bound: float | tuple[float, float]
    group: tuple[str, ...] | dict[str, Scalar] | None = None
    slice: str | None = None
    features: tuple[str, ...] | None = None
    n: int | None = Field(default=None, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            raise ValueError(f"write a condition such as '>= {given}' or '<= {given}'")  # noqa: TRY004 - pydantic reads ValueError
        if isinstance(given, str):
            match = _CONDITION.match(given)
            if not match:
                raise ValueError(f"{given!r} is not a condition such as '>= 0.75'")
            return {"op": match[1], "bound": float(match[2])}
        if not isinstance(given, dict) or "op" in given:
            return given
        rest = {key: value for key, value in given.items() if key not in ("min", "max")}
        if isinstance(rest.get("group"), str):
            rest["group"] = [part.strip() for part in rest["group"].split(",")]
        low, high = given.get("min"), given.get("max")
        if low is not None and high is not None:
            return {"op": "between", "bound": (low, high), **rest}
        if low is not None:
            return {"op": ">=", "bound": low, **rest}
        if high is not None:
            return {"op": "<=", "bound": high, **rest}
        if "features" in rest:
            return {"op": "==", "bound": 0, **rest}
        raise ValueError("a gate needs a condition: '>= 0.75', or min:, or max:")

    @model_validator(mode="after")
    def _check(self) -> Gate:
        if (self.op == "between") != isinstance(self.bound, tuple):
            raise ValueError("between takes two bounds, every other operator one")
        bounds = self.bound if isinstance(self.bound, tuple) else (self.bound,)
        if not all(math.isfinite(b) for b in bounds):
            raise ValueError("a bound must be a finite number")
        if isinstance(self.bound, tuple) and self.bound[0] > self.bound[1]:
            raise ValueError(f"min {self.bound[0]} is above max {self.bound[1]}")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe what a user may write: a condition as text, or the mapping."""
        stored = handler.resolve_ref_schema(handler(core_schema))
        written = {name: schema for name, schema in stored["properties"].items() if name not in ("op", "bound")}
        limits = {"min": {"type": "number"}, "max": {"type": "number"}}
        group = {"group": {"anyOf": [{"type": "string"}, written["group"]]}}
        mapping = {"type": "object", "properties": limits | written | group, "additionalProperties": False}
        return {"anyOf": [{"type": "string", "pattern": _CONDITION.pattern}, mapping, dict(stored)]}

    @property
    def region(self) -> tuple[float, float]:
        """The closed range that satisfies the gate, ends included or not as `op` says."""
        if isinstance(self.bound, tuple):
            return self.bound
        if self.op in (">=", ">"):
            return (self.bound, math.inf)
        if self.op in ("<=", "<"):
            return (-math.inf, self.bound)
        return (self.bound, self.bound)

    def holds(self, value: float) -> bool:
        """Whether one exact value satisfies the gate."""
        low, high = self.region
        if self.op in (">", "<"):
            return low < value if self.op == ">" else value < high
        return low <= value <= high

    def __str__(self) -> str:
        if isinstance(self.bound, tuple):
            return f"between {self.bound[0]:g} and {self.bound[1]:g}"
        return f"{self.op} {self.bound:g}"


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


class Costs(Record):
    """What the outcomes of one decision cost; a gain is a negative cost.

    A binary task has a cost for each of the four outcomes, a regression one for each unit of the target that a number
    is said too high (`over`) or too low (`under`). `per` names what is decided about, in the singular.
    """

    true_positive: float | None = None
    false_positive: float | None = None
    false_negative: float | None = None
    true_negative: float | None = None
    over: float | None = None
    under: float | None = None
    unit: str = ""
    per: str = "case"

    @model_validator(mode="after")
    def _check(self) -> Costs:
        known = [cost for cost in (*self._of_outcomes, *self._of_errors) if cost is not None]
        if not all(map(math.isfinite, known)):
            raise ValueError("a cost must be a finite number")
        if not any(known):
            raise ValueError("give at least one cost that is not 0, such as false_negative: 60")
        return self

    @property
    def _of_outcomes(self) -> tuple[float | None, ...]:
        return (self.true_negative, self.false_positive, self.false_negative, self.true_positive)

    @property
    def _of_errors(self) -> tuple[float | None, ...]:
        return (self.over, self.under)

    @property
    def of_outcomes(self) -> tuple[float, float, float, float]:
        """The costs of a true negative, false positive, false negative and true positive; 0 unless declared."""
        tn, fp, fn, tp = (cost or 0.0 for cost in self._of_outcomes)
        return tn, fp, fn, tp

    @property
    def of_errors(self) -> tuple[float, float]:
        """The costs of one unit said too high and too low; 0 unless declared."""
        over, under = (cost or 0.0 for cost in self._of_errors)
        return over, under

    def fits(self, task: str) -> str:
        """Say why these costs do not belong to a task; empty where they do."""
        if task == "multiclass":
            return "costs are of a binary task or a regression; a multiclass task has none"
        foreign, of = (self._of_errors, "over and under") if task == "binary" else (self._of_outcomes, "the outcomes")
        if any(cost is not None for cost in foreign):
            return f"the costs of {of} do not belong to a {task} task"
        return ""


class Column(Record):
    """What every value of a column must satisfy, at validation and at serving."""

    type: Literal["float", "int", "str", "bool", "date"] | None = None
    range: tuple[float, float] | None = None
    allowed: tuple[Scalar, ...] | None = None
    nullable: bool = True
    unique: bool = False


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
    threshold: float | None = None
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
        if self.target in self.sensitive:
            raise ValueError(f"sensitive: {self.target!r} is the target")
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
