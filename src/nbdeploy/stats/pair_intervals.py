"""Intervals of the difference or ratio of two groups' rates, as disparities are judged by them.

The wider of two. Miettinen and Nurminen's (1985) score interval is close to its level where counts are moderate. But
the binomial's tail is longer than the normal one that it takes: far out, where Bonferroni's share of many pairs lies,
or with few outcomes in a small group beside a large one, it fails fair groups (of 20 equal groups, 30 rows in each but
one of 20,000, 18 % with a rate of 0.5 %). The other is MOVER (Zou and Donner 2008, Statistics in Medicine
27:1693–1702, equation 7; of a ratio Donner and Zou 2012, Stat. Methods Med. Res. 21:347–359) from the exact limits of
each rate (Clopper and Pearson 1934): against a group so large that its rate is known, it is exact. Simulated in
tests/benchmarks/coverage.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats import two_proportions
from nbdeploy.stats.binomial import clopper_pearson

Values = NDArray[np.float64]
Places = NDArray[np.int64]
Ends = tuple[Values, Values]

METHOD = "wider of Miettinen–Nurminen and MOVER–Clopper–Pearson"


@dataclass(frozen=True)
class Samples:
    """Pairs of proportions a/n and b/m with the exact limits of each; float64, each of shape (pairs,)."""

    a: Values
    n: Values
    b: Values
    m: Values
    of_a: Ends
    of_b: Ends
    level: float

    @staticmethod
    def of(k: Values, n: Values, first: Places, second: Places, level: float) -> Samples:
        """Return pairs of the groups with these numerators and denominators, by their places."""
        low, high = clopper_pearson(k, n, level)
        return Samples(
            k[first], n[first], k[second], n[second], (low[first], high[first]), (low[second], high[second]), level
        )

    @property
    def shares(self) -> Ends:
        """The two proportions."""
        return self.a / self.n, self.b / self.m

    def at(self, chosen: Places) -> Samples:
        """Return some of the pairs."""
        a, n, b, m = (part[chosen] for part in (self.a, self.n, self.b, self.m))
        (a_low, a_high), (b_low, b_high) = ((low[chosen], high[chosen]) for low, high in (self.of_a, self.of_b))
        return Samples(a, n, b, m, (a_low, a_high), (b_low, b_high), self.level)


def difference_interval(pairs: Samples) -> Ends:
    """Return the limits of a/n − b/m."""
    score = two_proportions.difference_interval(pairs.a, pairs.n, pairs.b, pairs.m, pairs.level)
    return _wider(score, mover_difference(pairs))


def ratio_interval(pairs: Samples) -> Ends:
    """Return the limits of a/n ÷ b/m: from 0 where a is 0, to infinity where b is 0."""
    score = two_proportions.ratio_interval(pairs.a, pairs.n, pairs.b, pairs.m, pairs.level)
    return _wider(score, mover_ratio(pairs))


def mover_difference(pairs: Samples) -> Ends:
    """Return MOVER's limits of a/n − b/m from the exact ones of both."""
    (p, q), (p_low, p_high), (q_low, q_high) = pairs.shares, pairs.of_a, pairs.of_b
    return p - q - np.hypot(p - p_low, q_high - q), p - q + np.hypot(p_high - p, q - q_low)


def mover_ratio(pairs: Samples) -> Ends:
    """Return MOVER's limits of a/n ÷ b/m from the exact ones of both."""
    (p, q), (p_low, p_high), (q_low, q_high) = pairs.shares, pairs.of_a, pairs.of_b

    def root(end: Values, other: Values) -> Values:
        return np.sqrt(np.maximum((p * q) ** 2 - end * other * (2 * p - end) * (2 * q - other), 0))

    # The lower one is multiplied by its conjugate, since the paper's quotient is 0/0 where u₂ is 2·p₂.
    below = p * q + root(p_low, q_high)
    lower = np.divide(p_low * (2 * p - p_low), below, out=np.zeros_like(below), where=below > 0)
    above = q_low * (2 * q - q_low)
    return lower, np.divide(p * q + root(p_high, q_low), above, out=np.full_like(above, np.inf), where=above > 0)


def _wider(first: Ends, second: Ends) -> Ends:
    return np.minimum(first[0], second[0]), np.maximum(first[1], second[1])
