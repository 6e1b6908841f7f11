"""What changed between two texts of an objective, in words that a card can print."""

from __future__ import annotations

from collections.abc import Iterator

from nbdeploy.documents.objective import Objective

_TOLD = (
    "target",
    "positive",
    "favourable",
    "threshold",
    "predicted",
    "sensitive",
    "control",
    "min_group_size",
    "decide",
    "level",
)


def changes(before: Objective, after: Objective) -> tuple[str, ...]:
    """Return one line per change that matters to a verdict: ``performance.roc_auc: >= 0.8 → >= 0.75``."""
    return tuple(_changes(before, after))


def _changes(before: Objective, after: Objective) -> Iterator[str]:
    old = {f"{section}.{name}": str(gate) for section, name, gate in before.each_gate()}
    new = {f"{section}.{name}": str(gate) for section, name, gate in after.each_gate()}
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"{name}: gate removed (was {old[name]})"
        elif name not in old:
            yield f"{name}: gate added ({new[name]})"
        elif old[name] != new[name]:
            yield f"{name}: {old[name]} → {new[name]}"
    for field in _TOLD:
        if getattr(before, field) != getattr(after, field):
            yield f"{field}: {_word(getattr(before, field))} → {_word(getattr(after, field))}"


def _word(value: object) -> str:
    if value is None or value == ():
        return "not declared"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
