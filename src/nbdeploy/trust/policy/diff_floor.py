"""What became looser and what stricter between two floors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nbdeploy.documents.gate import Gate
from nbdeploy.documents.objective import Column
from nbdeploy.documents.sections import Section
from nbdeploy.trust.floor_after import column_breaches
from nbdeploy.trust.floor_gates import at_least, told, within
from nbdeploy.trust.policy.changes import Change, fewer_is_stricter, fewer_of, graded, limit
from nbdeploy.trust.policy.floor import Floor

_PINNED = ("target", "task", "positive", "favourable", "costs", "local_law_144", "examples")


def floor_changes(where: str, old: Floor, new: Floor) -> Iterator[Change]:
    """Yield every change of a floor."""
    for name, word in (("sensitive", "every objective looks at"), ("sections", "a gate must be declared for")):
        was, now = getattr(old, name), getattr(new, name)
        yield from (Change("loosened", where, f"no longer: {word} {one}") for one in was if one not in now)
        yield from (Change("tightened", where, f"{word} {one}") for one in now if one not in was)
    yield from fewer_is_stricter(where, "largest minimum group size", old.max_min_group_size, new.max_min_group_size)
    yield from limit(where, "lowest level", old.min_level, new.min_level, float.__gt__)
    yield from fewer_is_stricter(where, "highest level", old.max_level, new.max_level)
    yield from graded(where, "decide", old.decide or "point", new.decide or "point", ("point", "interval"))
    for section in dict.fromkeys([*old.gates, *new.gates]):
        yield from _gates(where, section, old.gates.get(section, {}), new.gates.get(section, {}))
    yield from limit(where, "threshold", old.threshold, new.threshold, within)
    for name in _PINNED:
        yield from limit(where, name, getattr(old, name), getattr(new, name), None)
    yield from _control(where, old.control, new.control)
    yield from _columns(where, old.contract, new.contract)
    yield from _afterwards(where, old, new)


def _control(where: str, was: tuple[str, ...] | None, now: tuple[str, ...] | None) -> Iterator[Change]:
    if was != now:
        stricter = now is not None and (was is None or set(now) < set(was))
        said = ["any factor" if names is None else ", ".join(names) or "no factor" for names in (now, was)]
        text = f"an objective may condition on {said[0]}, before {said[1]}"
        yield Change("tightened" if stricter else "loosened", where, text)


def _afterwards(where: str, old: Floor, new: Floor) -> Iterator[Change]:
    was, now = old.rollout, new.rollout
    yield from fewer_of(where, "may be the strategy", was.strategies or (), now.strategies or (), empty="any strategy")
    yield from limit(where, "minutes of each step", was.min_bake_minutes, now.min_bake_minutes, float.__gt__)
    yield from fewer_is_stricter(where, "percent of the first step", was.max_first_step, now.max_first_step)
    yield from _gates(where, "guardrail", was.guardrails, now.guardrails)
    yield from _gates(where, "drift", old.monitor.drift, new.monitor.drift)
    yield from _gates(where, "monitored performance", old.monitor.performance, new.monitor.performance)
    yield from limit(where, "longest time between two looks", old.monitor.max_every, new.monitor.max_every, None)


def _gates(where: str, section: Section | str, old: Mapping[str, Gate], new: Mapping[str, Gate]) -> Iterator[Change]:
    for name in dict.fromkeys([*old, *new]):
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        holder: Section = "fairness" if section == "fairness" else "data"  # only fairness reads groups in its own way
        stricter = now is not None and (was is None or at_least(holder, now, was))
        said = [told(gate) if gate else "none" for gate in (now, was)]
        yield Change("tightened" if stricter else "loosened", where, f"{section}.{name}: {said[0]}, before {said[1]}")


def _columns(where: str, old: Mapping[str, Column], new: Mapping[str, Column]) -> Iterator[Change]:
    for name in dict.fromkeys([*old, *new]):
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        looser = tuple(column_breaches(name, now, was)) if was is not None else ()
        said = [_column(column) for column in (now, was)]
        yield Change("loosened" if looser else "tightened", where, f"column {name}: {said[0]}, before {said[1]}")


def _column(column: Column | None) -> str:
    content = {} if column is None else column.model_dump(exclude_defaults=True, mode="json")
    return ", ".join(f"{name} {value}" for name, value in content.items()) or "anything"
