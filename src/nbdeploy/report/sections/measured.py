"""The sections of a card that tell what was measured: tables, charts, and what each means."""

from __future__ import annotations

from collections.abc import Sequence

from nbdeploy.documents.card import Block, CardSection
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.sections import Section
from nbdeploy.report import reasons, wording
from nbdeploy.report.charts import WIDE, charts_for
from nbdeploy.report.sections.bias import bias
from nbdeploy.report.sections.details import details
from nbdeploy.report.sections.tables import table

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
        blocks += bias(evidence, findings)
    elif single:
        blocks.append(table("What was measured", [finding for finding in single if not _repeats(finding, single)]))
        drawn = [block for finding in single for block in _charts(finding)]
        # Those that stand two abreast come first, so that each finds a partner.
        blocks += sorted(drawn, key=lambda block: block.chart in WIDE)
        blocks += [block for finding in single for block in details(finding)]
        blocks += _grouped([finding for finding in findings if finding.by_group])
    return CardSection(id=section, title=wording.section_name(section), lead=_LEADS[section], blocks=tuple(blocks))


def _repeats(finding: Finding, others: Sequence[Finding]) -> bool:
    """Return whether a finding only repeats the strongest of its own kind, feature by feature, and no gate asks for it.

    Its chart, which shows all features, stands for it then.
    """
    if finding.metric != "proxy_strength" or finding.features or finding.verdict is not None or not charts_for(finding):
        return False
    return any(other.metric == finding.metric and other.features for other in others)


def _absence(evidence: Evidence, section: Section, findings: Sequence[Finding]) -> list[Block]:
    """Say plainly that a section holds no, or only part of, its evidence."""
    stopped = [n for n in evidence.subject.notebooks if n.section == section and n.status != "completed"]
    why = [f"{n.name}: {n.reason or n.status.replace('_', ' ')}" for n in stopped]
    if any(finding.value is not None for finding in findings):
        return [Block(kind="note", title="Part of this section did not run", text="; ".join(why))] if why else []
    why = why or sorted({reasons.brief(finding) for finding in findings if finding.reason})
    ran = any(notebook.section == section for notebook in evidence.subject.notebooks)
    silent = "Its notebook ran and recorded nothing." if ran else "No notebook of this section took part in the run."
    return [Block(kind="note", title="Nothing was measured here", text=" ".join(why) or silent)]


_UNITS = {
    "permutation_importance": ("Measured as what is lost of", "scoring"),
    "shap_additivity_residual": ("Unit", "scale"),
}
"""By measure: how the unit of its chart is told, and where the finding holds it."""


def _charts(finding: Finding) -> list[Block]:
    unit = _UNITS.get(finding.metric)
    told = f" {unit[0]}: {_unit(finding.data[unit[1]])}." if unit and isinstance(finding.data.get(unit[1]), str) else ""
    return [
        Block(kind="chart", chart=chart.name, title=chart.title, text=chart.reading + told, findings=(finding.id,))
        for chart in charts_for(finding)
    ]


def _unit(name: str) -> str:
    return "that of the target" if name == "target" else name


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
