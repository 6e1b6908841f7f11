"""Bias and fairness: differences between groups, the 80 % rule, and every rate of every group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbdeploy.documents.card import Block
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.record import group_label
from nbdeploy.report import figures, wording
from nbdeploy.report.charts.spreads import SIDES
from nbdeploy.report.sections.tables import table
from nbdeploy.report.sections.within_strata import mitigations, within_strata


def bias(evidence: Evidence, findings: Sequence[Finding]) -> list[Block]:
    """Return the blocks of the section: what a gate judges first, then each partition into groups."""
    disparities = [f for f in findings if f.metric.endswith(("_ratio", "_difference"))]
    blocks = [
        *_disparity_tables(disparities),
        *_screening(disparities),
        *_compared([f for f in disparities if not f.metric.startswith("conditional_")]),
        *within_strata(findings),
        *mitigations(findings),
    ]
    others = [f for f in findings if f not in disparities and f.metric != "mitigated_disparity"]
    explained = False
    for partition in evidence.objective.content.partitions:
        here = [f for f in others if f.features == partition and f.by_group]
        if here:
            blocks += _partition(partition, here, explained=explained)
            explained = True
    known = {name for block in blocks for name in block.findings}
    overall = [f for f in others if f.id not in known and f.verdict is not None]
    if overall:
        blocks.insert(1 if disparities else 0, table("Gates on single groups", overall))
    return blocks


def _disparity_tables(disparities: Sequence[Finding]) -> list[Block]:
    """Show the differences that a gate judges; fold the rest, which the charts below draw."""
    gated = [finding for finding in disparities if finding.verdict is not None]
    rest = [finding for finding in disparities if finding.verdict is None]
    if not gated:
        return [table("Differences between groups", rest)] if rest else []
    blocks = [table("Differences between groups that a gate judges", gated)]
    if rest:
        blocks.append(table(f"Other differences between groups ({len(rest)})", rest, folded=True))
    return blocks


def _compared(disparities: Sequence[Finding]) -> list[Block]:
    """Draw all ratios under each other, then all differences."""
    blocks = []
    for ending, kind, reading in (
        ("_ratio", "Ratios", "1 would be equal treatment; further left is less equal."),
        ("_difference", "Differences", "0 would be equal treatment; further right is less equal."),
    ):
        drawn = tuple(f.id for f in disparities if f.metric.endswith(ending) and f.value is not None)
        if drawn:
            text = f"{reading} A shaded strip is what the gate allows."
            title = f"{kind} between groups, with intervals"
            blocks.append(Block(kind="chart", chart="compared", title=title, text=text, findings=drawn))
    return blocks


_MAIN = ("favourable_rate", "selection_rate", "true_positive_rate", "false_positive_rate", "precision", "accuracy")
_READING = (
    "One line a group, lowest first: the dot is what was measured, the bar its interval, the vertical "
    "line all rows together. "
    "Hollow and grey: too few rows to compare."
)


def _partition(features: tuple[str, ...], findings: Sequence[Finding], *, explained: bool) -> list[Block]:
    """Tell one partition into groups: a chart of the outcome, then every rate; complements folded away.

    What the chart and the rates mean stands below the first partition only (`explained` says that it was told).
    """
    quantiles = [finding for finding in findings if finding.metric in SIDES]
    findings = [finding for finding in findings if finding not in quantiles]
    by_metric = {finding.metric: finding for finding in findings}
    title = f"By {wording.listed(features)}{' (where groups cross)' if len(features) > 1 else ''}"
    main = [by_metric[metric] for metric in _MAIN if metric in by_metric]
    if _same_rates(by_metric):
        main.remove(by_metric["selection_rate"])
    rest = [finding for finding in findings if finding not in main and finding.metric != "count"]
    counts = (by_metric["count"].id,) if "count" in by_metric else ()
    blocks = []
    every = "every rate" if main else "every measure"
    if not main:
        main, rest = rest, []
    many = len((findings or quantiles)[0].by_group) > 12
    for shown, name, folded in ((main, every, many), (rest, "further rates", True)):
        if shown:
            named = (*counts, *(finding.id for finding in shown))
            options = {"folded": folded, "explained": explained}
            blocks.append(Block(kind="groups", title=f"{title}: {name}", findings=named, options=options))
    if main:
        drawn = Block(
            kind="chart",
            chart="forest",
            title=f"{title}: {wording.lowered(wording.label('fairness', main[0].metric))}",
            text="" if explained else _READING,
            findings=(main[0].id,),
        )
        blocks.insert(0, drawn)
    return [*blocks, *(_spread(title, quantiles) if quantiles else ())]


def _same_rates(by_metric: Mapping[str, Finding]) -> bool:
    """Return whether to be selected is the favourable outcome: then both columns would hold the same numbers."""
    favourable, selected = by_metric.get("favourable_rate"), by_metric.get("selection_rate")
    return favourable is not None and selected is not None and favourable.by_group == selected.by_group


def _spread(title: str, quantiles: Sequence[Finding]) -> list[Block]:
    """Draw how a regression's errors are spread in each group; the numbers with their intervals are folded."""
    named = tuple(finding.id for finding in quantiles)
    text = (
        "Prediction − truth; left of 0 the model says too little. Dot: the middle error of the group. Dark: the middle "
        "half of its errors. Light: nine of ten. Hollow and grey: too few rows to compare."
    )
    name = f"{title}: how errors are spread"
    return [
        Block(kind="chart", chart="spreads", title=name, text=text, findings=named),
        Block(kind="groups", title=f"{title}: quantiles of the error", findings=named, options={"folded": True}),
    ]


def _screening(disparities: Sequence[Finding]) -> list[Block]:
    """Tell the 80 % rule with its test and n: as a screening statistic, never as a finding of law."""
    rows: list[tuple[str, ...]] = []
    used: list[str] = []
    for finding in disparities:
        if finding.metric == "demographic_parity_ratio" and isinstance(finding.data.get("eighty_percent"), dict):
            told = _screened(finding.data["eighty_percent"])
            rows += told
            used += [finding.id] if told else []
    if not rows:
        return []
    text = (
        "Ratio: a group’s rate of the favourable outcome, divided by that of the group named as highest. A "
        "screening statistic of US hiring "
        "practice (29 CFR 1607.4(D)), not a legal finding: a smaller gap can matter, and a larger one "
        "can be chance where rows are few."
    )
    return [
        Block(
            kind="table",
            title="The 80 % rule",
            text=text,
            columns=("Group", "Rate", "Highest", "Ratio", "80 % rule", "Test", "Rows of both"),
            cells=tuple(rows),
            findings=tuple(used),
            options={"folded": len(rows) > 12},
        )
    ]


def _screened(rule: dict[str, Any]) -> list[tuple[str, ...]]:
    try:
        highest = group_label(rule["highest"])
        rows: list[tuple[str, ...]] = []
        for one in rule["groups"]:
            name = group_label(one["group"])
            if name == highest or one.get("ratio") is None:
                continue
            below = "below 0.8" if one["below"] else "not below 0.8"
            p_value = one.get("p_value")
            tested = f"{one['test']}: {figures.p_value(float(p_value))}" if p_value is not None else figures.NONE
            ratio = figures.number(float(one["ratio"]), apart_from=(0.8,))
            rate = figures.number(float(one["rate"]), figures.Scale(percent=True))
            rows.append((name, rate, highest, ratio, below, tested, f"{int(one['n']):,}"))
    except (KeyError, TypeError, ValueError, AttributeError):
        return []  # an edited notebook recorded something else; the ratio itself stays in the table
    return rows
