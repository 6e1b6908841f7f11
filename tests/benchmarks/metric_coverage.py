"""How often the interval of each metric misses its truth, by simulation; fails where a share is above its limit.

The draws of a case are the groups of one tally, so that `estimates` gives all their intervals at once. The truth is the
metric of the whole population: of its shares where those are known, else of a million rows drawn from it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import numpy as np

from nbdeploy.stats.intervals import estimates
from nbdeploy.stats.metrics import CLASS_SCORES, ERROR_QUANTILES, ERROR_SCORES, RANKED_SCORES, Tally, values
from nbdeploy.stats.one_against_rest import PROBABILITY_SCORES
from nbdeploy.stats.rates import RATES
from nbdeploy.stats.tally import ClassTally, ErrorTally, ProbabilityTally, ScoreTally

LEVEL = 0.95
SIZES = (50, 200, 1000)
REPEATS = {50: 1000, 200: 600, 1000: 300}
"""Draws by the rows of each."""

FEWER = 200
"""Draws of several classes' scores, whose averages take long; held to the same limits, which the seeds keep to."""

POPULATION = 1_000_000

CONFUSIONS = {
    "two classes": [[0.62, 0.08], [0.06, 0.24]],
    "rare class": [[0.85, 0.05], [0.04, 0.06]],
    "nearly right": [[0.895, 0.005], [0.005, 0.095]],
    "three classes": [[0.35, 0.05, 0.03], [0.06, 0.24, 0.04], [0.03, 0.04, 0.16]],
}
"""Shares of rows, true class × decision."""

Columns = dict[str, np.ndarray]


def limit(repeats: int) -> float:
    """Return the largest share of misses allowed: 5 % and three standard errors of a share found by so many draws."""
    return 1 - LEVEL + 3 * float(np.sqrt(LEVEL * (1 - LEVEL) / repeats))


def missed(tally: Tally, metric: str, truth: float) -> tuple[float, float, str]:
    """Return the share of groups whose interval misses the truth, the share that has none, and the methods used.

    A group in which the metric is 0/0 or nothing varies has no interval and claims nothing; misses are of the others.
    """
    found = estimates(tally, metric, LEVEL)
    limits = np.array([one.interval for one in found if one.interval is not None]).reshape(-1, 2)
    out = (limits[:, 0] > truth + 1e-12) | (limits[:, 1] < truth - 1e-12)
    methods = " / ".join(sorted({one.method for one in found if one.method}))
    return float(out.mean()) if len(out) else 0.0, 1 - len(limits) / len(found), methods


def calibrated(random: np.random.Generator, rows: int) -> Columns:
    """Return scores that are the probabilities of the labels."""
    score = random.beta(2, 2, rows)
    return {"label": (random.random(rows) < score).astype(int), "score": score}


def overconfident(random: np.random.Generator, rows: int) -> Columns:
    """Return scores whose log-odds are twice what they should be, of an outcome that one in six has."""
    odds = random.normal(-2, 1.2, rows)
    chance = 1 / (1 + np.exp(-odds))
    return {"label": (random.random(rows) < chance).astype(int), "score": 1 / (1 + np.exp(-2 * odds))}


def confident(random: np.random.Generator, rows: int) -> Columns:
    """Return scores near 0 or 1 of which three in a hundred are wrong."""
    label = random.random(rows) < 0.3
    wrong = random.random(rows) < 0.03
    return {"label": label.astype(int), "score": np.where(label ^ wrong, 0.995, 0.005)}


def rare_outcome(random: np.random.Generator, rows: int) -> Columns:
    """Return honest scores of an outcome that three in a hundred have."""
    score = 1 / (1 + np.exp(-random.normal(-4, 1, rows)))
    return {"label": (random.random(rows) < score).astype(int), "score": score}


def three_classes(random: np.random.Generator, rows: int) -> Columns:
    """Return honest scores of three classes, one of them rare."""
    scores = np.exp(random.normal(np.log([0.6, 0.3, 0.1]), 1.5, (rows, 3)))
    scores /= scores.sum(axis=1, keepdims=True)
    label = (random.random((rows, 1)) > scores.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    return {"label": label} | {f"of {at}": scores[:, at] for at in range(3)}


def normal_errors(random: np.random.Generator, rows: int) -> Columns:
    """Return a regression with normal errors and R² = 0.75."""
    truth = random.normal(100, 2, rows)
    return {"label": truth, "predicted": truth + random.normal(0, 1, rows)}


def heavy_errors(random: np.random.Generator, rows: int) -> Columns:
    """Return a regression of a skewed quantity with errors of heavy tails (Student's t, 6 degrees of freedom)."""
    truth = random.gamma(3, 2, rows)
    return {"label": truth, "predicted": truth + random.standard_t(6, rows)}


def drawn(make: Callable[[np.random.Generator, int], Columns], rows: int, draws: int, seed: int) -> Columns:
    """Return so many draws below each other, numbered in the column ``draw``."""
    columns = make(np.random.default_rng(seed), rows * draws)
    return columns | {"draw": np.repeat(np.arange(draws), rows)}


def of_classes() -> Iterator[tuple[str, str, int, float, float, str]]:
    """Yield (metric, case, rows, missed, without, method) of metrics of decisions."""
    for case, shares in CONFUSIONS.items():
        share = np.array(shares)
        classes = tuple(range(len(share)))
        binary = len(share) == 2
        metrics = [*RATES, *CLASS_SCORES] if binary else ["accuracy", *(n for n in CLASS_SCORES if n != "f1")]
        whole = ClassTally((), ((),), classes, share[None])
        for rows in SIZES:
            counts = np.random.default_rng(rows).multinomial(rows, share.ravel(), REPEATS[rows])
            groups = tuple((draw,) for draw in range(REPEATS[rows]))
            tally = ClassTally(("draw",), groups, classes, counts.reshape(-1, *share.shape))
            for metric in metrics:
                yield metric, case, rows, *missed(tally, metric, float(values(whole, metric)[0]))


def of_scores() -> Iterator[tuple[str, str, int, float, float, str]]:
    """Yield the same of metrics of scores."""
    for make in (calibrated, overconfident, confident, rare_outcome):
        whole = ScoreTally.from_arrow(make(np.random.default_rng(1), POPULATION), label="label", score="score")
        truths = {metric: float(values(whole, metric)[0]) for metric in RANKED_SCORES}
        if make is calibrated:
            truths["expected_calibration_error"] = 0.0
        for rows in SIZES:
            columns = drawn(make, rows, REPEATS[rows], rows)
            tally = ScoreTally.from_arrow(columns, label="label", score="score", features=["draw"])
            for metric in RANKED_SCORES:
                yield metric, make.__name__.replace("_", " "), rows, *missed(tally, metric, truths[metric])


def of_probabilities() -> Iterator[tuple[str, str, int, float, float, str]]:
    """Yield the same of metrics of the scores of several classes."""
    columns = {at: f"of {at}" for at in range(3)}
    population = three_classes(np.random.default_rng(1), POPULATION // 4)
    whole = ProbabilityTally.from_arrow(population, label="label", scores=columns)
    truths = {metric: float(values(whole, metric)[0]) for metric in PROBABILITY_SCORES}
    for rows in SIZES[:2]:  # a thousand rows, and more draws, add minutes
        given = drawn(three_classes, rows, FEWER, rows)
        tally = ProbabilityTally.from_arrow(given, label="label", scores=columns, features=["draw"])
        for metric in PROBABILITY_SCORES:
            yield metric, "three classes", rows, *missed(tally, metric, truths[metric])


def of_errors() -> Iterator[tuple[str, str, int, float, float, str]]:
    """Yield the same of metrics of errors, and of their quantiles."""
    for make in (normal_errors, heavy_errors):
        case = make.__name__.replace("_", " ")
        population = make(np.random.default_rng(1), POPULATION)
        whole = ErrorTally.from_arrow(population, label="label", predicted="predicted")
        for rows in SIZES:
            columns = drawn(make, rows, REPEATS[rows], rows)
            tally = ErrorTally.from_arrow(columns, label="label", predicted="predicted", features=["draw"])
            for metric in (*ERROR_SCORES, *ERROR_QUANTILES):
                truth = 0.0 if metric == "mean_error" else float(values(whole, metric)[0])
                yield metric, case, rows, *missed(tally, metric, truth)


def main() -> None:
    """Print one line a metric and case, its misses by the rows of a draw; exit with 1 where one is above its limit."""
    print(f"misses of the intervals of single metrics at level {LEVEL}")
    print("limits, 5 % and three standard errors of so many draws: ", end="")
    print(", ".join(f"{limit(REPEATS[rows]):.3f} for {REPEATS[rows]} draws of {rows} rows" for rows in SIZES))
    print("in brackets the share of draws without an interval: 0/0, or nothing varies")
    print(f"{'metric':28}{'case':16}" + "".join(f"{f'{rows} rows':>16}" for rows in SIZES) + "   method")
    table: dict[tuple[str, str], list[tuple[int, float, float, str]]] = {}
    for part in (of_classes, of_scores, of_probabilities, of_errors):
        for metric, case, *found in part():
            table.setdefault((metric, case), []).append((found[0], found[1], found[2], found[3]))
    above = []
    for (metric, case), line in table.items():
        cells = ""
        for rows, share, without, _ in line:
            most = limit(REPEATS[rows])
            if share > most:
                above.append(f"{metric}, {case}, {rows} rows: {share:.3f} is above {most:.3f}")
            cells += f"{share:8.3f}{'*' if share > most else ' '}{f'({without:.2f})' if without else '':7}"
        print(f"{metric:28}{case:16}{cells}   {line[0][3]}")
    print("\n".join(["ABOVE THE LIMIT:", *above]) if above else "every share is within its limit")
    sys.exit(bool(above))


if __name__ == "__main__":
    main()
