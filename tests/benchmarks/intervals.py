"""Intervals of disparities against fairlearn's bootstrap on the same rows, both measured here. Prints ratios of time.

fairlearn resamples the rows `BOOTS` times and is scaled by the time of one more boot to `RESAMPLES`; its time without
`n_boot` is measured apart and taken off. Ours are score intervals, each pair's own and all at once: no resamples.
Beside it stands a score that is resampled (Matthews' correlation: 2,000 Dirichlet resamples of each group's counts).
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from nbdeploy.stats.disparity import group_disparity
from nbdeploy.stats.intervals import estimates
from nbdeploy.stats.score_intervals import RESAMPLES as OUR_RESAMPLES
from nbdeploy.stats.tally import ClassTally

ROWS, GROUPS = 100_000, 10
RESAMPLES, BOOTS = 1000, 5
WANTED = 0.001
RATES = ("selection_rate", "true_positive_rate", "false_positive_rate")
NAMES = tuple(
    f"{rate}{against}_{kind}" for rate in RATES for against in ("", "_to_overall") for kind in ("difference", "ratio")
)
"""What both give an interval of."""


def rows(count: int, seed: int = 0) -> pa.Table:
    """Return labels and decisions of `count` people in ten groups."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, count)
    said = np.where(random.random(count) < 0.8, label, 1 - label)
    return pa.table({"group": random.integers(0, GROUPS, count), "label": label, "predicted": said})


def ours(tally: ClassTally) -> dict[str, tuple[float, float] | None]:
    """Return the interval of every disparity."""
    return {name: group_disparity(tally, name).interval for name in NAMES}


def theirs(table: pa.Table, boots: int | None) -> dict[str, tuple[float, float]]:
    """Return fairlearn's percentiles of the same disparities; nothing without boots."""
    import fairlearn.metrics as fair

    columns = {name: table[name].to_numpy() for name in table.column_names}
    asked = {} if boots is None else {"n_boot": boots, "ci_quantiles": [0.025, 0.975], "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fairlearn meets a newer pandas
        frame = fair.MetricFrame(
            metrics={rate: getattr(fair, rate) for rate in RATES},
            y_true=columns["label"],
            y_pred=columns["predicted"],
            sensitive_features=columns["group"],
            **asked,
        )
        found = {}
        for method in ("between_groups", "to_overall"):
            for kind in ("difference", "ratio"):
                if boots is None:
                    getattr(frame, kind)(method=method)
                    continue
                low, high = getattr(frame, f"{kind}_ci")(method=method)
                for rate in RATES:
                    name = rate + ("_to_overall" if method == "to_overall" else "") + f"_{kind}"
                    found[name] = (float(low[rate]), float(high[rate]))
    return found


def timed(act: Callable[[], object], repeats: int = 1) -> float:
    """Return the shortest time of several."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        act()
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    """Print times, their ratios and one interval of each; exit with 1 where the ratio is above what is wanted."""
    table = rows(ROWS)
    counting = timed(lambda: ClassTally.from_arrow(table, label="label", predicted="predicted", features=["group"]), 3)
    tally = ClassTally.from_arrow(table, label="label", predicted="predicted", features=["group"])
    score = timed(lambda: ours(tally), 5)
    resampled = timed(lambda: estimates(tally, "matthews_corrcoef"), 3)
    without = timed(lambda: theirs(table, None))
    boot = (timed(lambda: theirs(table, BOOTS)) - without) / BOOTS
    peer = without + boot * RESAMPLES
    print(f"intervals of {len(NAMES)} disparities, {ROWS:,} rows × {GROUPS} groups")
    print(f"  fairlearn n_boot={RESAMPLES}, scaled from {BOOTS} boots of {boot:.2f} s   {peer:10.1f} s")
    print(f"  ours, score intervals of all pairs together            {score:10.4f} s")
    print(f"  ours, counting the rows too                            {score + counting:10.4f} s")
    print(f"  ours, {OUR_RESAMPLES:,} resamples of {GROUPS} groups' correlation      {resampled:10.4f} s")
    worst = 0.0
    for what, seconds in (
        ("intervals", score),
        ("intervals, counting too", score + counting),
        ("resampling, counting too", resampled + counting),
    ):
        worst = max(worst, seconds / peer)
        print(f"  ratio {seconds / peer:.6f} (wanted ≤ {WANTED}): {what}")
    if worst > WANTED:
        print("ABOVE what is wanted")
    sys.exit(worst > WANTED)


if __name__ == "__main__":
    main()
