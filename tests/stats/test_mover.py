"""The interval of a difference from two intervals."""

from __future__ import annotations

from math import inf, sqrt

import pytest

from nbdeploy.stats.mover import difference_interval


def wilson(k: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    centre, half = (k + z * z / 2) / (n + z * z), z / (n + z * z) * sqrt(k * (n - k) / n + z * z / 4)
    return centre - half, centre + half


def test_it_gives_newcombes_published_interval():
    """Newcombe (1998), Statistics in Medicine 17:873-890, table II, case (a) 56/70 against 48/80, method 10.

    MOVER of two Wilson intervals is Newcombe's method 10: 0.0524 to 0.3339.
    """
    found = difference_interval(56 / 70, wilson(56, 70), 48 / 80, wilson(48, 80))
    assert found == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_a_limit_that_does_not_exist_leaves_the_difference_open_on_that_side():
    assert difference_interval(0.8, (0.7, None), 0.6, (0.5, 0.7)) == (pytest.approx(0.2 - 0.1 * 2**0.5), inf)


def test_it_turns_with_its_sides():
    low, high = difference_interval(0.8, (0.7, 0.85), 0.6, (0.5, 0.65))
    assert difference_interval(0.6, (0.5, 0.65), 0.8, (0.7, 0.85)) == pytest.approx((-high, -low))
