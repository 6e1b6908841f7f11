"""What a conditional disparity tells of each stratum, and of all of them pooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.objective import Objective
from nbdeploy.stats.binomial import clopper_pearson
from nbdeploy.stats.conditional import strata_of
from nbdeploy.stats.mantel_haenszel import mantel_haenszel
from nbdeploy.stats.rates import Rates, rates
from nbdeploy.stats.tally import ClassTally, ErrorTally

_TOLD = 60
"""Strata that are told, the largest first."""

_FEWEST = 5
"""Rates of fewer rows than this are not told: they could point at a person."""


@dataclass(frozen=True)
class _Cells:
    """The cells of group and stratum with the rate in each."""

    tally: ClassTally
    features: Sequence[str]
    control: Sequence[str]
    rate: Rates
    stratum: NDArray[np.int64]
    level: float


def within(
    tally: ClassTally | ErrorTally, features: Sequence[str], objective: Objective, metric: str, level: float
) -> dict[str, Any]:
    """Return ``control``, ``strata`` with the rate of every group in each, and ``pooled`` (Mantel–Haenszel).

    Pooled is the pair of groups whose rates over all rows lie furthest apart, as far as both are large enough; beside
    it stands the same difference without strata.
    """
    if not isinstance(tally, ClassTally):
        return {}
    control = [feature for feature in tally.features if feature not in features]
    rate = rates(tally, metric, positive=objective.positive_class, favourable=objective.favourable_class)
    cells = _Cells(tally, features, control, rate, strata_of(tally, control), level)
    return {"control": control, "strata": _strata(cells), "pooled": _pooled(cells, objective.min_group_size)}


def _strata(cells: _Cells) -> list[dict[str, Any]]:
    rate = cells.rate
    told: list[dict[str, Any]] = []
    for one in np.unique(cells.stratum):
        inside = [int(cell) for cell in np.flatnonzero(cells.stratum == one)]
        told.append(
            {
                "stratum": {name: cells.tally.named(inside[0])[name] for name in cells.control},
                "n": int(rate.denominator[inside].sum()),
                "groups": [_told(cells, cell) for cell in inside if rate.denominator[cell]],
            }
        )
    told = [one for one in told if one["n"] >= _FEWEST]
    told.sort(key=lambda one: -one["n"])
    return told[:_TOLD]


def _told(cells: _Cells, cell: int) -> dict[str, Any]:
    n = cells.rate.denominator[cell]
    told = n >= _FEWEST
    limits = clopper_pearson(cells.rate.numerator[cell], n, cells.level) if told else None
    return {
        "group": {name: cells.tally.named(cell)[name] for name in cells.features},
        "n": int(n) if told else None,
        "rate": float(cells.rate.value[cell]) if told else None,
        "interval": [float(limit) for limit in limits] if limits else None,
    }


def _pooled(cells: _Cells, least: int) -> dict[str, Any] | None:
    rate, stratum, features = cells.rate, cells.stratum, cells.features
    groups = [tuple(group[cells.tally.features.index(one)] for one in features) for group in cells.tally.groups]
    names = list(dict.fromkeys(groups))
    at = np.array([names.index(group) for group in groups])
    top, bottom = (np.bincount(at, part, len(names)) for part in (rate.numerator, rate.denominator))
    large = np.flatnonzero(bottom >= max(least, 1))
    if len(large) < 2:
        return None
    order = large[np.argsort(top[large] / bottom[large], kind="stable")]
    low, high = int(order[0]), int(order[-1])
    strata = int(stratum.max()) + 1
    k1, n1, k2, n2 = (
        np.bincount(stratum[at == group], part[at == group], strata)
        for group in (low, high)
        for part in (rate.numerator, rate.denominator)
    )
    found = mantel_haenszel(k1, n1, k2, n2, cells.level)
    return {
        "first": dict(zip(features, names[low], strict=True)),
        "second": dict(zip(features, names[high], strict=True)),
        "crude_difference": float(top[low] / bottom[low] - top[high] / bottom[high]),
        "difference": found.difference,
        "difference_interval": found.difference_interval,
        "ratio": found.ratio,
        "ratio_interval": found.ratio_interval,
        "strata": found.strata,
        "method": "Mantel–Haenszel; limits after Sato, Greenland and Robins 1989, Greenland and Robins 1985",
    }
