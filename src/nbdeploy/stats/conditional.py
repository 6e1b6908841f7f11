"""Disparities among people who are alike in what may count: within the strata of control features.

An average over strata can turn round (Bickel, Hammel and O'Connell 1975, on admissions to Berkeley): groups are
therefore compared within every stratum, and the limits hold for all pairs in all strata together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.disparity_names import Kind
from nbdeploy.stats.extremes import Disparity, extreme, rate_pairs, stated
from nbdeploy.stats.pair_intervals import METHOD
from nbdeploy.stats.rates import Rates
from nbdeploy.stats.tally import ClassTally, Group


def strata_of(tally: ClassTally, control: Sequence[str]) -> NDArray[np.int64]:
    """Return the stratum of each group of the tally: groups with the same levels of the control features share one.

    Raises
    ------
    ValueError
        A control feature is none of the tally's, or there is no other.
    """
    at = [tally.features.index(feature) for feature in control]
    if not at or len(at) == len(tally.features):
        raise ValueError(f"{tuple(control)} do not part {tally.features} into strata with groups")
    known: dict[Group, int] = {}
    return np.array([known.setdefault(tuple(group[i] for i in at), len(known)) for group in tally.groups])


def conditional_disparity(
    parts: Sequence[Rates], strata: NDArray[np.int64], kind: Kind, *, level: float = 0.95, min_size: float = 1
) -> Disparity:
    """Return the largest difference (or smallest ratio) between two groups of one stratum.

    Parameters
    ----------
    parts
        The rates that are compared, over the cells of group and stratum.
    strata
        The stratum of each cell; int64, shape (cells,).
    min_size
        Cells whose denominator is smaller are left out. A stratum in which fewer than two cells are left, or in which
        a ratio would be 0/0, says nothing.
    """
    asked = [(part, _kept(part, strata == stratum, kind, min_size)) for part in parts for stratum in np.unique(strata)]
    usable = [(part, kept) for part, kept in asked if len(kept) > 1]
    comparisons = sum(len(kept) * (len(kept) - 1) // 2 for _, kept in usable)
    used = [(part.denominator, np.concatenate(_of(usable, part))) for part in parts if _of(usable, part)]
    about = stated(kind, level, f"{METHOD} within strata", used, comparisons=comparisons)
    if not usable:
        return about.undefined_because(
            f"no stratum has two groups with {max(min_size, 1):g} rows that {parts[0].metric} divides by"
        )
    each = [(part, _of(usable, part)) for part in parts]
    return extreme([rate_pairs(part, kept, kind, about.shared_level) for part, kept in each if kept], kind, about)


def _kept(part: Rates, inside: NDArray[np.bool_], kind: Kind, min_size: float) -> NDArray[np.int64]:
    kept = np.flatnonzero(inside & (part.denominator >= max(min_size, 1)))
    return kept[:0] if kind == "ratio" and not part.numerator[kept].any() else kept


def _of(usable: Sequence[tuple[Rates, NDArray[np.int64]]], part: Rates) -> list[NDArray[np.int64]]:
    return [kept for one, kept in usable if one is part]
