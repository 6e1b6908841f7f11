"""From evidence to card: nothing is measured or judged here, only put in the order in which a reader needs it."""

from __future__ import annotations

from nbdeploy.documents.card import Block, Card, CardSection
from nbdeploy.documents.evidence import Digest, Evidence
from nbdeploy.report import described
from nbdeploy.report.inert import deceptive_texts
from nbdeploy.report.measured import measured
from nbdeploy.report.summary import summary
from nbdeploy.report.verification import verification


def assemble(evidence: Evidence, evidence_digest: Digest) -> Card:
    """Return the card of some evidence: the sections of Mitchell et al. 2019 (arXiv 1810.03993), then ours.

    The same evidence always gives the same card: its date is the end of the run.
    """
    sections = (
        summary(evidence),
        described.model_details(evidence),
        described.intended_use(evidence),
        described.factors(evidence),
        described.metrics(evidence),
        described.evaluation_data(evidence),
        described.training_data(evidence),
        measured(evidence, "performance"),
        measured(evidence, "fairness"),
        measured(evidence, "explainability"),
        measured(evidence, "robustness"),
        measured(evidence, "data"),
        measured(evidence, "operations"),
        described.oversight(evidence),
        described.monitoring(evidence),
        described.attempts(evidence),
        described.ethics(evidence),
        _caveats(evidence),
        verification(evidence, evidence_digest),
    )
    model = evidence.subject.model
    version = f"/{model.version}" if model is not None and model.version else ""
    return Card(
        title=f"{(model.name if model else None) or evidence.objective.content.governed_model}{version}",
        created=evidence.run.finished,
        evidence=evidence_digest,
        objective=evidence.objective,
        subject=evidence.subject,
        run=evidence.run,
        verdict=evidence.verdict,
        findings=evidence.findings,
        attempts=evidence.attempts,
        warnings=evidence.warnings,
        sections=sections,
    )


def _caveats(evidence: Evidence) -> CardSection:
    told = list(described.caveats(evidence))
    hidden = deceptive_texts(evidence)
    if hidden:
        told.insert(
            0,
            f"{hidden} {'name or text holds' if hidden == 1 else 'names or texts hold'} hidden "
            "characters or letters of another alphabet "
            "that look like Latin ones; hidden ones are written out as ⟨U+…⟩. Compare fingerprints, not names.",
        )
    if not told:
        told = ["None beyond those of every measurement: it holds for data like the evaluated rows, and for no other."]
    return CardSection(
        id="caveats",
        title="Caveats and recommendations",
        lead="What this evidence does not show.",
        blocks=tuple(Block(kind="text", text=text, options={"item": True}) for text in told),
    )
