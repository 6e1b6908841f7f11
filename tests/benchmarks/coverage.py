"""How often intervals and verdicts on disparities are wrong, by simulation; fails where a share is above its limit.

False fail: the groups satisfy the gate, and the whole interval violates it. False pass: they violate it by a hair, and
the whole interval satisfies it. Uncovered: the true extreme lies outside of the interval. Power: how often a gate fails
that one group truly violates by much. The metrics' own intervals are in metric_coverage.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from nbdeploy.stats.binomial import shared_level
from nbdeploy.stats.conditional import conditional_disparity
from nbdeploy.stats.disparity import Kind, disparity
from nbdeploy.stats.extremes import Disparity
from nbdeploy.stats.pair_intervals import Samples, difference_interval, ratio_interval
from nbdeploy.stats.rates import Rates
from nbdeploy.stats.to_overall import overall_disparity

RATIO_BOUND, DIFFERENCE_BOUND = 0.8, 0.1
LEVEL = 0.95
REPEATS = {2: 2000, 5: 600, 20: 200}
"""Draws by the number of groups: pairs grow with its square."""
AGAINST = 400
"""Draws of the disparities that are worked out one by one."""

KINDS: tuple[Kind, ...] = ("difference", "ratio")
Limits = tuple[np.ndarray, np.ndarray]


def noise(repeats: int, share: float = 1 - LEVEL) -> float:
    """Return three standard errors of a share found by so many draws: what some 100 shares at the limit stay within."""
    return 3 * float(np.sqrt(share * (1 - share) / repeats))


@dataclass
class Shares:
    """What became of the draws of one case; `limit` is what no wrong answer may be above."""

    repeats: int
    fail: float = 0.0
    passed: float = 0.0
    uncovered: float = 0.0

    @property
    def limit(self) -> float:
        """5 % and the noise of so many draws."""
        return 1 - LEVEL + noise(self.repeats)


def judged(limits: Limits, true: float, kind: Kind, bound: float) -> Shares:
    """Count what intervals, given as two arrays of shape (draws,), say of a gate and whether they hold the truth.

    A draw without an interval (nobody has the outcome in any group) is not evaluated: neither pass nor fail.
    """
    low, high = limits
    fail = high < bound if kind == "ratio" else low > bound
    passed = low >= bound if kind == "ratio" else high <= bound
    # Limits are sought by halving: the truth may stand a rounding error beyond one that it equals.
    uncovered = (true < low - 1e-9) | (true > high + 1e-9)
    return Shares(len(low), float(fail.mean()), float(passed.mean()), float(uncovered.mean()))


def limits_of(draws: np.ndarray, sizes: np.ndarray, kind: Kind) -> Limits:
    """Return the limits that `disparity` gives each draw, all at once: pairs with the same counts are worked out once.

    Parameters
    ----------
    draws
        Numerators; shape (draws, groups). The first few are held to `disparity` itself.
    """
    first, second = np.triu_indices(len(sizes), 1)
    pairs = [draws[:, first], np.broadcast_to(sizes[first], (len(draws), len(first)))]
    pairs += [draws[:, second], np.broadcast_to(sizes[second], (len(draws), len(first)))]
    turned = pairs[0] * pairs[3] > pairs[2] * pairs[1]
    lower_first = [np.where(turned, pairs[at], pairs[(at + 2) % 4]) for at in (2, 3, 0, 1)]
    counts, at = np.unique(np.stack(lower_first, -1).reshape(-1, 4), axis=0, return_inverse=True)
    k_low, n_low, k_high, n_high = counts.T.astype(float)
    each, lower_one = (np.concatenate([k_low, k_high]), np.concatenate([n_low, n_high])), np.arange(len(k_low))
    level, higher_one = shared_level(LEVEL, len(first)), lower_one + len(k_low)
    if kind == "difference":
        low, high = difference_interval(Samples.of(*each, higher_one, lower_one, level))
        ends = np.maximum(low, 0), np.maximum(high, -low)
    else:
        low, high = ratio_interval(Samples.of(*each, lower_one, higher_one, level))
        ends = np.minimum(low, 1 / high), np.minimum(high, 1)
    extreme = np.max if kind == "difference" else np.min
    found = tuple(extreme(end[at.ravel()].reshape(len(draws), -1), axis=1) for end in ends)
    silent = (draws.sum(axis=1) == 0) & (kind == "ratio")
    lower, upper = (np.where(silent, np.nan, end) for end in found)
    for draw in range(min(3, len(draws))):
        given = disparity(draws[draw], sizes, kind, level=LEVEL).interval or (np.nan, np.nan)
        np.testing.assert_allclose((lower[draw], upper[draw]), given, rtol=1e-6, atol=1e-9)
    return lower, upper


def simulate(rates: np.ndarray, sizes: np.ndarray, kind: Kind, bound: float, *, repeats: int, seed: int = 0) -> Shares:
    """Return what became of draws of groups with these true rates."""
    draws = np.random.default_rng(seed).binomial(sizes, rates, (repeats, len(sizes)))
    true = rates.min() / rates.max() if kind == "ratio" else rates.max() - rates.min()
    return judged(limits_of(draws, sizes, kind), float(true), kind, bound)


def sizes_of(groups: int, rows: int, *, equal: bool) -> np.ndarray:
    """Return group sizes around `rows`, from a third of it to three times as much when unequal."""
    return np.full(groups, rows) if equal else np.geomspace(max(rows / 3, 20), rows * 3, groups).round().astype(int)


def equal_groups(groups: int, rows: int, rate: float, *, equal: bool = True, repeats: int = 400) -> Shares:
    """Return the largest share of fails and of uncovered truths when all groups have one rate."""
    sizes, rates = sizes_of(groups, rows, equal=equal), np.full(groups, rate)
    ratio = simulate(rates, sizes, "ratio", RATIO_BOUND, repeats=repeats)
    difference = simulate(rates, sizes, "difference", DIFFERENCE_BOUND, repeats=repeats)
    return _worse(ratio, difference)


def one_group_just_out(groups: int, rows: int, rate: float, *, equal: bool = True, repeats: int = 400) -> Shares:
    """Return the largest share of passes and of uncovered truths when the largest group is just beyond the bound."""
    sizes = sizes_of(groups, rows, equal=equal)
    low, apart = np.full(groups, rate), np.full(groups, rate)
    low[-1] = rate * (RATIO_BOUND - 0.001)
    apart[-1] = rate - DIFFERENCE_BOUND - 0.001
    ratio = simulate(low, sizes, "ratio", RATIO_BOUND, repeats=repeats)
    difference = simulate(apart, sizes, "difference", DIFFERENCE_BOUND, repeats=repeats)
    return _worse(ratio, difference)


def one_bad_group(groups: int, rows: int, rate: float, *, equal: bool = True, repeats: int = 400) -> Shares:
    """Return how often the gate on the ratio fails when the smallest group has half of the others' rate."""
    rates = np.full(groups, rate)
    rates[0] = rate / 2
    return simulate(rates, sizes_of(groups, rows, equal=equal), "ratio", RATIO_BOUND, repeats=repeats)


def _worse(first: Shares, second: Shares) -> Shares:
    return Shares(
        first.repeats,
        max(first.fail, second.fail),
        max(first.passed, second.passed),
        max(first.uncovered, second.uncovered),
    )


def each_draw(rates: np.ndarray, sizes: np.ndarray, found: Callable[[Rates], Disparity], repeats: int) -> Limits:
    """Return the limits of one function of rates, draw by draw."""
    draws = np.random.default_rng(1).binomial(sizes, rates, (repeats, len(sizes)))
    pairs = [found(Rates("rate", k.astype(float), sizes.astype(float))).interval or (np.nan, np.nan) for k in draws]
    low, high = np.array(pairs).T
    return low, high


def to_overall(groups: int, rows: int, kind: Kind, *, fair: bool, repeats: int) -> Shares:
    """Return what becomes of a disparity from all rows; the smallest group is just out unless `fair`."""
    sizes, rates = sizes_of(groups, rows, equal=False), np.full(groups, 0.4)
    share = sizes[0] / sizes.sum()
    if not fair and kind == "ratio":  # p ÷ (w·p + (1 − w)·q) is just below the bound
        rates[0] = 0.4 * (RATIO_BOUND - 0.001) * (1 - share) / (1 - (RATIO_BOUND - 0.001) * share)
    elif not fair:
        rates[0] -= (DIFFERENCE_BOUND + 0.001) / (1 - share)
    every = (sizes * rates).sum() / sizes.sum()
    true = np.minimum(rates / every, every / rates).min() if kind == "ratio" else np.abs(rates - every).max()
    limits = each_draw(rates, sizes, lambda part: overall_disparity([part], kind, level=LEVEL), repeats)
    return judged(limits, float(true), kind, RATIO_BOUND if kind == "ratio" else DIFFERENCE_BOUND)


def conditional(groups: int, rows: int, kind: Kind, *, fair: bool, repeats: int) -> Shares:
    """Return what becomes of a disparity within three strata, the last's largest group being just out unless `fair`."""
    strata = np.repeat(np.arange(3), groups)
    rates, sizes = np.array([0.3, 0.5, 0.7])[strata], np.tile(sizes_of(groups, rows, equal=False), 3)
    if not fair:
        rates[-1] = rates[-1] * (RATIO_BOUND - 0.001) if kind == "ratio" else rates[-1] - DIFFERENCE_BOUND - 0.001
    parts = [rates[strata == stratum] for stratum in range(3)]
    true = min(p.min() / p.max() for p in parts) if kind == "ratio" else max(p.max() - p.min() for p in parts)
    limits = each_draw(rates, sizes, lambda part: conditional_disparity([part], strata, kind, level=LEVEL), repeats)
    return judged(limits, float(true), kind, RATIO_BOUND if kind == "ratio" else DIFFERENCE_BOUND)


def bootstrap_false_fail(groups: int, rows: int, rate: float, *, repeats: int = 200, resamples: int = 400) -> float:
    """Return how often a percentile bootstrap of the ratio fails equal groups, for comparison."""
    random = np.random.default_rng(0)
    shares = random.binomial(rows, rate, (repeats, 1, groups)) / rows
    drawn = random.binomial(rows, shares, (repeats, resamples, groups))
    ratios = drawn.min(axis=2) / np.maximum(drawn.max(axis=2), 1)
    return float((np.quantile(ratios, 0.975, axis=1) < RATIO_BOUND).mean())


@dataclass
class Report:
    """Lines of a table; what is above its limit is marked and remembered."""

    above: list[str] = field(default_factory=list)

    def line(self, case: str, shares: Sequence[tuple[str, float, Shares]], more: str = "") -> None:
        """Print one case: the shares by name, their limit, and what else there is to say."""
        limit = shares[0][2].limit
        over = [f"{name} {share:.3f}" for name, share, _ in shares if share > limit]
        self.above += [f"{case.strip()}: {one} is above {limit:.3f}" for one in over]
        cells = "".join(f"{share:11.3f}" for _, share, _ in shares)
        print(f"{case:34}{cells}   {limit:.3f}{more}{'   ABOVE' if over else ''}", flush=True)


def between_groups(report: Report) -> None:
    """Print the disparities between groups."""
    print(
        "between groups, 20 to 1,000 rows   false fail false pass  uncovered   limit   power  a bootstrap's false fail"
    )
    for groups, rows, equal, rate in product((2, 5, 20), (20, 100, 1000), (True, False), (0.15, 0.5)):
        repeats = REPEATS[groups]
        fair = equal_groups(groups, rows, rate, equal=equal, repeats=repeats)
        out = one_group_just_out(groups, rows, rate, equal=equal, repeats=repeats)
        power = one_bad_group(groups, rows, rate, equal=equal, repeats=min(repeats, 400)).fail
        peer = f"{bootstrap_false_fail(groups, rows, rate):7.3f}" if equal else ""
        case = f"{groups:2} groups {rows:4} {'equal' if equal else 'unequal':7} rate {rate:.2f}"
        uncovered = max(fair.uncovered, out.uncovered)
        shares = [("false fail", fair.fail, fair), ("false pass", out.passed, out), ("uncovered", uncovered, out)]
        report.line(case, shares, f"   {power:.3f}{peer}")
        if rows == 1000 and rate == 0.5 and power < 0.9:
            report.above.append(f"{case.strip()}: power {power:.3f} is below 0.9")


def beside_a_large_group(report: Report) -> None:
    """Print the disparities of small groups beside a large one, of outcomes that few have: the tails are longest."""
    print("30 rows beside 20,000              false fail  uncovered   limit")
    for groups, rate in product((2, 5, 20), (0.005, 0.02, 0.05)):
        sizes = np.append(np.full(groups - 1, 30), 20_000)
        fail = uncovered = 0.0
        for kind, just_in in zip(KINDS, (rate + DIFFERENCE_BOUND, rate / RATIO_BOUND), strict=True):
            bound = RATIO_BOUND if kind == "ratio" else DIFFERENCE_BOUND
            for small in (rate, just_in):
                rates = np.append(np.full(groups - 1, small), rate)
                # A bound a rounding beyond, so that what stands on it is not failed by one.
                slack = -1e-9 if kind == "ratio" else 1e-9
                found = simulate(rates, sizes, kind, bound + slack, repeats=REPEATS[groups])
                fail, uncovered = max(fail, found.fail), max(uncovered, found.uncovered)
        case = f"{groups:2} groups rate {rate}"
        report.line(case, [("false fail", fail, found), ("uncovered", uncovered, found)])


def against(report: Report) -> None:
    """Print the disparities from all rows and within strata."""
    print("of 33 to 300 rows                  false fail false pass  uncovered   limit")
    for simulated, groups, kind in product((to_overall, conditional), (2, 5, 20), KINDS):
        fair, out = (simulated(groups, 100, kind, fair=fair, repeats=AGAINST) for fair in (True, False))
        uncovered = max(fair.uncovered, out.uncovered)
        shares = [("false fail", fair.fail, fair), ("false pass", out.passed, out), ("uncovered", uncovered, out)]
        report.line(f"{simulated.__name__:11} {groups:2} groups {kind}", shares)


def main() -> None:
    """Print one line a case; exit with 1 where a share is above its limit."""
    draws = ", ".join(f"{repeats} draws of {groups} groups" for groups, repeats in REPEATS.items())
    print(
        f"disparities at level {LEVEL}; ratio under {RATIO_BOUND}, difference over {DIFFERENCE_BOUND} violate the gate"
    )
    print(f"{draws}; {AGAINST} from all rows (to_overall) and within strata (conditional)")
    print(
        "limit of each wrong answer: 5 % and three standard errors of so many draws; power: the smallest group has half"
    )
    print(
        "of the others' rate, at least 0.9 wanted with 1,000 rows and rate 0.5; just out for a pass: the largest group"
    )
    report = Report()
    between_groups(report)
    beside_a_large_group(report)
    against(report)
    print("\n".join(["ABOVE THE LIMIT:", *report.above]) if report.above else "every share is within its limit")
    sys.exit(bool(report.above))


if __name__ == "__main__":
    main()
