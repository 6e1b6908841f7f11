"""How much of each regulation's clauses one run documents: computed from evidence, never claimed by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from nbdeploy.documents.crosswalk import Clause, ClauseCoverage, Coverage, CrosswalkRef, Fact, State
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.finding_patterns import FindingPattern, alternatives, shows, valued
from nbdeploy.report import reasons, wording
from nbdeploy.report.impact import told_rates

STATES: Mapping[State, tuple[str, str]] = MappingProxyType(
    {
        "covered": ("●", "Covered"),
        "partly": ("◐", "Partly"),
        "not_covered": ("○", "Not covered"),
        "document": ("□", "Needs a document"),
    }
)
"""Sign and word of each state; the signs differ in shape, not in colour alone."""

NAMED = 3
"""Findings that are named for each pattern; the others are counted."""


def coverage(evidence: Evidence) -> tuple[Coverage, ...]:
    """Return what the run shows of every crosswalk that it was given."""
    return tuple(_of(ref, evidence) for ref in evidence.crosswalks)


def _of(ref: CrosswalkRef, evidence: Evidence) -> Coverage:
    content = ref.content
    return Coverage(
        id=content.id,
        title=content.title,
        published=content.published,
        applies=content.applies,
        note=content.note,
        source=f"{ref.name}, {ref.digest}" if ref.own else "",
        clauses=tuple(_clause(clause, evidence) for clause in content.clauses),
    )


def _clause(clause: Clause, evidence: Evidence) -> ClauseCoverage:
    shown: list[str] = []
    lacks: list[str] = []
    named: list[str] = []
    fitting: set[str] = set()
    for pattern in clause.findings:
        found = _measured(pattern, evidence)
        fitting |= {finding.id for finding in found}
        named += [finding.id for finding in found[:NAMED] if finding.id not in named]
        if not found:
            lacks.append(_unmeasured(pattern, evidence))
    for field in clause.objective:
        words = _FIELDS.get(field, field.rpartition(".")[2].replace("_", " "))
        there = filled(evidence, field)
        (shown if there else lacks).append(
            f"{words}, in the objective" if there else f"{words} ({field} in the objective)"
        )
    for fact in clause.evidence:
        label, holds = FACTS[fact]
        (shown if holds(evidence) else lacks).append(label)
    return ClauseCoverage(
        id=clause.id,
        title=clause.title,
        asks=clause.asks,
        checked=clause.checked,
        state=_state(bool(named or shown), bool(lacks), bool(clause.document)),
        findings=tuple(named),
        more=len(fitting - {*named}),
        shown=tuple(shown),
        lacks=tuple(lacks),
        document=clause.document,
        named=evidence.objective.content.regulations.documents.get(clause.id, "") if clause.document else "",
    )


def _state(anything: bool, lacking: bool, document: bool) -> State:
    """Judge a clause: a document that nobody here can see never makes it whole."""
    if anything:
        return "partly" if lacking or document else "covered"
    return "document" if document and not lacking else "not_covered"


def _measured(text: str, evidence: Evidence) -> list[Finding]:
    """Return the findings that fit a pattern and have a value, gated ones first."""
    found = [finding for finding in evidence.findings if shows(finding, text)]
    return sorted(found, key=lambda f: (f.verdict is None, f.section == "fairness" and not f.features))


def _unmeasured(text: str, evidence: Evidence) -> str:
    """Say what was not measured, with the reason where a finding gives one."""
    patterns = alternatives(text)
    said = wording.listed([_words(pattern) for pattern in patterns], "or")
    tried = (f for f in evidence.findings if any(p.fits(f.section, f.metric, f.features) for p in patterns))
    why = next((reasons.brief(finding) for finding in tried if finding.reason), "")
    return f"{said} ({wording.lowered(why).rstrip('.')})" if why else said


def _words(pattern: FindingPattern) -> str:
    groups = " of groups by several features together" if pattern.crossed else ""
    if "*" not in pattern.metric:
        return f"{wording.lowered(wording.label(pattern.section, pattern.metric))}{groups}"
    named = " ".join(pattern.metric.replace("*", " ").replace("_", " ").split())
    section = wording.lowered(wording.section_name(pattern.section))
    return f"any measure of {section}{f' named “{named}”' if named else ''}{groups}"


def filled(evidence: Evidence, field: str) -> bool:
    """Whether the objective says anything in a field, such as ``goal.owner``."""
    value: Any = evidence.objective.content
    for part in field.split("."):
        value = getattr(value, part, None)
    return value not in (None, "", (), {}) and not (isinstance(value, dict) and not any(value.values()))


_FIELDS = {
    "goal.business": "the business goal",
    "goal.ai": "what the model does",
    "goal.owner": "the owner",
    "goal.intended_use": "the intended use",
    "goal.out_of_scope": "uses that are out of scope",
    "goal.users": "the users",
    "goal.affected": "the people affected",
    "kpis": "business figures",
    "costs": "what errors cost",
    "task": "the task",
    "sensitive": "sensitive features",
    "gates": "gates",
    "contract": "a contract for the columns",
    "monitor.drift": "the drift to watch",
    "monitor.performance": "the performance to watch",
    "monitor.retrain": "how it is trained again",
    "regulations.local_law_144": "the columns of sex and of race or ethnicity",
}


def _completed(evidence: Evidence) -> bool:
    books = evidence.subject.notebooks
    return bool(books) and all(book.executed_digest is not None for book in books if book.status == "completed")


def _gaps(evidence: Evidence) -> bool:
    """Whether each gate without evidence says why it has none."""
    silent = [f for f in evidence.findings if f.verdict == "not_evaluated" and not f.reason]
    return not silent


FACTS: Mapping[Fact, tuple[str, Callable[[Evidence], bool]]] = MappingProxyType(
    {
        "model_digest": ("the model’s fingerprint", lambda e: e.subject.model is not None),
        "data_digest": (
            "the evaluated data’s name, size and fingerprint",
            lambda e: any(data.role in ("evaluation", "predictions") for data in e.subject.data),
        ),
        "training_data": (
            "the training data’s name, size and fingerprint",
            lambda e: any(data.role == "train" for data in e.subject.data),
        ),
        "model_form": (
            "the kind of model, as its files tell it",
            lambda e: e.subject.model is not None and bool(e.subject.model.flavor or e.subject.model.description),
        ),
        "model_lineage": (
            "the run or commit that made the model",
            lambda e: e.subject.model is not None and bool(e.subject.model.run_id or e.subject.model.commit),
        ),
        "software_versions": ("versions of the software that validated it", lambda e: bool(e.subject.environment)),
        "executed_notebooks": ("fingerprints of the notebooks as they ran", _completed),
        "dated_run": ("when the run was made, and by whom", lambda e: bool(e.run.by)),
        "numbered_attempt": (
            "a recorded, numbered attempt",
            lambda e: not e.run.draft and e.run.attempt is not None,
        ),
        "intervals": (
            "intervals around what was estimated",
            lambda e: any(finding.interval is not None for finding in e.findings),
        ),
        "gaps_told": ("what was not evaluated, with the reason", _gaps),
        "previous_version": (
            "a comparison with the version before",
            lambda e: any("_over_previous" in finding.metric and valued(finding) for finding in e.findings),
        ),
        "impact_ratios": ("impact-ratio tables of the declared categories", lambda e: bool(told_rates(e))),
    }
)


def lacking_words(clause: ClauseCoverage) -> Iterator[str]:
    """Yield what a reader of the clause must know is not here."""
    if clause.lacks:
        yield f"Lacks: {'; '.join(clause.lacks)}."
    if clause.document:
        also = "" if clause.state == "document" else "needs a document too: "
        where = f" The objective says where it is: {clause.named}." if clause.named else ""
        yield f"{wording.sentence(f'{also}{clause.document}')}{where}"
    if clause.state == "not_covered" and not clause.lacks:
        yield "Nothing that nbdeploy records answers this."
