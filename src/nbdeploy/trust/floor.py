"""The floor: every way in which an objective can ask less than the policy does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nbdeploy.documents.costs import Costs
from nbdeploy.documents.objective import RISK_TIERS, ImpactAudit, Objective
from nbdeploy.trust.floor_after import column_breaches, monitor_breaches, rollout_breaches
from nbdeploy.trust.floor_gates import at_least, told
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.floor import Floor


def floor_breaches(policy: Policy, objective: Objective) -> tuple[str, ...]:
    """Return one line, with both values, for each point on which the objective undercuts the floor; empty when none.

    The policy's own floor holds, and each of its floors that names the objective's model.
    """
    lines = [*_tier(policy, objective)]
    for floor in policy.floors_of(objective.governed_model):
        lines += _breaches(floor, objective)
    return tuple(dict.fromkeys(lines))


def _tier(policy: Policy, objective: Objective) -> Iterator[str]:
    asked = policy.tier(objective.governed_model)
    if RISK_TIERS.index(objective.risk_tier) < RISK_TIERS.index(asked):
        yield f"risk_tier: {objective.risk_tier}, the policy says {asked} for {objective.governed_model}"


def _breaches(floor: Floor, objective: Objective) -> Iterator[str]:
    yield from _judging(floor, objective)
    yield from _meaning(floor, objective)
    for section in floor.sections:
        if not objective.gates.get(section):
            yield f"gates.{section}: no gate, the policy asks for at least one"
    for section, gates in floor.gates.items():
        for name, asked in gates.items():
            declared = objective.gates.get(section, {}).get(name)
            if declared is None:
                yield f"gates.{section}.{name}: missing, the policy asks for {told(asked)}"
            elif not at_least(section, declared, asked):
                yield f"gates.{section}.{name}: {told(declared)}, the policy asks for {told(asked)}"
    for column, least in floor.contract.items():
        yield from column_breaches(column, objective.contract.get(column), least)
    yield from rollout_breaches(floor.rollout, objective.rollout)
    yield from monitor_breaches(floor.monitor, objective.monitor)


def _judging(floor: Floor, objective: Objective) -> Iterator[str]:
    """Yield where less is looked at, or less evidence is asked for."""
    missing = [feature for feature in floor.sensitive if feature not in objective.sensitive]
    if missing:
        yield f"sensitive: the policy asks for {', '.join(missing)}, declared: {_listed(objective.sensitive)}"
    if floor.max_min_group_size is not None and objective.min_group_size > floor.max_min_group_size:
        yield f"min_group_size: {objective.min_group_size}, the policy allows at most {floor.max_min_group_size}"
    if floor.decide == "interval" and objective.decide == "point":
        yield "decide: point, the policy asks for interval"
    if floor.min_level is not None and objective.level < floor.min_level:
        yield f"level: {objective.level:g}, the policy asks for at least {floor.min_level:g}"
    if floor.max_level is not None and objective.level > floor.max_level:
        yield (
            f"level: {objective.level:g}, the policy allows at most {floor.max_level:g}: above, what fails would only "
            "be undecided"
        )
    if floor.control is not None:
        foreign = [factor for factor in objective.control if factor not in floor.control]
        if foreign:
            yield f"control: {', '.join(foreign)}, the policy lets an objective condition on: {_listed(floor.control)}"


def _meaning(floor: Floor, objective: Objective) -> Iterator[str]:
    """Yield where the same words would measure something else."""
    for name, asked, declared in (
        ("target", floor.target, objective.target),
        ("task", floor.task, objective.task),
        ("positive", floor.positive, objective.positive_class),
        ("favourable", floor.favourable, objective.favourable_class),
        ("costs", floor.costs, objective.costs),
        ("examples", floor.examples, objective.examples),
    ):
        if asked is not None and not _same(declared, asked):
            yield f"{name}: {_told(declared)}, the policy says {_told(asked)}"
    if floor.threshold is not None:
        if objective.predicted is not None:
            yield f"threshold: decisions come ready-made, the policy asks for a threshold {told(floor.threshold)}"
        elif not floor.threshold.holds(objective.decision_threshold):
            yield f"threshold: {objective.decision_threshold:g}, the policy asks for {told(floor.threshold)}"
    if floor.local_law_144 is not None:
        yield from _audited(floor.local_law_144, objective.regulations.local_law_144)


def _audited(least: ImpactAudit, audit: ImpactAudit | None) -> Iterator[str]:
    asked = f"{least.sex} and {least.race_ethnicity}"
    if audit is None:
        yield f"regulations.local_law_144: missing, the policy asks for {asked} as its categories"
        return
    if (audit.sex, audit.race_ethnicity) != (least.sex, least.race_ethnicity):
        declared = f"{audit.sex} and {audit.race_ethnicity}"
        yield f"regulations.local_law_144: {declared}, the policy says {asked}"
    more = [str(value) for value in audit.unknown if value not in least.unknown]
    if more:
        known = _listed(map(str, least.unknown))
        yield f"regulations.local_law_144.unknown: {', '.join(more)}, the policy takes as unknown: {known}"


def _same(declared: object, pinned: object) -> bool:
    """Whether two values are one; True is not 1 here, for a column holds one or the other."""
    return declared == pinned and isinstance(declared, bool) == isinstance(pinned, bool)


def _told(value: object) -> str:
    if isinstance(value, Costs):
        return ", ".join(f"{name} {cost}" for name, cost in value.model_dump(exclude_defaults=True).items())
    return "none" if value is None else str(value)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
