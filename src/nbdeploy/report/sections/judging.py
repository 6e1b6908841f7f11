"""How it was judged: which groups were looked at, which measures decide, and how uncertainty is treated."""

from __future__ import annotations

from nbdeploy.documents.card import Block, CardSection
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.gate import Gate
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import group_label
from nbdeploy.report import figures, wording
from nbdeploy.report.sections.facts import UNSTATED, facts


def factors(evidence: Evidence) -> CardSection:
    """Which groups were looked at, how large they are, and what counts as a good outcome for a person."""
    objective = evidence.objective.content
    blocks = [
        facts(
            ("Sensitive features", ", ".join(objective.sensitive) or "None declared"),
            ("Looked at", "; ".join(" × ".join(part) for part in objective.partitions) or "Overall only"),
            ("Legitimate factors to condition on", ", ".join(objective.control) or "None declared"),
            ("Smallest group compared", f"{objective.min_group_size} rows of the measure’s own denominator"),
            ("Positive class", str(objective.positive_class) if objective.task == "binary" else "Not applicable"),
            (
                "Outcome that is good for the person",
                str(objective.favourable_class) if objective.task != "regression" else "Not applicable",
            ),
        )
    ]
    blocks += [
        _sizes(finding)
        for finding in evidence.findings
        if finding.section == "fairness" and finding.metric == "count" and len(finding.features) == 1
    ]
    if objective.sensitive:
        lead = "Groups are counted on all rows; a missing value is a group of its own, shown as (missing)."
    else:
        lead = "No sensitive feature was declared, so nothing is known about differences between groups of people."
    return CardSection(id="factors", title="Factors", lead=lead, blocks=tuple(blocks))


def _sizes(counts: Finding) -> Block:
    total = sum(group.n for group in counts.by_group) or 1
    feature = counts.features[0]
    rows = tuple(
        (
            str(group.group.get(feature, group_label(group.group))),
            f"{group.n:,} ({figures.number(group.n / total, figures.Scale(percent=True))})",
        )
        for group in counts.by_group
    )
    options = {"folded": len(rows) > 12}
    return Block(kind="facts", title=f"Rows by {feature}", rows=rows, findings=(counts.id,), options=options)


def metrics(evidence: Evidence) -> CardSection:
    """Which measures decide, what they mean, and how uncertainty is treated."""
    rows = []
    for section, metric, gate in evidence.objective.content.each_gate():
        about = wording.explanation(section, metric) or "A measure of the project’s own."
        rows.append((wording.label(section, metric), f"{about} {_asked(section, metric, gate)}"))
    methods = [(wording.name(f), f.method) for f in evidence.gated() if f.method and f.interval is not None]
    blocks = [_how_sure(evidence.objective.content), _folded(facts(*rows, title=f"What decides ({len(rows)})"))]
    if methods:
        blocks.append(_folded(facts(*methods, title="How the interval of each gate was made")))
    lead = (
        "Measures and bounds are those of the objective. Each measured value carries an interval wherever "
        "one can be given."
    )
    return CardSection(id="metrics", title="Metrics", lead=lead, blocks=tuple(blocks))


def _folded(block: Block) -> Block:
    return block.model_copy(update={"options": {"folded": True}})


def _how_sure(objective: Objective) -> Block:
    judged = (
        "By the whole interval: a gate passes only if every value that the data allows satisfies it"
        if objective.decide == "interval"
        else "By the measured value alone, without regard to its uncertainty"
    )
    threshold = f"{objective.decision_threshold:g}" if objective.task == "binary" else "Not applicable"
    return facts(
        ("How gates are judged", judged),
        ("Confidence level", figures.plain(objective.level, figures.Scale(percent=True))),
        ("Decision threshold", "Decisions come ready-made" if objective.predicted else threshold),
        ("Why these measures", UNSTATED),
    )


def _asked(section: str, metric: str, gate: Gate) -> str:
    extra = ""
    if isinstance(gate.group, dict):
        extra = f" for {group_label(gate.group)}"
    elif gate.group:
        extra = f" by {wording.listed(gate.group)}"
    if gate.slice:
        extra += f" where {wording.spoken(gate.slice)}"
    if gate.features:
        extra += f" ({wording.listed(gate.features)}; first {gate.n or 1})"
    return f"Must be {wording.asked(gate, figures.scale(section, metric))}{extra}."
