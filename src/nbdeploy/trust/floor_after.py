"""What an objective says about single columns, the rollout and the time after it, held to a floor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta

from nbdeploy.documents.gate import Gate
from nbdeploy.documents.objective import Column, Monitor, Rollout
from nbdeploy.trust.floor_gates import told, within
from nbdeploy.trust.policy.floor import MonitorFloor, RolloutFloor

_SPAN = re.compile(r"([1-9][0-9]*)([mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def column_breaches(name: str, declared: Column | None, least: Column) -> Iterator[str]:
    """Yield where the contract lets a column hold what the floor does not."""
    where = f"contract.{name}"
    if declared is None:
        yield f"{where}: missing, the policy asks for {_column(least)}"
        return
    if least.type is not None and declared.type != least.type:
        yield f"{where}.type: {declared.type or 'any'}, the policy asks for {least.type}"
    if least.range is not None and not _inside(declared.range, least.range):
        yield f"{where}.range: {_range(declared)}, the policy asks for {_range(least)}"
    if least.allowed is not None and not (declared.allowed is not None and {*declared.allowed} <= {*least.allowed}):
        given = "any value" if declared.allowed is None else ", ".join(map(str, declared.allowed))
        yield f"{where}.allowed: {given}, the policy allows {', '.join(map(str, least.allowed))}"
    if declared.nullable and not least.nullable:
        yield f"{where}.nullable: true, the policy says false"
    if least.unique and not declared.unique:
        yield f"{where}.unique: false, the policy says true"


def rollout_breaches(floor: RolloutFloor, rollout: Rollout) -> Iterator[str]:
    """Yield where a version would get to users faster, or less watched, than the floor allows."""
    if floor.strategies is not None and rollout.strategy not in floor.strategies:
        yield f"rollout.strategy: {rollout.strategy}, the policy allows {', '.join(floor.strategies) or 'none'}"
    if floor.min_bake_minutes is not None and rollout.bake_minutes < floor.min_bake_minutes:
        yield f"rollout.bake_minutes: {rollout.bake_minutes:g}, the policy asks for at least {floor.min_bake_minutes:g}"
    # Only these two give a share of the traffic at a time; the others' steps are passed over.
    first = rollout.steps[0] if rollout.strategy in ("canary", "ab") else 100.0
    if floor.max_first_step is not None and rollout.strategy != "shadow" and first > floor.max_first_step:
        yield f"rollout.steps: the first is {first:g} %, the policy allows at most {floor.max_first_step:g} %"
    yield from _watched("rollout.guardrails", rollout.guardrails, floor.guardrails)


def monitor_breaches(floor: MonitorFloor, monitor: Monitor) -> Iterator[str]:
    """Yield where less is watched after the release, or less often."""
    yield from _watched("monitor.drift", monitor.drift, floor.drift)
    yield from _watched("monitor.performance", monitor.performance, floor.performance)
    if floor.max_every is not None:
        longest, every = _span(floor.max_every), _span(monitor.every)
        if every is None or longest is None or every > longest:
            yield f"monitor.every: {monitor.every}, the policy asks for a look at least every {floor.max_every}"


def _watched(where: str, declared: Mapping[str, Gate], asked: Mapping[str, Gate]) -> Iterator[str]:
    for name, least in asked.items():
        given = declared.get(name)
        if given is None:
            yield f"{where}.{name}: missing, the policy asks for {told(least)}"
        elif not within(given, least) or given.slice != least.slice or given.group != least.group:
            yield f"{where}.{name}: {told(given)}, the policy asks for {told(least)}"


def _span(text: str) -> timedelta | None:
    """Return ``30m``, ``6h``, ``1d`` or ``2w`` as a time; None for anything else."""
    match = _SPAN.fullmatch(text.strip())
    return int(match[1]) * _UNITS[match[2]] if match else None


def _inside(declared: tuple[float, float] | None, least: tuple[float, float]) -> bool:
    return declared is not None and least[0] <= declared[0] and declared[1] <= least[1]


def _range(column: Column) -> str:
    return "any number" if column.range is None else f"{column.range[0]:g} to {column.range[1]:g}"


def _column(column: Column) -> str:
    said = column.model_dump(exclude_defaults=True, mode="json")
    return ", ".join(f"{name} {value}" for name, value in said.items()) or "an entry"
