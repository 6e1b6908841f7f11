"""Confidence sequences: intervals that hold at every moment, however often one looks."""

from __future__ import annotations

from collections.abc import Callable
from math import lgamma, log, log1p


def bernoulli_confidence_sequence(
    k: int, n: int, level: float = 0.95, a: float = 0.5, b: float = 0.5
) -> tuple[float, float]:
    """Return limits of a Bernoulli rate after k successes in n trials that hold for all n at once.

    The set of p for which the mixture likelihood ratio stays under 1/α,
    B(a + k, b + n − k) ÷ (B(a, b)·p^k·(1 − p)^(n − k)) < 1/α. Under the true p that ratio is a martingale from 1, which
    ever reaches 1/α with probability at most α (Ville 1939; Robbins 1970, Annals of Mathematical Statistics
    41:1397–1409).

    Parameters
    ----------
    a, b
        Beta distribution of the mixture; it affects the width, never the coverage. ½ and ½ serve rare events well.

    Raises
    ------
    ValueError
        k is not between 0 and n.
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} successes of {n} trials")
    if n == 0:
        return 0.0, 1.0
    mixture = _log_beta(a + k, b + n - k) - _log_beta(a, b)
    bound = -log(1 - level)

    def inside(p: float) -> bool:
        likelihood = (k * log(p) if k else 0.0) + ((n - k) * log1p(-p) if n > k else 0.0)
        return mixture - likelihood < bound

    best = k / n
    return (
        _edge(inside, best, 0.0) if k else 0.0,
        _edge(inside, best, 1.0) if k < n else 1.0,
    )


def _edge(inside: Callable[[float], bool], within: float, without: float) -> float:
    """Return where a convex set that holds `within` ends towards `without`."""
    for _ in range(100):
        middle = (within + without) / 2
        if middle in (within, without):
            break
        if inside(middle):
            within = middle
        else:
            without = middle
    return without


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
