"""One measurement held to one gate: what it rests on, and what is said of it."""

from __future__ import annotations

from nbdeploy.documents.measurement import Measurement, Pair
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import group_label
from nbdeploy.stats.binomial import shared_level
from nbdeploy.validate.verdict.asked import Asked
from nbdeploy.validate.verdict.compare import is_disparity
from nbdeploy.validate.verdict.judge import Judged, held_together, judge, judge_groups
from nbdeploy.validate.verdict.recompute import recompute
from nbdeploy.validate.verdict.tallies import Tallies

_PAIR_SAYS = {"fail": "shown by", "inconclusive": "left open by", "pass": "closest to the bound:"}


def held(
    objective: Objective, tallies: Tallies, one: Asked, measurement: Measurement, *, seed: int
) -> tuple[Measurement, Judged]:
    """Hold a measurement to a gate: as a whole, or group by group.

    Returns
    -------
    measurement, judged
        The measurement as the verdict rests on it: with the pair that decided a disparity, or the value of the group
        that decided.
    """
    decide = objective.decide
    if not one.by_groups or not measurement.by_group:
        judged = judge(one.gate, measurement.value, measurement.interval, decide, measurement.undefined)
        pair = _deciding_pair(one, measurement, judged)
        if pair is not None:
            judged = Judged(judged.verdict, f"{judged.reason}; {_PAIR_SAYS[judged.verdict]} {_between(pair)}")
            measurement = measurement.model_copy(update={"pair": pair})
        return measurement, judged
    least = 1 if one.metric == "count" else objective.min_group_size
    eligible = sum(not group.excluded for group in measurement.by_group)
    groups = measurement.by_group
    if measurement.recomputed and eligible > 1:
        level = shared_level(objective.level, eligible)
        groups = recompute(tallies, one.section, one.metric, one.features, one.slice, level=level, seed=seed).by_group
    elif eligible > 1 and measurement.data.get("comparisons") != eligible:  # a notebook's own, each by itself
        groups = held_together(groups, measurement.level or objective.level)
    judged = judge_groups(one.gate, groups, decide, min_size=least)
    if judged.group is None:
        return measurement, judged
    deciding = judged.group
    over = f"{measurement.method or 'interval'}, Bonferroni over {eligible} group{'s' * (eligible != 1)}"
    measurement = measurement.model_copy(
        update={
            "value": deciding.value,
            "interval": deciding.interval,
            "method": over if deciding.interval else None,
            "n": deciding.n,
            "denominator": deciding.denominator,
            "data": measurement.data | {"decided_by": deciding.group, "overall": measurement.value},
        }
    )
    return measurement, judged


def _deciding_pair(one: Asked, measurement: Measurement, judged: Judged) -> Pair | None:
    """Return the two groups on which a disparity's verdict rests.

    The violated end of the interval belongs to the pair that proves a fail; on the other end stands the pair that keeps
    it from passing.
    """
    if not is_disparity(one.metric) or measurement.pair is None or judged.verdict == "not_evaluated":
        return None
    smaller_is_fairer = one.metric.endswith("_difference")
    proves_fail, stops_pass = (
        ("pair_of_lower", "pair_of_upper") if smaller_is_fairer else ("pair_of_upper", "pair_of_lower")
    )
    found = measurement.data.get(proves_fail if judged.verdict == "fail" else stops_pass)
    return Pair.model_validate(found) if found else measurement.pair


def _between(pair: Pair) -> str:
    of = f" in {pair.metric}" if pair.metric else ""
    return f"{group_label(pair.first)} against {group_label(pair.second)}{of}"
