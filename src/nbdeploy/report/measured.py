"""The sections of a card that tell what was measured: tables, charts, and what each means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbdeploy.documents.card import Block, CardSection
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.objective import Section
from nbdeploy.documents.record import group_label
from nbdeploy.report import wording
from nbdeploy.report.charts import charts_for
from nbdeploy.report.details import details

_LEADS: dict[Section, str] = {
    "performance": "How often and how well the model is right, over all evaluated rows.",
    "fairness": "Whether the model treats groups of people alike, each group alone and where groups cross.",
    "explainability": "What drives the model’s answers, and how far the explanations themselves can be trusted.",
    "robustness": "What happens when inputs are a little off, missing, or unlike anything seen before.",
    "data": "Whether the evaluated rows are complete, within contract, free of training rows, and like the reference.",
    "operations": "Whether the model runs reliably and fast enough where it is to be used.",
}


def measured(evidence: Evidence, section: Section) -> CardSection:
    """Return the card's section for one section of measures, by groups last."""
    findings = [finding for finding in evidence.findings if finding.section == section]
    blocks = [*_absence(evidence, section, findings)]
    single = [finding for finding in findings if not finding.by_group and finding.metric != "count"]
    if section == "fairness":
        blocks += _fairness(evidence, findings)
    elif single:
        blocks.append(_table("What was measured", single))
        blocks += [block for finding in single for block in _charts(finding)]
        blocks += [block for finding in single for block in details(finding)]
        blocks += _grouped([finding for finding in findings if finding.by_group])
    return CardSection(id=section, title=wording.section_name(section), lead=_LEADS[section], blocks=tuple(blocks))


def _table(title: str, findings: Sequence[Finding]) -> Block:
    gated = [finding for finding in findings if finding.verdict is not None]
    rest = [finding for finding in findings if finding.verdict is None]
    return Block(kind="findings", title=title, findings=tuple(finding.id for finding in (*gated, *rest)))


def _absence(evidence: Evidence, section: Section, findings: Sequence[Finding]) -> list[Block]:
    """Say plainly that a section holds no, or only part of, its evidence."""
    stopped = [n for n in evidence.subject.notebooks if n.section == section and n.status != "completed"]
    reasons = [f"{n.name}: {n.reason or n.status.replace('_', ' ')}" for n in stopped]
    if any(finding.value is not None for finding in findings):
        return (
            [Block(kind="note", title="Part of this section did not run", text="; ".join(reasons))] if reasons else []
        )
    reasons = reasons or sorted({finding.reason for finding in findings if finding.reason})
    ran = any(notebook.section == section for notebook in evidence.subject.notebooks)
    silent = "Its notebook ran and recorded nothing." if ran else "No notebook of this section took part in the run."
    text = "; ".join(reasons) or silent
    return [Block(kind="note", title="Nothing was measured here", text=text)]


def _charts(finding: Finding) -> list[Block]:
    return [
        Block(kind="chart", chart=chart.name, title=chart.title, text=chart.reading, findings=(finding.id,))
        for chart in charts_for(finding)
    ]


def _fairness(evidence: Evidence, findings: Sequence[Finding]) -> list[Block]:
    disparities = [f for f in findings if f.metric.endswith(("_ratio", "_difference"))]
    blocks: list[Block] = []
    if disparities:
        blocks += _disparity_tables(disparities)
        blocks += _screening(disparities)
        for ending, reading in (
            (
                "_ratio",
                "1 would be equal treatment; further left is less equal. A shaded strip is what the gate allows.",
            ),
            (
                "_difference",
                "0 would be equal treatment; further right is less equal. A shaded strip is what the gate allows.",
            ),
        ):
            drawn = tuple(f.id for f in disparities if f.metric.endswith(ending) and f.value is not None)
            if drawn:
                title = f"{'Ratios' if ending == '_ratio' else 'Differences'} between groups, with intervals"
                blocks.append(Block(kind="chart", chart="compared", title=title, text=reading, findings=drawn))
    others = [f for f in findings if f not in disparities]
    for partition in evidence.objective.content.partitions:
        here = [f for f in others if f.features == partition and f.by_group]
        if not here:
            continue
        blocks += _partition(partition, here)
    known = {name for block in blocks for name in block.findings}
    overall = [f for f in others if f.id not in known and f.verdict is not None]
    if overall:
        blocks.insert(1 if disparities else 0, _table("Gates on single groups", overall))
    return blocks


def _disparity_tables(disparities: Sequence[Finding]) -> list[Block]:
    """Show the differences that a gate judges; fold the rest, which the charts below draw."""
    gated = [finding for finding in disparities if finding.verdict is not None]
    rest = [finding for finding in disparities if finding.verdict is None]
    if not gated:
        return [_table("Differences between groups", rest)]
    blocks = [_table("Differences between groups that a gate judges", gated)]
    if rest:
        folded = _table(f"Other differences between groups ({len(rest)})", rest)
        blocks.append(folded.model_copy(update={"options": {"folded": True}}))
    return blocks


_MAIN = ("favourable_rate", "selection_rate", "true_positive_rate", "false_positive_rate", "precision", "accuracy")
_READING = (
    "One line a group, lowest first: the dot is what was measured, the bar its interval, the vertical "
    "line all rows together. "
    "Hollow and grey: too few rows to compare."
)


def _partition(features: tuple[str, ...], findings: Sequence[Finding]) -> list[Block]:
    """Tell one partition into groups: a chart of the outcome, then every rate; complements folded away."""
    by_metric = {finding.metric: finding for finding in findings}
    title = f"By {wording.listed(features)}{' (where groups cross)' if len(features) > 1 else ''}"
    main = [by_metric[metric] for metric in _MAIN if metric in by_metric]
    rest = [finding for finding in findings if finding not in main and finding.metric != "count"]
    if not main:
        main, rest = rest, []
    counts = (by_metric["count"].id,) if "count" in by_metric else ()
    many = len(findings[0].by_group) > 12
    blocks = []
    if main:
        drawn = Block(
            kind="chart",
            chart="forest",
            title=f"{title}: {wording.label('fairness', main[0].metric).lower()}",
            text=_READING,
            findings=(main[0].id,),
        )
        table = Block(
            kind="groups",
            title=f"{title}: every rate",
            findings=(*counts, *(f.id for f in main)),
            options={"folded": many},
        )
        blocks += [drawn, table]
    if rest:
        blocks.append(
            Block(
                kind="groups",
                title=f"{title}: further rates",
                findings=(*counts, *(f.id for f in rest)),
                options={"folded": True},
            )
        )
    return blocks


def _grouped(findings: Sequence[Finding]) -> list[Block]:
    partitions = dict.fromkeys((finding.features, finding.slice) for finding in findings)
    return [
        Block(
            kind="groups",
            title=f"By {wording.listed(features) or 'part of the data'}",
            findings=tuple(f.id for f in findings if (f.features, f.slice) == (features, part)),
        )
        for features, part in partitions
    ]


def _screening(disparities: Sequence[Finding]) -> list[Block]:
    """Tell the 80 % rule with its test and n: as a screening statistic, never as a finding of law."""
    rows: list[tuple[str, str]] = []
    used: list[str] = []
    for finding in disparities:
        if finding.metric == "demographic_parity_ratio" and isinstance(finding.data.get("eighty_percent"), dict):
            told = _screened(finding.data["eighty_percent"])
            rows += told
            used += [finding.id] if told else []
    if not rows:
        return []
    text = (
        "Each group’s rate of the favourable outcome, divided by that of the group named as highest. A "
        "screening statistic of US hiring "
        "practice (29 CFR 1607.4(D)), not a legal finding: a smaller gap can matter, and a larger one "
        "can be chance where rows are few."
    )
    return [
        Block(
            kind="facts",
            title="The 80 % rule",
            text=text,
            rows=tuple(rows),
            findings=tuple(used),
            options={"folded": len(rows) > 12},
        )
    ]


def _screened(rule: dict[str, Any]) -> list[tuple[str, str]]:
    try:
        highest = group_label(rule["highest"])
        rows = []
        for one in rule["groups"]:
            name = group_label(one["group"])
            if name == highest or one.get("ratio") is None:
                continue
            below = "below 0.8" if one["below"] else "not below 0.8"
            tested = f"; {one['test']}: p = {float(one['p_value']):.3g}" if one.get("p_value") is not None else ""
            rows.append(
                (
                    f"{name} ÷ {highest}",
                    f"{wording.number(float(one['ratio']))}, {below}{tested}; {int(one['n']):,} rows",
                )
            )
    except (KeyError, TypeError, ValueError, AttributeError):
        return []  # an edited notebook recorded something else; the ratio itself stays in the table
    return rows
