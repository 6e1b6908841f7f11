"""From evidence to card: nothing is measured or judged here, only put in the order in which a reader needs it."""

from __future__ import annotations

from collections.abc import Mapping

from nbdeploy.documents.card import Card
from nbdeploy.documents.evidence import Digest, Evidence
from nbdeploy.report.coverage import coverage
from nbdeploy.report.sections.caveats import caveats
from nbdeploy.report.sections.glossary import glossary
from nbdeploy.report.sections.history import attempts
from nbdeploy.report.sections.judging import factors, metrics
from nbdeploy.report.sections.measured import measured
from nbdeploy.report.sections.people import ethics, intended_use, oversight
from nbdeploy.report.sections.plans import monitoring
from nbdeploy.report.sections.regulations import regulations
from nbdeploy.report.sections.subject import evaluation_data, model_details, training_data
from nbdeploy.report.sections.summary import summary
from nbdeploy.report.sections.verification import verification


def assemble(evidence: Evidence, evidence_digest: Digest, templates: Mapping[str, Digest] | None = None) -> Card:
    """Return the card of some evidence: the sections of Mitchell et al. 2019 (arXiv 1810.03993), then ours.

    The same evidence always gives the same card: its date is the end of the run. `templates` are the project's own that
    it is to be rendered with, each by its digest.
    """
    covered = coverage(evidence)
    told = (
        summary(evidence),
        model_details(evidence),
        intended_use(evidence),
        factors(evidence),
        metrics(evidence),
        evaluation_data(evidence),
        training_data(evidence),
        measured(evidence, "performance"),
        measured(evidence, "fairness"),
        measured(evidence, "explainability"),
        measured(evidence, "robustness"),
        measured(evidence, "data"),
        measured(evidence, "operations"),
        oversight(evidence),
        monitoring(evidence),
        attempts(evidence),
        ethics(evidence),
        caveats(evidence),
        regulations(evidence, covered),
        verification(evidence, evidence_digest, templates or {}),
    )
    terms = glossary(evidence, told)
    sections = (*told, terms) if terms else told
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
        coverage=covered,
        templates=dict(templates or {}),
        sections=sections,
    )
