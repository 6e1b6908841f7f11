"""Groups among people who are alike in the control features, and what mitigations would give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbdeploy.documents.card import Block
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.record import group_label
from nbdeploy.report import figures, wording

_TOLD, _ENDS = 24, 3


def within_strata(findings: Sequence[Finding]) -> list[Block]:
    """Tell the rates of each group in each stratum, once for each partition, and the pooled difference."""
    blocks = []
    for finding in findings:
        if finding.metric == "conditional_demographic_parity_difference" and isinstance(finding.data, dict):
            rows = _rows(finding)
            if rows:
                control = wording.listed([str(name) for name in finding.data.get("control", [])])
                blocks.append(
                    Block(
                        kind="facts",
                        title=f"By {wording.listed(finding.features)}, among people alike in {control}",
                        text="Rates of the favourable outcome. An average over everybody can turn round within its "
                        "parts; pooled gives each part its weight (Mantel–Haenszel).",
                        rows=tuple(rows),
                        findings=(finding.id,),
                        options={"folded": len(rows) > 12},
                    )
                )
    return blocks


def _rows(finding: Finding) -> list[tuple[str, str]]:
    try:
        pooled = _pooled(finding.data.get("pooled"))
        strata: list[dict[str, Any]] = finding.data["strata"]
        told = [(f"{group_label(one['stratum'])} ({int(one['n']):,} rows)", _rates(one)) for one in strata[:_TOLD]]
    except (KeyError, TypeError, ValueError, AttributeError):
        return []  # an edited notebook recorded something else; the disparity itself stays in the table
    more = len(strata) - _TOLD
    return [*pooled, *told, *([("Further strata", f"{more}, in the notebook")] if more > 0 else [])]


def _pooled(pooled: dict[str, Any] | None) -> list[tuple[str, str]]:
    if not pooled or pooled["difference"] is None:
        return []
    low, high = pooled["difference_interval"] or (None, None)
    difference, crude = (figures.number(float(pooled[name])) for name in ("difference", "crude_difference"))
    limits = figures.span((low, high), figures.Scale())
    parts = wording.counted(int(pooled["strata"]), "part")
    said = f"{difference} ({limits}) within {parts}, pooled; {crude} over everybody, without parts"
    return [(f"{group_label(pooled['first'])} minus {group_label(pooled['second'])}", said)]


def _rates(stratum: dict[str, Any]) -> str:
    """Tell the groups' rates, the lowest first; of many the lowest and the highest."""
    known = sorted((one for one in stratum["groups"] if one["rate"] is not None), key=lambda one: float(one["rate"]))
    shown = known if len(known) <= 2 * _ENDS else [*known[:_ENDS], *known[-_ENDS:]]
    parts = []
    for one in shown:
        share = figures.number(float(one["rate"]), figures.Scale(percent=True))
        parts.append(f"{group_label(one['group'])} {share} of {int(one['n']):,}")
    if len(shown) < len(known):
        parts.insert(_ENDS, f"… {len(known) - len(shown)} groups between …")
    few = len(stratum["groups"]) - len(known)
    return "; ".join([*parts, *([f"{wording.counted(few, 'group')} with fewer than 5 rows"] if few else [])])


def mitigations(findings: Sequence[Finding]) -> list[Block]:
    """Draw and tell what other ways to decide would give and cost, with what to beware of."""
    found = next((f for f in findings if f.metric == "mitigated_disparity" and f.data.get("points")), None)
    if found is None:
        return []
    rows = []
    try:
        for one in found.data["points"]:
            low, high = one["interval"] or (None, None)
            gap = "undefined" if one["disparity"] is None else figures.number(float(one["disparity"]))
            right = figures.number(float(one["accuracy"]), figures.Scale(percent=True))
            needs = "; needs the group of each person" if one["by_group"] else ""
            rows.append(
                (
                    str(one["method"]),
                    f"accuracy {right}, difference {gap} ({figures.span((low, high), figures.Scale())}){needs}",
                )
            )
        rows += [(str(one["method"]), f"not tried: {one['why']}") for one in found.data.get("not_tried", [])]
    except (KeyError, TypeError, ValueError, AttributeError):
        return []  # an edited notebook recorded something else
    title = "What treating groups alike would cost"
    learnt = f"Learnt from {found.data.get('learnt_from')}. {found.data.get('caveat', '')}".strip()
    return [
        Block(
            kind="chart",
            chart="tradeoff",
            title=title,
            text="To the left groups are treated more alike; further up more decisions are right. Hollow: other "
            "thresholds for everybody.",
            findings=(found.id,),
        ),
        Block(kind="facts", title=f"{title}, in numbers", text=learnt, rows=tuple(rows), findings=(found.id,)),
    ]
