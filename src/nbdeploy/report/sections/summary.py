"""The first page of a card: the verdict in words, the three things that a reader must know, every gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from nbdeploy.documents.card import Block, Card, CardSection
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import SEVERITY, Finding, Verdict
from nbdeploy.report import wording
from nbdeploy.report.sections import grounds, outcomes, succession
from nbdeploy.report.sections.outcomes import Point


def summary(evidence: Evidence) -> CardSection:
    """Return the summary: verdict in words, three points, every gate with its finding."""
    gated = ordered(evidence.gated())
    blocks = [Block(kind="text", text=in_words(evidence))]
    blocks += [
        Block(kind="note", title=point.title, text=point.text, findings=point.findings)
        for point in list(points(evidence))[:3]
    ]
    blocks.append(Block(kind="findings", title="Every gate", findings=tuple(finding.id for finding in gated)))
    return CardSection(id="summary", title="Summary", lead=purpose(evidence), blocks=tuple(blocks))


def purpose(evidence: Evidence) -> str:
    """Return what the model is for, in the objective's own words."""
    goal = evidence.objective.content.goal
    stated = goal.ai or goal.business or goal.intended_use
    return stated or "The objective does not say what this model is for."


def ordered(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the gated findings, worst verdict first, otherwise in the order of the run."""
    return tuple(sorted(findings, key=lambda finding: -SEVERITY.index(finding.verdict or "pass")))


def in_words(evidence: Evidence | Card) -> str:
    """Return the verdict as one or two sentences."""
    gates = evidence.verdict.gates
    if not gates:
        return "No gate was declared, so nothing was judged."
    counts = Counter(gates.values())
    parts = [_state(verdict, counts[verdict]) for verdict in reversed(SEVERITY) if counts[verdict]]
    opening = f"Of {wording.counted(len(gates), 'gate')}, {wording.listed(parts)}."
    return f"{opening} {_CONCLUSIONS[evidence.verdict.overall]}"


def _state(verdict: Verdict, n: int) -> str:
    one = n == 1
    return {
        "fail": f"{n} {'fails' if one else 'fail'}",
        "not_evaluated": f"{n} {'was' if one else 'were'} not evaluated",
        "inconclusive": f"{n} {'is' if one else 'are'} inconclusive",
        "pass": f"{n} {'passes' if one else 'pass'}",
    }[verdict]


_CONCLUSIONS: dict[Verdict, str] = {
    "pass": "Everything that was promised holds, with the certainty that was asked for.",
    "inconclusive": "Nothing that was promised is shown to be broken, but not all of it is shown to hold.",
    "not_evaluated": "A promise without evidence is not a pass: somebody has to decide whether to go on without it.",
    "fail": "What was promised does not hold.",
}


def points(evidence: Evidence) -> Iterator[Point]:
    """Yield what a reader must know, most important first."""
    yield from grounds.draft(evidence)
    yield from outcomes.failed(evidence)
    yield from grounds.deceptive(evidence)
    yield from grounds.unseen_model(evidence)
    yield from outcomes.known_by_heart(evidence)
    yield from outcomes.missing(evidence)
    yield from outcomes.undecided(evidence)
    yield from succession.worse_than_before(evidence)
    yield from grounds.edited(evidence)
    yield from grounds.attempts(evidence)
    yield from grounds.lineage(evidence)
    yield from outcomes.small_groups(evidence)
    yield from outcomes.widest_gap(evidence)
    yield from outcomes.headline(evidence)
    yield from grounds.scope(evidence)
    yield grounds.basis(evidence)
