"""The evidence: everything that one validation run measured, on which bytes, and what follows."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from nbdeploy.documents.crosswalk import CrosswalkRef
from nbdeploy.documents.finding import Finding, Verdict
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Document, Record, Scalar
from nbdeploy.documents.sections import Section

Digest = str
"""``sha256:`` and 64 lower-case hexadecimal digits."""


class ObjectiveRef(Record):
    """The objective that was in force, whole, with the digest of its stored bytes."""

    name: str
    digest: Digest
    content: Objective


class ModelSubject(Record):
    """The model as it was scored. `digest` is of its manifest (see ``trust.digests``).

    `inputs` and `outputs` are the columns of its signature with their types in MLflow's words, `requirements` the
    packages that it asks for, as ``scikit-learn==1.9.1``.
    """

    uri: str
    digest: Digest
    name: str | None = None
    version: str | None = None
    flavor: str | None = None
    size_bytes: int | None = None
    run_id: str | None = None
    logged_by: str | None = None
    commit: str | None = None
    inputs: dict[str, str] = {}
    outputs: dict[str, str] = {}
    requirements: tuple[str, ...] = ()
    description: dict[str, Any] = {}


class DataSubject(Record):
    """One dataset that took part."""

    role: Literal["evaluation", "train", "reference", "predictions"]
    name: str
    digest: Digest
    rows: int
    columns: tuple[str, ...] = ()


class NotebookRun(Record):
    """One validation notebook as it was executed. `reused` is when, where an earlier run had the same inputs."""

    section: Section | str
    name: str
    source_digest: Digest
    executed_digest: Digest | None = None
    status: Literal["completed", "failed", "not_run"]
    reason: str = ""
    edited: bool = False
    seconds: float | None = None
    measurements: int = 0
    reused: datetime | None = None


class Subject(Record):
    """What was validated. A model of None is one that lives elsewhere: only its predictions were seen."""

    model: ModelSubject | None
    data: tuple[DataSubject, ...]
    notebooks: tuple[NotebookRun, ...] = ()
    parameters: dict[str, Any] = {}
    environment: dict[str, str] = {}


class TallyCell(Record):
    """Rows with this group, label and decision.

    None where the count is not told: it is small, or a small one could be computed from it. It may then be 0.
    """

    group: dict[str, Scalar]
    label: Scalar | None
    predicted: Scalar | None
    n: int | None


class TallyTable(Record):
    """The counts from which every group rate can be recomputed without rows."""

    features: tuple[str, ...]
    rows: int
    cells: tuple[TallyCell, ...]
    suppressed_below: int = 0


class ErrorCell(Record):
    """Moments of one group's errors (prediction − truth) and truth, from which its mean errors and R² follow.

    All are None where they are not told, as in `TallyCell`. The variance is that of these rows, divided by n.
    """

    group: dict[str, Scalar]
    n: int | None
    mean_error: float | None = None
    mean_absolute_error: float | None = None
    mean_squared_error: float | None = None
    mean_label: float | None = None
    label_variance: float | None = None


class ErrorTable(Record):
    """The moments from which every group's errors can be recomputed without rows."""

    features: tuple[str, ...]
    rows: int
    cells: tuple[ErrorCell, ...]
    suppressed_below: int = 0


class ScoreBin(Record):
    """Rows whose scores lie from `low` to `high`, both included."""

    low: float
    high: float
    negatives: int = Field(ge=0)
    positives: int = Field(ge=0)


class ScoreTable(Record):
    """The scores of all rows in rising bins: area under the curve and Brier score are bounded by them without rows.

    No count is between 0 and `counts_from`: neighbours were joined until none was.
    """

    rows: int
    bins: tuple[ScoreBin, ...]
    counts_from: int


class VerdictSummary(Record):
    """Overall, and by finding id for every gate."""

    overall: Verdict
    gates: dict[str, Verdict]


class AttemptRef(Record):
    """An earlier recorded attempt on the same objective, as the card tells it."""

    attempt: int
    recorded: datetime
    model_digest: Digest | None
    data_digest: Digest | None
    objective_digest: Digest
    overall: Verdict
    changes: tuple[str, ...] = ()


class Run(Record):
    """Who ran it, where, when. `attempt` is None for a draft."""

    id: str
    attempt: int | None
    draft: bool
    started: datetime
    finished: datetime
    by: str
    host: str
    seed: int
    nbdeploy: str
    seconds: dict[str, float] = {}


class Evidence(Document):
    """The document of the stage *validate*."""

    schema_name: ClassVar[str] = "evidence"

    schema_: Literal["nbdeploy.evidence/1"] = Field(default="nbdeploy.evidence/1", alias="schema")
    objective: ObjectiveRef
    subject: Subject
    run: Run
    tallies: tuple[TallyTable, ...] = ()
    errors: tuple[ErrorTable, ...] = ()
    scores: ScoreTable | None = None
    findings: tuple[Finding, ...]
    verdict: VerdictSummary
    attempts: tuple[AttemptRef, ...] = ()
    warnings: tuple[str, ...] = ()
    crosswalks: tuple[CrosswalkRef, ...] = ()

    def finding(self, id: str) -> Finding | None:  # noqa: A002 - the field is named id
        """Return the finding with this id, if there is one."""
        return next((finding for finding in self.findings if finding.id == id), None)

    def gated(self) -> tuple[Finding, ...]:
        """Return the findings that a gate was declared for."""
        return tuple(finding for finding in self.findings if finding.verdict is not None)
