"""Whether one gate asks at least as much as another."""

from __future__ import annotations

from nbdeploy.documents.gate import Gate
from nbdeploy.documents.sections import Section


def at_least(section: Section, declared: Gate, asked: Gate) -> bool:
    """Whether everything that satisfies the declared gate satisfies the asked one too."""
    return within(declared, asked) and _covers(section, declared, asked)


def within(declared: Gate, asked: Gate) -> bool:
    """Whether every number that the declared condition takes is one that the asked condition takes."""
    low, high = declared.region
    asked_low, asked_high = asked.region
    # An open end is stricter than a closed one at the same bound: "> 0.8" satisfies ">= 0.8", not the other way round.
    if asked.op == ">" and declared.op != ">" and low == asked_low:
        return False
    if asked.op == "<" and declared.op != "<" and high == asked_high:
        return False
    return asked_low <= low and high <= asked_high


def _covers(section: Section, declared: Gate, asked: Gate) -> bool:
    """Whether the declared gate looks at all rows, groups and features that the asked one looks at."""
    if not set(asked.features or ()) <= set(declared.features or ()) or (asked.n or 0) > (declared.n or 0):
        return False
    # What holds over all rows need not hold on a slice of them, nor the other way round.
    if declared.slice != asked.slice:
        return False
    # A fairness gate without a group is held by every group; elsewhere one without a group is about all rows.
    return declared.group == asked.group or (section == "fairness" and declared.group is None)


def told(gate: Gate) -> str:
    """Return a gate in words, with what it is about."""
    text = str(gate)
    if gate.features:
        text += f" for {', '.join(gate.features)} among the top {gate.n}"
    if gate.group:
        text += f" in group {gate.group}"
    return f"{text} on {gate.slice}" if gate.slice else text
