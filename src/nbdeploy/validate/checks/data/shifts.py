"""How far one column moved: an index, an effect with its limits, and a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.tally import ColumnTally
from nbdeploy.validate.checks.data.distribution import Distribution

NOTICEABLE = 0.1
"""PSI below which a shift is usually called none, however significant (Siddiqi 2006, Credit Risk Scorecards)."""

_BINS = 10
_MOST_LEVELS = 20
_RESAMPLES = 500


@dataclass(frozen=True)
class Effect:
    """How large a shift is on a scale from 0 to 1, with limits at a level, and what a test says.

    Attributes
    ----------
    name
        ``KS D``, the largest gap between two distribution functions, or ``Cramér's V``.
    """

    name: Literal["KS D", "Cramér's V"]
    value: float
    interval: tuple[float, float]
    test: str
    statistic: float
    p_value: float


@dataclass(frozen=True)
class Shift:
    """How one column moved: rows per bin now and before, the index, its resampled error and bias, and its effect."""

    column: str
    kind: Literal["numeric", "category"]
    cuts: tuple[Any, ...]
    now: NDArray[np.float64]
    before: NDArray[np.float64]
    psi: float
    error: float
    bias: float
    effect: Effect

    def drifted(self, level: float) -> bool:
        """Whether the shift is both noticeable and more than chance; significance alone only tells many rows."""
        return self.psi >= NOTICEABLE and self.effect.p_value < 1 - level


def number_shift(name: str, now: Distribution, before: Distribution, level: float, rng: np.random.Generator) -> Shift:
    """Compare the numbers of two samples in tenths of the earlier one; the last bin holds rows without a number."""
    cuts = np.unique(before.quantiles(np.linspace(0, 1, _BINS + 1)[1:-1])) if before.n else np.empty(0)

    def count(given: Distribution) -> NDArray[np.float64]:
        inside = given.n * np.diff(given.at_most(cuts), prepend=0, append=1) if given.n else np.zeros(len(cuts) + 1)
        return np.append(np.round(inside), given.absent)

    counts_new, counts_old = count(now), count(before)
    ends = (float(np.fmin(now.low, before.low)), float(np.fmax(now.high, before.high)))
    edges = tuple(edge for edge in (ends[0], *map(float, cuts), ends[1]) if np.isfinite(edge))
    index = _index(counts_new, counts_old, rng)
    return Shift(name, "numeric", edges, counts_new, counts_old, *index, smirnov(now, before, level))


def kind_shift(name: str, now: ColumnTally, before: ColumnTally, level: float, rng: np.random.Generator) -> Shift:
    """Compare how often each of the commonest values of the earlier sample stands; the others are counted together.

    Raises
    ------
    ValueError
        A column has too many different values to count them.
    """
    new, old = _levels(now), _levels(before)
    common = sorted(sorted(old, key=lambda one: (-old[one], one))[:_MOST_LEVELS])
    names = [*common, "(other)"]
    rows_new, rows_old = (_binned(given, common) for given in (new, old))
    index = _index(rows_new, rows_old, rng)
    return Shift(name, "category", tuple(names), rows_new, rows_old, *index, cramer(rows_new, rows_old, level))


def smirnov(now: Distribution, before: Distribution, level: float) -> Effect:
    """Return the largest gap between two distribution functions with its limits and Smirnov's (1939) test.

    The limits are each sample's Dvoretzky–Kiefer–Wolfowitz band (Massart 1990) at half the error probability: never too
    narrow, whatever the distribution. By what a sketch may be off the gap is made smaller for the test and the limits
    wider.
    """
    from scipy.stats import kstwo

    if not now.n or not before.n:
        return Effect("KS D", 0.0, (0.0, 1.0), "two-sample KS", 0.0, 1.0)
    places = np.concatenate([now.points, before.points])
    gap = float(np.abs(now.at_most(places) - before.at_most(places)).max())
    off = now.error + before.error
    band = sum(np.sqrt(np.log(4 / (1 - level)) / (2 * one.n)) for one in (now, before)) + off
    together = max(round(now.n * before.n / (now.n + before.n)), 1)
    p_value = float(np.clip(kstwo.sf(max(gap - off, 0.0), together), 0, 1))
    return Effect("KS D", gap, (max(gap - band, 0.0), min(gap + band, 1.0)), "two-sample KS", gap, p_value)


def cramer(now: NDArray[np.float64], before: NDArray[np.float64], level: float) -> Effect:
    """Return Cramér's V of two samples of counts with its limits, and the chi-squared test.

    V = √(χ²/N) for two samples; the limits invert the noncentral chi-squared distribution (Smithson 2003, Confidence
    Intervals, chapter 4).
    """
    from scipy.special import chndtrinc
    from scipy.stats import chi2

    seen = now + before > 0
    total, freedom = float(now.sum() + before.sum()), int(seen.sum()) - 1
    if freedom < 1 or not now.sum() or not before.sum():
        return Effect("Cramér's V", 0.0, (0.0, 1.0), "chi-squared", 0.0, 1.0)
    table = np.vstack([now[seen], before[seen]])
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    statistic = float(((table - expected) ** 2 / expected).sum())
    tail = (1 - level) / 2
    ends = []
    for share in (1 - tail, tail):
        # No noncentrality gives a smaller probability of so small a statistic than none at all.
        reached = chi2.cdf(statistic, freedom) > share
        ends.append(float(np.sqrt(chndtrinc(statistic, freedom, share) / total)) if reached else 0.0)
    value = float(np.sqrt(statistic / total))
    limits = (min(ends[0], value), min(max(ends[1], value), 1.0))
    return Effect("Cramér's V", value, limits, "chi-squared", statistic, float(chi2.sf(statistic, freedom)))


def _levels(tally: ColumnTally) -> dict[str, int]:
    if tally.counts is None:
        raise ValueError("too many different values to count them")
    found: dict[str, int] = {}
    for value, count in tally.counts.items():
        found[str(value)] = found.get(str(value), 0) + count
    return found | ({"(missing)": tally.missing} if tally.missing else {})


def _binned(counts: Mapping[str, int], common: list[str]) -> NDArray[np.float64]:
    inside = [float(counts.get(name, 0)) for name in common]
    return np.array([*inside, sum(counts.values()) - sum(inside)])


def _psi(now: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the index over the last axis, half a row added to each bin."""
    a = (now + 0.5) / (now + 0.5).sum(axis=-1, keepdims=True)
    b = (before + 0.5) / (before + 0.5).sum(axis=-1, keepdims=True)
    return np.asarray(((a - b) * np.log(a / b)).sum(axis=-1))


def _index(
    now: NDArray[np.float64], before: NDArray[np.float64], rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return the index with the standard error and the bias that multinomial resampling shows."""
    seen = now + before > 0
    now, before = now[seen], before[seen]
    value = float(_psi(now, before))
    drawn = _psi(
        rng.multinomial(int(now.sum()), now / now.sum(), size=_RESAMPLES).astype(float),
        rng.multinomial(int(before.sum()), before / before.sum(), size=_RESAMPLES).astype(float),
    )
    return value, float(drawn.std(ddof=1)), max(0.0, float(drawn.mean()) - value)
