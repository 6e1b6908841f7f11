"""What changed between two texts of an objective, in words that a card can print."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from nbdeploy.documents.gate import Gate
from nbdeploy.documents.objective import Column, Objective
from nbdeploy.documents.record import group_label

_TOLD = (
    "task",
    "target",
    "positive",
    "favourable",
    "threshold",
    "predicted",
    "score",
    "sensitive",
    "control",
    "min_group_size",
    "decide",
    "level",
)


def changes(before: Objective, after: Objective) -> tuple[str, ...]:
    """Return one line per change that matters to a verdict: ``performance.roc_auc: >= 0.8 → >= 0.75``."""
    return tuple(_changes(before, after))


def in_full(gate: Gate) -> str:
    """Return the whole of a gate: one for fewer rows or another group asks for something else."""
    parts = [str(gate)]
    if isinstance(gate.group, dict):
        parts.append(f"in {group_label(gate.group)}")
    elif gate.group is not None:
        parts.append(f"by {', '.join(gate.group)}")
    if gate.slice is not None:
        parts.append(f"where {gate.slice}")
    if gate.features is not None:
        parts.append(f"of {', '.join(gate.features)} in the first {gate.n}")
    return " ".join(parts)


def _changes(before: Objective, after: Objective) -> Iterator[str]:
    yield from _one_by_one(_gates(before), _gates(after), "gate ")
    for field in _TOLD:
        if getattr(before, field) != getattr(after, field):
            yield f"{field}: {_word(getattr(before, field))} → {_word(getattr(after, field))}"
    yield from _one_by_one(_costs(before), _costs(after))
    yield from _one_by_one(_columns(before), _columns(after), "rule ")


def _one_by_one(old: Mapping[str, str], new: Mapping[str, str], what: str = "") -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"{name}: {what}removed (was {old[name]})"
        elif name not in old:
            yield f"{name}: {what}added ({new[name]})"
        elif old[name] != new[name]:
            yield f"{name}: {old[name]} → {new[name]}"


def _gates(objective: Objective) -> dict[str, str]:
    return {f"{section}.{name}": in_full(gate) for section, name, gate in objective.each_gate()}


def _costs(objective: Objective) -> dict[str, str]:
    stated = objective.costs.model_dump(exclude_defaults=True) if objective.costs is not None else {}
    return {f"costs.{name}": str(value) for name, value in stated.items()}


def _columns(objective: Objective) -> dict[str, str]:
    return {f"contract.{name}": _rule(rule) for name, rule in objective.contract.items()}


def _rule(rule: Column) -> str:
    stated = rule.model_dump(exclude_defaults=True)
    return ", ".join(f"{key} {_word(value)}" for key, value in stated.items()) or "any value"


def _word(value: object) -> str:
    if value is None or value == ():
        return "not declared"
    if isinstance(value, tuple):
        return ", ".join(_word(one) if _looks_otherwise(one) else str(one) for one in value)
    return repr(value) if _looks_otherwise(value) else str(value)


def _looks_otherwise(value: object) -> bool:
    """Whether a text would be read as a number or as true or false: '1' and 1 are two classes."""
    return isinstance(value, str) and re.fullmatch(r"[-+.\d]+|true|false", value, re.IGNORECASE) is not None
