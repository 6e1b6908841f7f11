"""Scoring rates by category as they stand in a measurement."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nbdeploy.documents.measurement import GroupValue, Measurement
from nbdeploy.documents.record import Scalar
from nbdeploy.stats.binomial import clopper_pearson
from nbdeploy.stats.intervals import FEWEST_TOLD
from nbdeploy.stats.rates import Rates
from nbdeploy.stats.scoring_rate import median_score, scoring_rates
from nbdeploy.stats.tally import ScoreTally

METHOD = "Clopper–Pearson, at the sample's median"
"""The median is taken as it is: its own sampling error is not in the interval."""


def scoring_rate(
    tally: ScoreTally, blank: Measurement, level: float, least: int, group: Mapping[str, Scalar] | None = None
) -> Measurement:
    """Return the share of rows above the median score of all: overall and by group, or of one group alone."""
    median = median_score(tally)
    groups = _by_group(tally, scoring_rates(tally, median), level, least)
    if group is not None:
        groups = tuple(value for value in groups if value.group == dict(group))
    whole = scoring_rates(tally.select(()), median)
    total = int(whole.denominator[0])
    low, high = clopper_pearson(whole.numerator, whole.denominator, level)
    told = {"value": float(whole.value[0]), "interval": (float(low[0]), float(high[0])), "n": total}
    if group is not None and groups:
        told = {"value": groups[0].value, "interval": groups[0].interval, "n": groups[0].n}
    return blank.model_copy(
        update=told
        | {
            "denominator": told["n"],
            "method": METHOD,
            "by_group": groups if tally.features else (),
            "data": {"median": median},
        }
    )


def _by_group(tally: ScoreTally, rates: Rates, level: float, least: int) -> tuple[GroupValue, ...]:
    low, high = clopper_pearson(rates.numerator, rates.denominator, level)
    found = []
    for at, n in enumerate(np.rint(rates.denominator).astype(int).tolist()):
        hidden = n < min(least, FEWEST_TOLD)
        found.append(
            GroupValue(
                group=tally.named(at),
                n=n,
                denominator=n,
                value=None if hidden else float(rates.value[at]),
                interval=None if hidden else (float(low[at]), float(high[at])),
                excluded=n < least,
            )
        )
    return tuple(found)
