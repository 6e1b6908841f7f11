"""Whom it concerns: what it is for, who decides about it, and who may be harmed."""

from __future__ import annotations

from nbdeploy.documents.card import Block, CardSection
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.objective import Kpi
from nbdeploy.report import wording
from nbdeploy.report.sections.facts import facts
from nbdeploy.report.sections.outcomes import named


def intended_use(evidence: Evidence) -> CardSection:
    """What it is for, for whom, and what it must not be used for."""
    goal = evidence.objective.content.goal
    blocks = [
        facts(
            ("Business goal", goal.business),
            ("What the model does", goal.ai),
            ("Intended use", goal.intended_use),
            ("Not to be used for", "; ".join(goal.out_of_scope)),
            ("Used by", ", ".join(goal.users)),
            ("People affected", ", ".join(goal.affected)),
        )
    ]
    rows = [(kpi.name, _figure(kpi)) for kpi in evidence.objective.content.kpis]
    if rows:
        blocks.append(facts(*rows, title="Business figures it is meant to move"))
    lead = "What the model was built for, in the words of the objective."
    return CardSection(id="use", title="Intended use", lead=lead, blocks=tuple(blocks))


def _figure(kpi: Kpi) -> str:
    when = f" by {kpi.by:%-d %B %Y}" if kpi.by else ", no date set"
    how = f" ({kpi.measured})" if kpi.measured else ""
    return f"now {_or_unknown(kpi.now)}, target {_or_unknown(kpi.target)}{when}{how}"


def _or_unknown(value: float | str | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:g}" if isinstance(value, float) else wording.spoken(str(value))


def oversight(evidence: Evidence) -> CardSection:
    """Who decides, and what this card cannot say about it."""
    lead = (
        "A person other than the one who asks must take responsibility before this model serves anyone, "
        "where policy asks for it."
    )
    told = facts(
        ("Its answers go to", ", ".join(evidence.objective.content.goal.users)),
        ("Left to a person’s judgement", _open_questions(evidence)),
        ("Going back", f"nbdeploy rollback {evidence.objective.name}: all traffic to the version before, at once"),
        ("Overruling a single answer", "Not recorded here: the procedure of whoever uses the answers"),
    )
    text = (
        "Who signed, under which conditions and until when stands on the decision sheet, which is "
        "made from the signed ledger; a card is frozen before anyone signs and cannot tell."
    )
    return CardSection(id="oversight", title="Human oversight", lead=lead, blocks=(told, Block(kind="text", text=text)))


def _open_questions(evidence: Evidence) -> str:
    """Return what the gates leave open, which somebody has to answer before the model serves anyone."""
    open_ = [finding for finding in evidence.gated() if finding.verdict != "pass"]
    if not open_:
        return "No gate is open; what no gate asks about stands under the ethical considerations and caveats"
    return f"{wording.counted(len(open_), 'gate')} that did not pass: {named(open_)}"


def ethics(evidence: Evidence) -> CardSection:
    """Who may be harmed, and what nobody looked at."""
    objective = evidence.objective.content
    rows = (
        ("People affected", ", ".join(objective.goal.affected) or None),
        ("Sensitive features used to look for bias", ", ".join(objective.sensitive) or "None declared"),
        (
            "Single persons’ rows on this card",
            "May appear: the objective says that those concerned consented"
            if objective.examples == "consented"
            else "None: aggregates only",
        ),
        (
            "Not assessed here",
            (
                "Privacy and consent of the data, misuse, security, accessibility, environmental cost, and "
                "effects on people who are not in the data"
            ),
        ),
    )
    lead = "What the numbers cannot settle. A model may pass every gate and still be wrong to use."
    return CardSection(id="ethics", title="Ethical considerations", lead=lead, blocks=(facts(*rows),))
