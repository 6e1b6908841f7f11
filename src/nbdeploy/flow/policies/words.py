"""A policy's floors in words."""

from __future__ import annotations

from collections.abc import Iterator

from nbdeploy.flow.show import Table
from nbdeploy.trust.floor_gates import told
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.floor import Floor


def floor_tables(policy: Policy) -> list[Table]:
    """Return a table for each floor that asks for something."""
    floors = [
        ("every objective", policy.floor),
        *((f"objectives for {one}", floor) for one, floor in policy.floors.items()),
    ]
    made = [(whose, tuple(_rows(floor))) for whose, floor in floors]
    return [Table((f"asked of {whose}", "at least"), rows) for whose, rows in made if rows]


def _rows(floor: Floor) -> Iterator[tuple[str, str]]:
    if floor.sensitive:
        yield "looks at the features", ", ".join(floor.sensitive)
    if floor.sections:
        yield "has a gate for", ", ".join(floor.sections)
    if floor.max_min_group_size is not None:
        yield "judges every group of", f"{floor.max_min_group_size} rows or more"
    if floor.decide == "interval":
        yield "decides by", "the whole interval, not the point alone"
    if floor.min_level is not None or floor.max_level is not None:
        parts = [f"from {floor.min_level:g}"] * (floor.min_level is not None)
        parts += [f"up to {floor.max_level:g}"] * (floor.max_level is not None)
        yield "has intervals of level", " ".join(parts)
    for section, gates in floor.gates.items():
        for name, gate in gates.items():
            yield f"gate {section}.{name}", told(gate)
    yield from _pinned(floor)
    yield from _afterwards(floor)


def _pinned(floor: Floor) -> Iterator[tuple[str, str]]:
    for name in ("target", "task", "positive", "favourable", "examples"):
        value = getattr(floor, name)
        if value is not None:
            yield f"says {name}:", str(value)
    if floor.threshold is not None:
        yield "decides with a threshold", told(floor.threshold)
    if floor.control is not None:
        yield "conditions on nothing but", ", ".join(floor.control) or "nothing at all"
    if floor.costs is not None:
        said = floor.costs.model_dump(exclude_defaults=True)
        yield "counts costs as", ", ".join(f"{name} {cost}" for name, cost in said.items())
    if floor.local_law_144 is not None:
        yield "is audited by", f"{floor.local_law_144.sex} and {floor.local_law_144.race_ethnicity}"
    for name, column in floor.contract.items():
        said = column.model_dump(exclude_defaults=True, mode="json")
        yield f"holds the column {name} to", ", ".join(f"{what} {value}" for what, value in said.items())


def _afterwards(floor: Floor) -> Iterator[tuple[str, str]]:
    rollout, monitor = floor.rollout, floor.monitor
    if rollout.strategies is not None:
        yield "is rolled out by", " or ".join(rollout.strategies)
    if rollout.max_first_step is not None:
        yield "gives its first step", f"at most {rollout.max_first_step:g} % of the traffic"
    if rollout.min_bake_minutes is not None:
        yield "watches each step for", f"{rollout.min_bake_minutes:g} minutes or more"
    for what, gates in (
        ("guardrail", rollout.guardrails),
        ("watched drift", monitor.drift),
        ("watched performance", monitor.performance),
    ):
        for name, gate in gates.items():
            yield f"{what} {name}", told(gate)
    if monitor.max_every is not None:
        yield "is looked at after release", f"every {monitor.max_every} or more often"
