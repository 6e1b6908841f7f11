"""Disparities from the shared tallies: groups against each other, against all rows, and within strata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from nbdeploy.documents.measurement import Measurement, Pair
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Scalar, group_label
from nbdeploy.stats.disparity import group_disparity
from nbdeploy.stats.disparity_names import disparity_name
from nbdeploy.stats.extremes import Disparity
from nbdeploy.stats.intervals import by_group
from nbdeploy.stats.metrics import Tally
from nbdeploy.stats.tally import ClassTally, ErrorTally
from nbdeploy.stats.to_overall import ALL
from nbdeploy.validate.verdict.strata import within
from nbdeploy.validate.verdict.tallies import Tallies


def is_disparity(metric: str) -> bool:
    """Whether a metric compares groups: ``…_difference`` or ``…_ratio`` of something that tallies give."""
    return disparity_name(metric) is not None


class ClassNames(TypedDict, total=False):
    """The classes that rates are of."""

    positive: Scalar
    favourable: Scalar


def class_names(objective: Objective, tally: Tally) -> ClassNames:
    """Return the positive and the favourable class as the statistics take them; nothing for errors and scores."""
    if isinstance(tally, ClassTally):
        return {"positive": objective.positive_class, "favourable": objective.favourable_class}
    return {}


def compared(tallies: Tallies, blank: Measurement) -> Measurement:
    """Return a disparity of the tallies; `blank` says which, of which features, and on which rows."""
    objective = tallies.objective
    name = disparity_name(blank.metric)
    if name is None:
        raise ValueError(f"{blank.metric} is no disparity")
    level = blank.level or objective.level
    tally = compared_tally(tallies, blank.metric, blank.features, blank.slice)
    found = disparity_of(tally, blank.metric, objective, level=level, min_size=objective.min_group_size)

    def pair(indices: tuple[int, int] | None, metric: str | None) -> Pair | None:
        if indices is None:
            return None
        first, second = (tally.named(index) if index != ALL else {} for index in indices)
        return Pair(first=first, second=second, metric=metric)

    shown = found.metric or name.compared[0]
    limits = {
        "pair_of_lower": pair(found.pair_of_lower, found.metric_of_lower),
        "pair_of_upper": pair(found.pair_of_upper, found.metric_of_upper),
    }
    groups = tally if name.conditional else compared_tally(tallies, blank.metric, blank.features, blank.slice)
    named = class_names(objective, tally)
    return blank.model_copy(
        update={
            "value": found.value,
            "interval": found.interval,
            "method": found.method if found.interval else None,
            "n": tally.rows,
            "denominator": found.n,
            "by_group": by_group(groups, shown, objective.level, min_size=objective.min_group_size, **named),
            "pair": pair(found.pair, found.metric),
            "data": {
                "compared": shown,
                "comparisons": found.comparisons,
                "excluded": [group_label(tally.named(index)) for index in found.excluded],
                **{name: limit.model_dump(mode="json") for name, limit in limits.items() if limit},
                **(within(tally, blank.features, objective, shown, level) if name.conditional else {}),
            },
            "undefined": found.undefined,
        }
    )


def compared_tally(tallies: Tallies, metric: str, features: Sequence[str], rows: str | None) -> ClassTally | ErrorTally:
    """Return the tally whose groups a disparity compares; a conditional one has the control features besides."""
    name = disparity_name(metric)
    if tallies.objective.task == "regression":
        return tallies.errors(features, rows)
    more = [feature for feature in tallies.objective.control if feature not in features]
    return tallies.classes((*features, *more) if name is not None and name.conditional else features, rows)


def disparity_of(
    tally: ClassTally | ErrorTally, metric: str, objective: Objective, *, level: float, min_size: float
) -> Disparity:
    """Return the disparity of a tally from `compared_tally`."""
    control = [feature for feature in tally.features if feature in objective.control]
    named = class_names(objective, tally)
    return group_disparity(tally, metric, level=level, min_size=min_size, control=control, **named)
