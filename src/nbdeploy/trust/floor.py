"""The floor: every way in which an objective can ask less than the policy does."""

from __future__ import annotations

from collections.abc import Iterator

from nbdeploy.documents.objective import Gate, Objective, Section
from nbdeploy.trust.policy import Policy


def floor_breaches(policy: Policy, objective: Objective) -> tuple[str, ...]:
    """Return one line, with both values, for each point on which the objective undercuts the floor; empty when none."""
    return tuple(_breaches(policy, objective))


def _breaches(policy: Policy, objective: Objective) -> Iterator[str]:
    floor = policy.floor
    missing = [feature for feature in floor.sensitive if feature not in objective.sensitive]
    if missing:
        declared = ", ".join(objective.sensitive) or "none"
        yield f"sensitive: the policy asks for {', '.join(missing)}, declared: {declared}"
    if floor.max_min_group_size is not None and objective.min_group_size > floor.max_min_group_size:
        yield f"min_group_size: {objective.min_group_size}, the policy allows at most {floor.max_min_group_size}"
    if floor.decide == "interval" and objective.decide == "point":
        yield "decide: point, the policy asks for interval"
    if floor.min_level is not None and objective.level < floor.min_level:
        yield f"level: {objective.level:g}, the policy asks for at least {floor.min_level:g}"
    for section, gates in floor.gates.items():
        for name, asked in gates.items():
            declared_gate = objective.gates.get(section, {}).get(name)
            if declared_gate is None:
                yield f"gates.{section}.{name}: missing, the policy asks for {asked}"
            elif not at_least(section, declared_gate, asked):
                yield f"gates.{section}.{name}: {_told(declared_gate)}, the policy asks for {_told(asked)}"


def at_least(section: Section, declared: Gate, asked: Gate) -> bool:
    """Whether everything that satisfies the declared gate satisfies the asked one too."""
    low, high = declared.region
    asked_low, asked_high = asked.region
    # An open end is stricter than a closed one at the same bound: "> 0.8" satisfies ">= 0.8", not the other way round.
    if asked.op == ">" and declared.op != ">" and low == asked_low:
        return False
    if asked.op == "<" and declared.op != "<" and high == asked_high:
        return False
    return asked_low <= low and high <= asked_high and _covers(section, declared, asked)


def _covers(section: Section, declared: Gate, asked: Gate) -> bool:
    """Whether the declared gate looks at all rows, groups and features that the asked one looks at."""
    if not set(asked.features or ()) <= set(declared.features or ()) or (asked.n or 0) > (declared.n or 0):
        return False
    # What holds over all rows need not hold on a slice of them, nor the other way round.
    if declared.slice != asked.slice:
        return False
    # A fairness gate without a group is held by every group; elsewhere one without a group is about all rows.
    return declared.group == asked.group or (section == "fairness" and declared.group is None)


def _told(gate: Gate) -> str:
    text = str(gate)
    if gate.features:
        text += f" for {', '.join(gate.features)} among the top {gate.n}"
    if gate.group:
        text += f" in group {gate.group}"
    return f"{text} on {gate.slice}" if gate.slice else text
