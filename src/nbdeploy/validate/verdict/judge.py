"""Pass, fail or inconclusive: one quantity held to one gate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from nbdeploy.documents.finding import Verdict, worst
from nbdeploy.documents.gate import Gate
from nbdeploy.documents.measurement import GroupValue
from nbdeploy.documents.record import Interval, group_label
from nbdeploy.stats.binomial import normal_quantile, shared_level


@dataclass(frozen=True)
class Judged:
    """A verdict with its reason in words; `group` is the one that decided, where groups were judged one by one."""

    verdict: Verdict
    reason: str
    group: GroupValue | None = None


def number(value: float | None) -> str:
    """Return a number as the reasons print it."""
    return "undefined" if value is None else f"{value:.4g}"


def shown(value: float | None, interval: Interval | None) -> str:
    """Return ``0.81 (0.78 to 0.84)``."""
    if interval is None:
        return number(value)
    low, high = limits(interval)
    return f"{number(value)} ({low:.4g} to {high:.4g})"


def limits(interval: Interval) -> tuple[float, float]:
    """Return the ends of an interval; one that is not known is infinite."""
    low, high = interval
    return -math.inf if low is None else low, math.inf if high is None else high


def judge(
    gate: Gate,
    value: float | None,
    interval: Interval | None,
    decide: Literal["interval", "point"],
    undefined: str | None,
) -> Judged:
    """Hold one quantity to a gate.

    `pass` if the whole interval satisfies the gate, `fail` if the whole interval violates it, else `inconclusive`. The
    value alone decides where the objective says so, where there is no interval, and for equalities, which no interval
    of any width could ever satisfy, unless it counts and its limits are whole numbers; the reason then says so.
    """
    if value is None or math.isnan(value):
        return Judged("not_evaluated", undefined or "the value is undefined")
    by_value = _why_by_value(gate, value, interval, decide)
    if by_value or interval is None:
        holds = gate.holds(value)
        text = (
            f"{shown(value, interval)} {'satisfies' if holds else 'violates'} {gate}, judged by its value: {by_value}"
        )
        return Judged("pass" if holds else "fail", text)
    low, high = limits(interval)
    said = shown(value, interval)
    if gate.holds(low) and gate.holds(high):
        return Judged("pass", f"{said}: the whole interval satisfies {gate}")
    if _violates(gate, low, high):
        return Judged("fail", f"{said}: the whole interval violates {gate}")
    return Judged("inconclusive", f"{said}: the interval lies on both sides of {gate}")


def _why_by_value(gate: Gate, value: float, interval: Interval | None, decide: Literal["interval", "point"]) -> str:
    if interval is None:
        return "it has no interval"
    if gate.op == "==" and not all(math.isfinite(one) and one == int(one) for one in (value, *limits(interval))):
        return "the gate asks for one exact value"
    return "the objective says `decide: point`" if decide == "point" else ""


def _violates(gate: Gate, low: float, high: float) -> bool:
    """Whether no value from low to high satisfies the gate."""
    least, most = gate.region
    if gate.op == ">":
        return high <= least
    if gate.op == "<":
        return low >= most
    return high < least or low > most


def judge_groups(
    gate: Gate, groups: Sequence[GroupValue], decide: Literal["interval", "point"], *, min_size: int
) -> Judged:
    """Hold every group to a gate: `fail` if some named group violates it, `pass` if every eligible one satisfies it.

    Intervals must hold together over the groups.
    """
    eligible = [group for group in groups if not group.excluded]
    if not eligible:
        return Judged("not_evaluated", f"no group has the {min_size} rows that count, which min_group_size asks for")
    each = [(judge(gate, group.value, group.interval, decide, "0/0 is undefined"), group) for group in eligible]
    overall = worst(judged.verdict for judged, _ in each)
    deciding, group = min(
        ((judged, group) for judged, group in each if judged.verdict == overall), key=lambda pair: _room(gate, pair[1])
    )
    every = "every group satisfies the gate; the closest is " if overall == "pass" and len(eligible) > 1 else ""
    return Judged(overall, f"{every}{group_label(group.group)}: {deciding.reason}", group)


def held_together(groups: Sequence[GroupValue], level: float) -> tuple[GroupValue, ...]:
    """Return groups whose intervals each hold with `level`, widened so that those of all eligible ones hold together.

    By Bonferroni, each limit as much further from the value as a normal distribution's is: what made it is not known.
    """
    eligible = sum(not group.excluded for group in groups)
    further = normal_quantile(shared_level(level, eligible)) / normal_quantile(level)
    return tuple(group.model_copy(update={"interval": _widened(group, further)}) for group in groups)


def _widened(group: GroupValue, further: float) -> Interval | None:
    if group.value is None or group.interval is None:
        return group.interval
    low, high = limits(group.interval)
    return group.value - (group.value - low) * further, group.value + (high - group.value) * further


def _room(gate: Gate, group: GroupValue) -> float:
    """How far the value lies inside of the gate (negative: outside)."""
    low, high = gate.region
    return -math.inf if group.value is None else min(group.value - low, high - group.value)
