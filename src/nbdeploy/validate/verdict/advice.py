"""What to do about a verdict that is not a pass: the gap, the worst group, the deciding number of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, sqrt

from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import group_label
from nbdeploy.stats.binomial import normal_quantile, shared_level
from nbdeploy.stats.intervals import estimates
from nbdeploy.stats.planning import deciding_factor, planning_level
from nbdeploy.validate.verdict.asked import Asked
from nbdeploy.validate.verdict.compare import class_names, compared_tally, disparity_of, is_disparity
from nbdeploy.validate.verdict.judge import Judged, limits, number
from nbdeploy.validate.verdict.lacking import how_to_get, round_up
from nbdeploy.validate.verdict.recomputable import COST
from nbdeploy.validate.verdict.recompute import tally_of
from nbdeploy.validate.verdict.tallies import Tallies

IntervalAt = Callable[[float], tuple[float, float] | None]


@dataclass(frozen=True)
class Advice:
    """A sentence or two, and the rows in all that would decide the gate if the value is what it was measured to be.

    They decide it in `POWER` of all samples of so many rows.
    """

    text: str = ""
    rows: int | None = None


def advise(
    objective: Objective, tallies: Tallies, one: Asked, measurement: Measurement, judged: Judged, *, seed: int = 0
) -> Advice:
    """Say what would mend or decide a gate; nothing for a pass."""
    again = f"nbdeploy validate {objective.name}"
    if judged.verdict == "fail":
        return Advice(f"{_gap(one, measurement)}; improve {_where(one, measurement)}, then: {again} --draft")
    if judged.verdict == "inconclusive":
        return _undecided(tallies, one, measurement, judged, seed)
    if judged.verdict == "not_evaluated":
        return Advice(*how_to_get(tallies, one, measurement))
    return Advice()


def _gap(one: Asked, measurement: Measurement) -> str:
    low, high = one.gate.region
    value = measurement.value
    if value is None:
        return "no value"
    if low <= value <= high:
        return f"{number(value)} stands on the bound, which does not satisfy {one.gate}"
    side, bound = ("below", low) if value < low else ("above", high)
    return f"{number(abs(value - bound))} {side} the bound of {number(bound)}"


def _where(one: Asked, measurement: Measurement) -> str:
    notebook = f"notebooks/{one.section}.ipynb"
    decided_by = measurement.data.get("decided_by")
    if decided_by:
        return f"the model for {group_label(decided_by)} (see {notebook})"
    if is_disparity(one.metric) and measurement.pair is not None:
        pair = measurement.pair
        return f"the model for {group_label(pair.first)} or {group_label(pair.second)} (see {notebook})"
    if one.section == "data":
        return f"the data (see {notebook})"
    return f"the model (see {notebook})"


_OF_UNKNOWN_PACE = frozenset({"cheapest_threshold", "forbidden_in_top"})
"""Measures whose limits do not shrink with the root of n: the place of a minimum, a count of ranks."""


def _undecided(tallies: Tallies, one: Asked, measurement: Measurement, judged: Judged, seed: int) -> Advice:
    objective = tallies.objective
    again = f"nbdeploy validate {objective.name}"
    if one.metric in _OF_UNKNOWN_PACE:
        return Advice(f"more rows would narrow it, how many cannot be told: {again} on more data")
    low, high = one.gate.region
    if measurement.recomputed and one.metric != COST:
        interval_at, rows, what = (
            _from_tallies(tallies, one, measurement, judged, seed),
            tallies.rows,
            "evaluation rows",
        )
    else:
        interval_at, rows, what = _by_root_n(measurement), measurement.sample or measurement.n or 0, "measured rows"
    factor = deciding_factor(interval_at, (low, high)) if rows else None
    if factor is None:
        return Advice(
            f"the value stands so close to the bound of {_bound(one)} that no practical number of rows decides it; "
            f"improve {_where(one, measurement)}, or let the approver acknowledge it"
        )
    needed = ceil(factor * rows)
    return Advice(
        f"about {round_up(needed):,} {what} would decide it in four of five samples (now {rows:,}) "
        f"if the value stays as it is: {again} on more data",
        needed,
    )


def _from_tallies(tallies: Tallies, one: Asked, measurement: Measurement, judged: Judged, seed: int) -> IntervalAt:
    objective = tallies.objective
    features = tuple(one.group) if one.group else one.features
    if is_disparity(one.metric):
        smallest, compared = objective.min_group_size, compared_tally(tallies, one.metric, features, one.slice)
        level = planning_level(objective.level, measurement.data.get("comparisons", 1))

        def of_pairs(factor: float) -> tuple[float, float] | None:
            # The minimum size grows with the rows, so that the same groups are compared.
            found = disparity_of(
                compared.scaled(factor), one.metric, objective, level=level, min_size=smallest * factor
            )
            return found.interval

        return of_pairs
    tally = tally_of(tallies, one.metric, features, one.slice)
    named = class_names(objective, tally)
    deciding = one.group or (judged.group.group if judged.group else {})
    at = next(index for index in range(len(tally.groups)) if tally.named(index) == deciding)
    eligible = sum(not group.excluded for group in measurement.by_group) if one.by_groups else 1
    level = planning_level(shared_level(objective.level, eligible))

    def of_one(factor: float) -> tuple[float, float] | None:
        return estimates(tally.scaled(factor), one.metric, level, seed, **named)[at].interval

    return of_one


def _by_root_n(measurement: Measurement) -> IntervalAt:
    """Let the interval of something measured shrink around its value with the root of n."""
    value, interval, level = measurement.value, measurement.interval, measurement.level or 0.95
    wider = normal_quantile(planning_level(level)) / normal_quantile(level)

    def interval_at(factor: float) -> tuple[float, float] | None:
        if value is None or interval is None:
            return None
        low, high = limits(interval)
        away = wider / sqrt(factor)
        return value - (value - low) * away, value + (high - value) * away

    return interval_at


def _bound(one: Asked) -> str:
    bounds = one.gate.bound if isinstance(one.gate.bound, tuple) else (one.gate.bound,)
    return " and ".join(number(bound) for bound in bounds)
