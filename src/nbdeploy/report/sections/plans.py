"""What is planned: how the model would reach its users, and what is watched afterwards."""

from __future__ import annotations

from collections.abc import Mapping

from nbdeploy.documents.card import Block, CardSection
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.gate import Gate
from nbdeploy.documents.objective import Rollout
from nbdeploy.report import figures, wording
from nbdeploy.report.sections.facts import facts


def monitoring(evidence: Evidence) -> CardSection:
    """How it would reach its users and what is watched afterwards."""
    monitor = evidence.objective.content.monitor
    blocks = [_release(evidence.objective.content.rollout)]
    watched = bool(monitor.drift or monitor.performance)
    if watched or monitor.retrain:
        after = facts(
            ("Drift", _conditions(monitor.drift) or None),
            ("Performance", _conditions(monitor.performance) or None),
            ("How often", monitor.every if watched else None),
            ("Retraining", monitor.retrain),
            title="After the release",
        )
        blocks.append(after)
    lead = (
        "What must go on holding, as the objective plans it."
        if watched
        else "The objective plans no monitoring after the release."
    )
    return CardSection(id="monitoring", title="Monitoring plan", lead=lead, blocks=tuple(blocks))


def _release(rollout: Rollout) -> Block:
    steps = " → ".join(f"{step:g}\u00a0%" for step in rollout.steps)
    minutes = rollout.bake_minutes
    watched = f"{minutes:g} minutes" if minutes >= 1 else f"{minutes * 60:g} seconds"
    return facts(
        ("Strategy", f"{rollout.strategy}: {steps} of the traffic"),
        ("Watched at each step", "1 minute" if minutes == 1 else watched),
        ("Stops and goes back unless", _conditions(rollout.guardrails) or None),
        title="Release",
    )


_WATCHED: dict[str, tuple[str, figures.Scale]] = {
    "error_rate": ("share of failed answers", figures.Scale(percent=True)),
    "latency_p95_ms": ("latency, 95th percentile", figures.Scale(unit="ms")),
}


def _conditions(gates: Mapping[str, Gate]) -> str:
    said = []
    for metric, gate in gates.items():
        name, how = _WATCHED.get(metric, (metric.replace("_", " "), figures.Scale()))
        said.append(f"{name} {wording.asked(gate, how)}")
    return "; ".join(said)
