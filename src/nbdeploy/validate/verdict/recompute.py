"""Measurements from the shared tallies: the same function inside a notebook and, for the verdict, outside of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nbdeploy.documents.measurement import GroupValue, Measurement
from nbdeploy.documents.record import Scalar, group_label
from nbdeploy.documents.sections import Section
from nbdeploy.errors import DataError
from nbdeploy.stats.expected_cost import RESAMPLES, cost_of_counts
from nbdeploy.stats.intervals import by_group, estimate, estimates, group_values
from nbdeploy.stats.metrics import RANKED_SCORES, Tally
from nbdeploy.stats.one_against_rest import PROBABILITY_SCORES
from nbdeploy.stats.rates import confusion
from nbdeploy.stats.scoring_rate import SCORING_RATE
from nbdeploy.validate.verdict.applicable import not_applicable
from nbdeploy.validate.verdict.compare import class_names, compared, is_disparity
from nbdeploy.validate.verdict.recomputable import COST
from nbdeploy.validate.verdict.scoring_rates import scoring_rate
from nbdeploy.validate.verdict.tallies import Tallies


def recompute(
    tallies: Tallies,
    section: Section,
    metric: str,
    features: Sequence[str] = (),
    slice: str | None = None,  # noqa: A002 - the objective's word
    *,
    group: Mapping[str, Scalar] | None = None,
    level: float | None = None,
    seed: int = 0,
) -> Measurement:
    """Return a measurement from the tallies.

    Parameters
    ----------
    features
        For a group metric, whose groups are told apart: `value` is then of all rows. For a disparity, whose groups are
        compared.
    slice
        Restricts the rows.
    group
        One group: the metric of its rows alone, stated as the slice ``sex=2``.
    level
        Of the intervals; the objective's unless given.

    Raises
    ------
    DataError
        The group or slice has no row.
    """
    objective = tallies.objective
    features = tuple(features)
    blank = Measurement(
        section=section,
        metric=metric,
        features=() if group else features,
        slice=where(slice, group),
        level=level or objective.level,
    )
    why = not_applicable(tallies, metric, features, group)
    if why:
        return blank.model_copy(update={"undefined": why})
    if metric in (COST, SCORING_RATE):
        return _cost(tallies, blank, seed) if metric == COST else _above_median(tallies, blank, features, slice, group)
    if is_disparity(metric):
        return compared(tallies, blank)
    if group:
        return _of_group(tallies, blank, group, slice, seed)
    tally = tally_of(tallies, metric, features, slice)
    if metric == "count":
        return _count(blank, tally, features)
    kwargs = class_names(objective, tally)
    whole = estimate(tally, metric, blank.level or objective.level, seed, **kwargs)
    groups: tuple[GroupValue, ...] = ()
    if features:
        least = objective.min_group_size
        groups = by_group(tally, metric, blank.level or objective.level, seed, min_size=least, **kwargs)
    return blank.model_copy(
        update={
            "value": whole.value,
            "interval": whole.interval,
            "method": whole.method or None,
            "n": whole.n,
            "denominator": whole.denominator,
            "by_group": groups,
            "undefined": whole.undefined,
        }
    )


def where(slice: str | None, group: Mapping[str, Scalar] | None) -> str | None:  # noqa: A002 - the objective's word
    """Return the rows that count as a finding states them: ``sex=2``, ``age >= 65``, or both."""
    parts = [group_label(group) if group else "", slice or ""]
    return " and ".join(part for part in parts if part) or None


def tally_of(tallies: Tallies, metric: str, features: Sequence[str], where: str | None) -> Tally:
    """Return the tally that a metric or disparity follows from."""
    if tallies.objective.task == "multiclass" and metric in PROBABILITY_SCORES:
        return tallies.probabilities(features, where)
    if metric in RANKED_SCORES:
        return tallies.scores(features, where)
    if tallies.objective.task == "regression":
        return tallies.errors(features, where)
    return tallies.classes(features, where)


def _cost(tallies: Tallies, blank: Measurement, seed: int) -> Measurement:
    """What 1,000 decisions cost, by the objective's costs and the counts of outcomes."""
    costs = tallies.objective.costs
    if costs is None:
        return blank.model_copy(update={"undefined": "the objective declares no costs"})
    counts = confusion(tallies.classes((), blank.slice), tallies.objective.positive_class)
    cells = np.array([float(part.sum()) for part in (counts.tn, counts.fp, counts.fn, counts.tp)])
    rng = np.random.default_rng([seed, len(COST)])
    value, interval = cost_of_counts(cells, np.array(costs.of_outcomes), rng, blank.level or tallies.objective.level)
    return blank.model_copy(
        update={
            "value": value,
            "interval": interval,
            "method": f"Dirichlet resampling, {RESAMPLES}",
            "n": int(cells.sum()),
            "denominator": int(cells.sum()),
        }
    )


def _above_median(
    tallies: Tallies,
    blank: Measurement,
    features: tuple[str, ...],
    rows: str | None,
    group: Mapping[str, Scalar] | None,
) -> Measurement:
    objective = tallies.objective
    scores = tallies.scores(tuple(group) if group else features, rows)
    return scoring_rate(scores, blank, blank.level or objective.level, objective.min_group_size, group)


def _count(blank: Measurement, tally: Tally, features: Sequence[str]) -> Measurement:
    """Rows, overall and by group: a count has no interval, and no group is too small to be counted."""
    sizes = [round(float(size)) for size in tally.sizes]
    groups = [GroupValue(group=tally.named(at), n=n, denominator=n, value=n) for at, n in enumerate(sizes)]
    return blank.model_copy(
        update={
            "value": float(tally.rows),
            "level": None,
            "n": tally.rows,
            "denominator": tally.rows,
            "by_group": tuple(groups) if features else (),
        }
    )


def _of_group(
    tallies: Tallies, blank: Measurement, group: Mapping[str, Scalar], rows: str | None, seed: int
) -> Measurement:
    tally = tally_of(tallies, blank.metric, tuple(group), rows)
    level = blank.level or tallies.objective.level
    found = estimates(tally, blank.metric, level, seed, **class_names(tallies.objective, tally))
    values = group_values(tally, found, tallies.objective.min_group_size)
    at = next((index for index, value in enumerate(values) if value.group == dict(group)), None)
    if at is None:
        known = "; ".join(group_label(value.group) for value in values[:12])
        raise DataError(f"no row is in the group {group_label(group)}", next=f"groups there are: {known}")
    only = values[at]
    too_small = only.excluded and blank.metric != "count"
    why = "0/0 is undefined" if only.value is None else None
    if too_small:
        least = tallies.objective.min_group_size
        why = f"{group_label(group)} has {only.denominator} rows that count, under the minimum of {least}"
    return blank.model_copy(
        update={
            "value": None if too_small else only.value,
            "interval": None if too_small else only.interval,
            "method": None if too_small else found[at].method or None,
            "n": only.n,
            "denominator": only.denominator,
            "by_group": (only,),
            "undefined": why,
        }
    )
