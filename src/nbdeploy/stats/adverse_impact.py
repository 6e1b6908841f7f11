"""The four-fifths rule of 29 CFR 1607.4(D) with the significance test that it asks for. A screening statistic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

FOUR_FIFTHS = 0.8


@dataclass(frozen=True)
class ImpactRatio:
    """A group's selection rate against the highest of all groups.

    Parameters
    ----------
    group, reference
        Indices of the group and of the group with the highest rate.
    ratio
        Rate of the group ÷ highest rate; None where the highest is 0.
    below
        Whether the ratio is under four fifths; None where it is undefined.
    p_value
        Two-sided, of equal rates, for this pair alone; None where nobody or everybody was selected in both groups.
    test
        ``Fisher exact`` or ``two-proportion z``.
    n
        Rows of both groups.
    """

    group: int
    reference: int
    ratio: float | None
    below: bool | None
    p_value: float | None
    test: str
    n: int


def impact_ratios(selected: ArrayLike, rows: ArrayLike, *, min_size: float = 1) -> tuple[ImpactRatio, ...]:
    """Return every group but the reference, lowest ratio first; none when fewer than two groups are large enough.

    Ratios are undefined together, when nobody is selected in any group.
    """
    k, n = np.asarray(selected, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    kept = [int(index) for index in np.flatnonzero(n >= max(min_size, 1))]
    if len(kept) < 2:
        return ()
    reference = max(kept, key=lambda index: (k[index] / n[index], n[index]))
    found = [_against(k, n, index, reference) for index in kept if index != reference]
    return tuple(sorted(found, key=lambda each: 1.0 if each.ratio is None else each.ratio))


def _against(k: np.ndarray, n: np.ndarray, group: int, reference: int) -> ImpactRatio:
    p_value, test = equality_test(int(k[group]), int(n[group]), int(k[reference]), int(n[reference]))
    # Multiplied out, so that exactly four fifths is not told as less by a rounding.
    ratio = float(k[group] * n[reference] / (k[reference] * n[group])) if k[reference] else None
    below = None if ratio is None else ratio < FOUR_FIFTHS
    return ImpactRatio(group, reference, ratio, below, p_value, test, round(n[group] + n[reference]))


def equality_test(k1: int, n1: int, k2: int, n2: int) -> tuple[float | None, str]:
    """Return the two-sided p value of equal proportions and the name of the test.

    Fisher's exact test where an expected count is under 5 or there are fewer than 30 rows, else the two-proportion z
    test with pooled variance. Checked against the captain examination of Ricci v. DeStefano, 557 U.S. 557 (2009): 16 of
    25 and 3 of 8, p = 0.238.
    """
    hits, total = k1 + k2, n1 + n2
    expected = [part * side / total for part in (n1, n2) for side in (hits, total - hits)]
    exact = min(expected) < 5 or total < 30
    test = "Fisher exact" if exact else "two-proportion z"
    if hits in (0, total):
        return None, test
    if exact:
        from scipy.stats import fisher_exact

        return float(fisher_exact([[k1, n1 - k1], [k2, n2 - k2]]).pvalue), test
    from scipy.special import ndtr

    pooled = hits / total
    z = (k1 / n1 - k2 / n2) / np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    return float(2 * ndtr(-abs(z))), test
