"""How often intervals and verdicts on disparities are wrong, by simulation. Prints shares; the design allows 5 %.

False fail: the groups satisfy the gate, and the whole interval violates it. False pass: they violate it, and the whole
interval satisfies it. Not covered: the true extreme lies outside the interval.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from nbdeploy.stats.disparity import Kind, disparity

RATIO_BOUND, DIFFERENCE_BOUND = 0.8, 0.1


def simulate(
    rates: np.ndarray, sizes: np.ndarray, kind: Kind, bound: float, *, repeats: int, seed: int = 0, level: float = 0.95
) -> dict[str, float]:
    """Return the shares of ``fail``, ``pass`` and ``uncovered`` among draws of groups with these true rates."""
    random = np.random.default_rng(seed)
    true = rates.min() / rates.max() if kind == "ratio" else rates.max() - rates.min()
    counted = {"fail": 0, "pass": 0, "uncovered": 0}
    for _ in range(repeats):
        found = disparity(random.binomial(sizes, rates), sizes, kind, level=level)
        if found.interval is None:  # nobody has the outcome in any group: not evaluated, neither pass nor fail
            continue
        low, high = found.interval
        counted["fail"] += high < bound if kind == "ratio" else low > bound
        counted["pass"] += low >= bound if kind == "ratio" else high <= bound
        counted["uncovered"] += not low <= true <= high
    return {name: count / repeats for name, count in counted.items()}


def sizes_of(groups: int, rows: int, *, equal: bool) -> np.ndarray:
    """Return group sizes around `rows`, from a third of it to three times as much when unequal."""
    return np.full(groups, rows) if equal else np.geomspace(max(rows / 3, 20), rows * 3, groups).round().astype(int)


def equal_groups(groups: int, rows: int, rate: float, *, equal: bool = True, repeats: int = 400) -> dict[str, float]:
    """Return the largest share of false fails and of uncovered truths when all groups have one rate."""
    sizes = sizes_of(groups, rows, equal=equal)
    ratio = simulate(np.full(groups, rate), sizes, "ratio", RATIO_BOUND, repeats=repeats)
    difference = simulate(np.full(groups, rate), sizes, "difference", DIFFERENCE_BOUND, repeats=repeats)
    return {
        "false_fail": max(ratio["fail"], difference["fail"]),
        "uncovered": max(ratio["uncovered"], difference["uncovered"]),
    }


def one_group_just_out(
    groups: int, rows: int, rate: float, *, equal: bool = True, repeats: int = 400
) -> dict[str, float]:
    """Return the largest share of false passes and of uncovered truths when one group is just beyond the bound."""
    sizes = sizes_of(groups, rows, equal=equal)
    low, apart = np.full(groups, rate), np.full(groups, rate)
    low[0] = rate * (RATIO_BOUND - 0.001)
    apart[0] = rate - DIFFERENCE_BOUND - 0.001
    ratio = simulate(low, sizes, "ratio", RATIO_BOUND, repeats=repeats)
    difference = simulate(apart, sizes, "difference", DIFFERENCE_BOUND, repeats=repeats)
    return {
        "false_pass": max(ratio["pass"], difference["pass"]),
        "uncovered": max(ratio["uncovered"], difference["uncovered"]),
    }


def bootstrap_false_fail(groups: int, rows: int, rate: float, *, repeats: int = 200, resamples: int = 400) -> float:
    """Return how often a percentile bootstrap of the ratio fails equal groups, for comparison."""
    random = np.random.default_rng(0)
    fails = 0
    for _ in range(repeats):
        shares = random.binomial(rows, rate, groups) / rows
        drawn = random.binomial(rows, shares, (resamples, groups))
        fails += np.quantile(drawn.min(axis=1) / np.maximum(drawn.max(axis=1), 1), 0.975) < RATIO_BOUND
    return fails / repeats


def main() -> None:
    """Print one line a case."""
    print("disparities, level 0.95: shares of wrong answers, 400 draws a case")
    print("groups  rows  sizes    rate   false fail  false pass  uncovered   bootstrap's false fail")
    for groups, rows, equal, rate in product((2, 5, 20), (20, 100, 1000), (True, False), (0.15, 0.5)):
        fair = equal_groups(groups, rows, rate, equal=equal)
        unfair = one_group_just_out(groups, rows, rate, equal=equal)
        peer = f"{bootstrap_false_fail(groups, rows, rate):.3f}" if equal else ""
        uncovered = max(fair["uncovered"], unfair["uncovered"])
        print(
            f"{groups:6} {rows:5}  {'equal' if equal else 'unequal':8} {rate:.2f} {fair['false_fail']:11.3f} "
            f"{unfair['false_pass']:11.3f} {uncovered:10.3f}   {peer}"
        )


if __name__ == "__main__":
    main()
