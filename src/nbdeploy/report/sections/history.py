"""How often it was tried, and what changed in between."""

from __future__ import annotations

from nbdeploy.documents.card import CardSection
from nbdeploy.documents.evidence import Evidence, Run
from nbdeploy.report import wording
from nbdeploy.report.sections.facts import facts


def attempt(run: Run) -> str:
    """Return ``attempt 4``, ``draft``, or that the run was not recorded."""
    if run.draft:
        return "draft"
    return "not recorded" if run.attempt is None else f"attempt {run.attempt}"


def attempts(evidence: Evidence) -> CardSection:
    """Every attempt with its verdict, the present one last."""
    rows = [
        (
            f"Attempt {earlier.attempt}",
            f"{earlier.recorded:%-d %B %Y}: {wording.VERDICTS[earlier.overall].lower()}"
            + (f"; then changed: {'; '.join(earlier.changes)}" if earlier.changes else ""),
        )
        for earlier in evidence.attempts
    ]
    this = f"{attempt(evidence.run).capitalize()} (this card)"
    rows.append((this, f"{evidence.run.finished:%-d %B %Y}: {wording.VERDICTS[evidence.verdict.overall].lower()}"))
    if evidence.attempts:
        lead = "Every recorded run on this objective, kept whether it succeeded or not."
    elif evidence.run.attempt is None:
        lead = "This run was not recorded, so it has no number; how often it was tried before is unknown."
    else:
        lead = "This is the first recorded run on this objective."
    return CardSection(id="attempts", title="Attempts", lead=lead, blocks=(facts(*rows),))
