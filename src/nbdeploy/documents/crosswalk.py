"""The crosswalk: what a regulation asks for, clause by clause, and what in evidence or objective would answer it.

A crosswalk is data that users can write themselves. It says where to look, never whether anything is there: coverage is
computed from the evidence of one run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from nbdeploy.documents.finding import Finding
from nbdeploy.documents.record import Document, Record
from nbdeploy.documents.sections import SECTIONS

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

_PATTERN = re.compile(r"^([a-z]+)\.([a-z0-9_*]+)(:crossed)?$")
ClauseId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 .()/:_-]{0,47}$")]


class FindingPattern(Record):
    """Findings of one section whose measure fits `metric`, where ``*`` stands for anything.

    `crossed` asks for groups by two or more sensitive features together.
    """

    section: str
    metric: str
    crossed: bool = False

    def fits(self, section: str, metric: str, features: tuple[str, ...] = ()) -> bool:
        """Whether a finding of this measure and these features is one of them."""
        if section != self.section or (self.crossed and len(features) < 2):
            return False
        return _glob(self.metric).fullmatch(metric) is not None


@cache
def _glob(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, text.split("*"))))


@cache
def alternatives(text: str) -> tuple[FindingPattern, ...]:
    """Read ``performance.roc_auc | performance.r2``: any one of them is enough.

    Raises
    ------
    ValueError
        One is not ``SECTION.MEASURE`` or ``SECTION.MEASURE:crossed``, or there is no such section.
    """
    found = []
    for part in text.split("|"):
        match = _PATTERN.match(part.strip())
        if not match:
            raise ValueError(
                f"{part.strip()!r} names no findings; write SECTION.MEASURE, such as fairness.* or "
                "performance.roc_auc, with :crossed for groups by several features"
            )
        if match[1] not in SECTIONS:
            raise ValueError(f"{part.strip()!r}: there is no section {match[1]!r} (sections: {', '.join(SECTIONS)})")
        found.append(FindingPattern(section=match[1], metric=match[2], crossed=bool(match[3])))
    return tuple(found)


def valued(finding: Finding) -> bool:
    """Whether anything was measured; a measure by group may have values in groups alone. Rows alone are nothing."""
    if finding.metric == "count" and not finding.features:
        return False
    return finding.value is not None or any(group.value is not None for group in finding.by_group)


def shows(finding: Finding, text: str) -> bool:
    """Whether a finding has a value and fits one of the patterns of `alternatives`."""
    return valued(finding) and any(
        pattern.fits(finding.section, finding.metric, finding.features) for pattern in alternatives(text)
    )


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
