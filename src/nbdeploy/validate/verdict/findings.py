"""The verdict step: findings from measurements, outside of the notebooks that made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbdeploy.documents import catalog
from nbdeploy.documents.evidence import VerdictSummary
from nbdeploy.documents.finding import Finding, worst
from nbdeploy.documents.gate import GateCondition
from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import group_label
from nbdeploy.documents.sections import SECTIONS, Section
from nbdeploy.errors import DataError, closest
from nbdeploy.validate.data.slices import slice_columns
from nbdeploy.validate.verdict.advice import advise
from nbdeploy.validate.verdict.asked import Asked, asked
from nbdeploy.validate.verdict.held import held
from nbdeploy.validate.verdict.recomputable import is_recomputable, standard_fairness
from nbdeploy.validate.verdict.recompute import recompute
from nbdeploy.validate.verdict.tallies import Tallies


@dataclass(frozen=True)
class Silent:
    """Why a section, or a single measure by id, has no evidence, and what would give some."""

    reason: str
    advice: str = ""


@dataclass
class _Step:
    objective: Objective
    tallies: Tallies
    seed: int
    silent: Mapping[str, Silent]
    known: dict[str, Measurement] = field(default_factory=dict)
    twice: set[str] = field(default_factory=set)


def find(
    objective: Objective,
    recorded: Mapping[Section, Sequence[Measurement]],
    tallies: Tallies,
    *,
    silent: Mapping[str, Silent] | None = None,
    sections: Sequence[Section] = SECTIONS,
    seed: int = 0,
) -> tuple[Finding, ...]:
    """Form the findings.

    Parameters
    ----------
    recorded
        What completed notebooks recorded, by section. Whatever follows from the tallies is computed again here.
    silent
        By section, or by a measure's id: why there is no evidence. Gates on it are then not evaluated.
    sections
        Those whose findings are wanted.

    Returns
    -------
    tuple of Finding
        In the order of `sections`; a finding without a gate has no verdict.
    """
    step = _Step(objective, tallies, seed, silent or {})
    for section in sections:
        if section in step.silent or section not in recorded:
            continue
        for measurement in recorded[section]:
            _take(step, measurement)
        if section == "fairness":
            _complete_fairness(step)
    gates = {one.id: one for one in asked(objective)}
    findings: list[Finding] = []
    for section in sections:
        mine = [id_ for id_, measurement in step.known.items() if measurement.section == section]
        wanted = [id_ for id_, one in gates.items() if one.section == section and id_ not in step.known]
        findings += [_gated(step, gates[id_]) if id_ in gates else _finding(step.known[id_]) for id_ in mine]
        findings += [_gated(step, gates[id_]) for id_ in wanted]
    return tuple(findings)


def summary(findings: Iterable[Finding]) -> VerdictSummary:
    """Return the verdict of every gate and overall: fail > not_evaluated > inconclusive > pass."""
    gates = {finding.id: finding.verdict for finding in findings if finding.verdict is not None}
    return VerdictSummary(overall=worst(gates.values()), gates=gates)


def _take(step: _Step, measurement: Measurement) -> None:
    again = _again(step, measurement)
    if again is None and measurement.id in step.known:
        step.twice.add(measurement.id)
        return
    if again is not None:
        earlier = step.known.get(measurement.id)
        data = (earlier.data if earlier else {}) | measurement.data | again.data
        again = again.model_copy(update={"data": data, "note": measurement.note, "recomputed": True})
    step.known[measurement.id] = again or measurement


def _again(step: _Step, measurement: Measurement) -> Measurement | None:
    """Compute a measurement from the tallies, or return None where those do not tell."""
    if not is_recomputable(measurement.section, measurement.metric, step.objective.task):
        return None
    columns = {*measurement.features, *(slice_columns(measurement.slice) if measurement.slice else ())}
    if not columns <= set(step.tallies.features):
        return None
    return recompute(
        step.tallies,
        measurement.section,
        measurement.metric,
        measurement.features,
        measurement.slice,
        seed=step.seed,
    )


def _complete_fairness(step: _Step) -> None:
    """Add what a copied and shortened notebook left out of the standard set."""
    for metric, features in standard_fairness(step.objective):
        blank = Measurement(section="fairness", metric=metric, features=features)
        if blank.id not in step.known:
            _take(step, blank)


def _finding(measurement: Measurement, **more: Any) -> Finding:
    shared = measurement.model_dump(exclude={"undefined", "note"})
    reason = measurement.undefined or measurement.note or ""
    return Finding(id=measurement.id, **({"reason": reason} | shared | more))


def _gated(step: _Step, one: Asked) -> Finding:
    gate = GateCondition(op=one.gate.op, bound=one.gate.bound)
    quiet = step.silent.get(one.id) or step.silent.get(one.section)
    measurement = None if quiet else _measurement(step, one)
    if measurement is None:
        quiet = quiet or _unheard(step, one)
        return Finding(
            id=one.id,
            section=one.section,
            metric=one.metric,
            features=one.features,
            slice=one.where,
            gate=gate,
            verdict="not_evaluated",
            reason=quiet.reason,
            advice=quiet.advice,
        )
    measurement, judged = held(step.objective, step.tallies, one, measurement, seed=step.seed)
    advice = advise(step.objective, step.tallies, one, measurement, judged, seed=step.seed)
    return _finding(
        measurement,
        gate=gate,
        verdict=judged.verdict,
        reason=judged.reason + _left_out(measurement, one),
        advice=advice.text,
        rows_needed=advice.rows,
    )


def _measurement(step: _Step, one: Asked) -> Measurement | None:
    if one.id in step.twice:
        return None
    if one.id in step.known:
        return step.known[one.id]
    if not is_recomputable(one.section, one.metric, step.objective.task):
        return None
    try:
        found = recompute(
            step.tallies, one.section, one.metric, one.features, one.slice, group=one.group, seed=step.seed
        )
    except DataError as error:
        blank = Measurement(section=one.section, metric=one.metric, features=one.features, slice=one.where)
        return blank.model_copy(update={"undefined": error.fact})
    return found.model_copy(update={"recomputed": True})


def _unheard(step: _Step, one: Asked) -> Silent:
    if one.id in step.twice:
        return Silent(f"two notebooks recorded {one.id}", "keep one of them, or rename the measure in the other")
    names = [*{m.metric for m in step.known.values() if m.section == one.section}, *catalog.names(one.section)]
    return Silent(
        f"no notebook recorded {one.id}{closest(one.metric, names) if one.metric not in names else ''}",
        f"record it in a notebook in the validation folder: context.record({one.metric!r}, …)",
    )


def _left_out(measurement: Measurement, one: Asked) -> str:
    if not one.features:
        return ""
    excluded = measurement.data.get("excluded") or [group_label(g.group) for g in measurement.by_group if g.excluded]
    return f"; left out, too few rows: {'; '.join(excluded)}" if excluded else ""
