"""What regulations ask for, and what of it this run documents."""

from __future__ import annotations

from collections.abc import Iterator

from nbdeploy.documents.card import Block, CardSection
from nbdeploy.documents.crosswalk import Coverage
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import group_label
from nbdeploy.errors import closest
from nbdeploy.report import figures, wording
from nbdeploy.report.impact import SMALL, AuditTable, Category, audited

CAVEAT = (
    "“Covered” means that what a clause names is on this card or in the objective, and nothing more: it is a statement "
    "about documentation, not a legal finding, and does not say that the answer is good enough. Whether a regulation "
    "applies to this model is for its owner to decide. The clauses are in our own words; the published texts decide."
)


def regulations(evidence: Evidence, coverage: tuple[Coverage, ...]) -> CardSection:
    """Return the matrix of clauses, a fold for each regulation, and impact ratios where categories are declared."""
    blocks = []
    if coverage:
        blocks.append(Block(kind="note", title="What “covered” means", text=CAVEAT))
        blocks.append(Block(kind="coverage", title="Clauses at a glance"))
        blocks += [
            Block(
                kind="coverage",
                title=one.title,
                findings=tuple(dict.fromkeys(name for clause in one.clauses for name in clause.findings)),
                options={"crosswalk": one.id},
            )
            for one in coverage
        ]
    blocks += _astray(evidence, coverage)
    blocks += _impact(evidence)
    lead = (
        "Clause by clause: what this run and its objective document, what is missing, and what only another document "
        "can answer."
        if coverage
        else "No regulation’s clauses were held against this run."
    )
    return CardSection(id="regulations", title="What regulations ask for", lead=lead, blocks=tuple(blocks))


def _astray(evidence: Evidence, coverage: tuple[Coverage, ...]) -> Iterator[Block]:
    """Yield a note where the objective names a document that no clause asks for: an id may be misspelt."""
    asked = [clause.id for one in coverage for clause in one.clauses if clause.document]
    for name in evidence.objective.content.regulations.documents:
        if name not in asked:
            said = f"The objective names a document for “{name}”, and no clause of that id asks for one"
            near = closest(name, asked).removesuffix("?")
            yield Block(
                kind="note", title="A document that no clause asks for", text=f"{said}{near}{'?' if near else '.'}"
            )


def _impact(evidence: Evidence) -> Iterator[Block]:
    if evidence.objective.content.regulations.local_law_144 is None:
        return
    tables = audited(evidence)
    if not tables:
        why = "No selection or scoring rate was measured by the declared categories, so there is no ratio to tell."
        yield Block(kind="note", title="Impact ratios are missing", text=why)
        return
    yield Block(
        kind="text",
        title="Impact ratios, as New York City’s Local Law 144 asks for them",
        text=_how_to_read(evidence),
    )
    for table in tables:
        yield Block(
            kind="table",
            title=f"{_RATES[table.finding.metric]} by {' × '.join(table.features)}",
            text=f"{_beneath(table)}{_direction(table, evidence.objective.content)}",
            findings=(table.finding.id,),
            columns=("Category", "People", _RATES[table.finding.metric], "Impact ratio"),
            cells=tuple(_row(one) for one in table.categories),
        )


_RATES = {"favourable_rate": "Selection rate", "scoring_rate": "Scoring rate"}


def _how_to_read(evidence: Evidence) -> str:
    objective = evidence.objective.content
    return (
        f"The selection rate is the share of people for whom the model decides {objective.favourable_class}, the "
        "favourable outcome; the scoring rate is the share with a score above the median of all. The impact ratio is "
        "such a share divided by the highest share of any category. The law asks for a bias audit by an independent "
        "auditor on data of the tool’s real use: these tables are the arithmetic, not the audit. Below 0.8 is a "
        "screening statistic, not a finding of discrimination."
    )


def _row(one: Category) -> tuple[str, ...]:
    rate = figures.Scale(percent=True)
    plain = figures.Scale()
    between = f" ({figures.span(one.interval, rate)})" if one.interval else ""
    told = figures.NONE if one.rate is None else f"{figures.number(one.rate, rate)}{between}"
    if one.highest:
        ratio = "1 (the highest rate)"
    elif one.ratio is None:
        ratio = f"{figures.NONE} {one.left_out}".strip()
    else:
        limits = f" ({figures.span(one.ratio_interval, plain)})" if one.ratio_interval else ""
        ratio = f"{figures.number(one.ratio, plain, apart_from=(0.8,))}{limits}"
    return (group_label(one.group), f"{one.n:,}", told, ratio)


def _beneath(table: AuditTable) -> str:
    finding = table.finding
    known = "Nobody is of unknown category."
    if table.unknown:
        known = f"{wording.counted(table.unknown, 'person is', 'people are')} of unknown category and in no ratio."
    small = [group_label(one.group) for one in table.categories if one.left_out == SMALL]
    left = (
        f" Left out of the ratios, with less than 2 % of the data each: {wording.listed(small)}. An independent "
        "auditor has to say why, or to put them back."
        if small
        else ""
    )
    return f"{known}{left} Intervals of ratios: {wording.level(finding)}, Miettinen–Nurminen, each pair alone."


def _direction(table: AuditTable, objective: Objective) -> str:
    """Say so where a high score is the worse one: the law's ratio takes it for the better."""
    if table.finding.metric != "scoring_rate" or objective.favourable_class == objective.positive_class:
        return ""
    return (
        f" Scores are of {objective.positive_class}, which is not the favourable outcome: a high rate is the worse one "
        "here, and the ratio reads the other way round."
    )
