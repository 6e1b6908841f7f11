"""The crosswalk: what a regulation asks for, clause by clause, and what in evidence or objective would answer it.

A crosswalk is data that users can write themselves. It says where to look, never whether anything is there: coverage is
computed from the evidence of one run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from nbdeploy.documents.finding import Finding
from nbdeploy.documents.finding_patterns import alternatives, shows
from nbdeploy.documents.record import Document, Record

Fact = Literal[
    "model_digest",
    "data_digest",
    "training_data",
    "model_form",
    "model_lineage",
    "software_versions",
    "executed_notebooks",
    "dated_run",
    "numbered_attempt",
    "intervals",
    "gaps_told",
    "previous_version",
    "impact_ratios",
]
"""What evidence can show beside findings; each is decided in ``report/coverage.py``."""

State = Literal["covered", "partly", "not_covered", "document"]
"""What a run shows of a clause. ``document``: only a document outside of nbdeploy can answer it."""

ClauseId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 .()/:_-]{0,47}$")]


class Clause(Record):
    """One clause in our own words, and everything that has to be there for it.

    Parameters
    ----------
    asks
        What it asks for, in one or two plain sentences; never the text of the regulation.
    findings
        Patterns (see `alternatives`); for each, one finding that has a value must be there.
    objective
        Fields that the objective must fill, such as ``goal.intended_use``.
    evidence
        Facts that the evidence must hold.
    document
        What only a document outside of nbdeploy can answer; empty where there is nothing of the kind.
    checked
        Whether number and title were compared with a public text or summary. The card says so where they were not.
    """

    id: ClauseId
    title: str = Field(min_length=1, max_length=160)
    asks: str = Field(default="", max_length=600)
    findings: tuple[str, ...] = ()
    objective: tuple[str, ...] = ()
    evidence: tuple[Fact, ...] = ()
    document: str = Field(default="", max_length=400)
    checked: bool = True

    @field_validator("findings")
    @classmethod
    def _patterns(cls, findings: tuple[str, ...]) -> tuple[str, ...]:
        for text in findings:
            alternatives(text)
        return findings


class Crosswalk(Document):
    """A regulation, standard or house rule as a list of clauses.

    `applies` says in one sentence whom it concerns: whether that is so for this model, no software decides. A file in a
    project's ``crosswalks/`` folder with the `id` of one that nbdeploy ships takes its place.
    """

    schema_name: ClassVar[str] = "crosswalk"

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")
    title: str = Field(min_length=1, max_length=120)
    published: str = Field(max_length=300)
    applies: str = Field(default="", max_length=400)
    note: str = Field(default="", max_length=800)
    clauses: tuple[Clause, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _once(self) -> Crosswalk:
        ids = [clause.id for clause in self.clauses]
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"the clause {twice!r} stands twice")
        return self


class CrosswalkRef(Record):
    """A crosswalk as a run used it, whole, with the digest of its file. `own`: the project's, not nbdeploy's."""

    name: str
    digest: str
    own: bool
    content: Crosswalk


def cited(finding: Finding, crosswalks: Iterable[CrosswalkRef]) -> tuple[str, ...]:
    """Return the clauses that a finding is evidence for, as ``nist-ai-rmf-1.0/MEASURE 2.3``, in order."""
    return tuple(
        dict.fromkeys(
            f"{ref.content.id}/{clause.id}"
            for ref in crosswalks
            for clause in ref.content.clauses
            if any(shows(finding, text) for text in clause.findings)
        )
    )


class ClauseCoverage(Record):
    """What one run shows of a clause.

    Parameters
    ----------
    findings
        Ids of findings that show it, at most three for each pattern; `more` counts the others.
    shown
        What else shows it: filled fields and facts, in words.
    lacks
        What is missing, in words.
    document
        What a document outside has to answer; `named` is where the objective says that it is.
    """

    id: str
    title: str
    asks: str = ""
    checked: bool = True
    state: State
    findings: tuple[str, ...] = ()
    more: int = 0
    shown: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    document: str = ""
    named: str = ""


class Coverage(Record):
    """What one run shows of a crosswalk. It says what is documented, and nothing about the law."""

    id: str
    title: str
    published: str
    applies: str = ""
    note: str = ""
    source: str = ""
    clauses: tuple[ClauseCoverage, ...]

    @property
    def counts(self) -> dict[State, int]:
        """Clauses in each state."""
        states = [clause.state for clause in self.clauses]
        return {name: states.count(name) for name in ("covered", "partly", "not_covered", "document")}
