"""Group metrics of a million rows against fairlearn's MetricFrame, both measured here. Prints ratios of time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np
import pyarrow as pa

METRICS = ("selection_rate", "true_positive_rate", "false_positive_rate", "accuracy", "precision")


def rows(count: int, seed: int = 0) -> pa.Table:
    """Return labels, decisions and scores of `count` people in ten groups."""
    random = np.random.default_rng(seed)
    group = random.choice([f"group {index}" for index in range(10)], count)
    label = random.integers(0, 2, count)
    score = np.clip(random.normal(0.35 + 0.3 * label, 0.25), 0, 1)
    return pa.table({"group": group, "label": label, "predicted": (score >= 0.5).astype(np.int64), "score": score})


def by_tally(table: pa.Table) -> dict[str, np.ndarray]:
    """Return every metric by group, after intervals and two disparities were made too."""
    from nbdeploy.stats.disparity import group_disparity
    from nbdeploy.stats.intervals import estimates
    from nbdeploy.stats.tally import ClassTally

    tally = ClassTally.from_arrow(table, label="label", predicted="predicted", features=["group"])
    for name in ("demographic_parity_ratio", "equalized_odds_difference"):
        group_disparity(tally, name)
    return {name: np.array([each.value for each in estimates(tally, name)]) for name in METRICS}


def by_metric_frame(table: pa.Table) -> dict[str, np.ndarray]:
    """Return the same metrics by group from fairlearn, without intervals."""
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
    from sklearn.metrics import accuracy_score, precision_score

    functions = dict(
        zip(
            METRICS,
            (selection_rate, true_positive_rate, false_positive_rate, accuracy_score, precision_score),
            strict=True,
        )
    )
    columns = {name: table[name].to_numpy() for name in ("label", "predicted", "group")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fairlearn meets a newer pandas
        frame = MetricFrame(
            metrics=functions,
            y_true=columns["label"],
            y_pred=columns["predicted"],
            sensitive_features=columns["group"],
        )
    return {name: frame.by_group[name].sort_index().to_numpy() for name in METRICS}


def of_many_groups(groups: int, rows: int) -> None:
    """Make all standard disparities and group metrics of a crossing with very many groups."""
    from nbdeploy.documents import catalog
    from nbdeploy.stats.disparity import group_disparity
    from nbdeploy.stats.intervals import by_group
    from nbdeploy.stats.tally import ClassTally

    random = np.random.default_rng(0)
    share = random.beta(20, 30, groups)
    cells = np.column_stack([(1 - share) * 0.85, (1 - share) * 0.15, share * 0.3, share * 0.7])
    counts = random.multinomial(random.poisson(rows, groups), cells).reshape(groups, 2, 2)
    tally = ClassTally(("town",), tuple((f"town {at:04}",) for at in range(groups)), (0, 1), counts)
    for name in catalog.STANDARD_DISPARITIES:
        group_disparity(tally, name)
    for name in catalog.STANDARD_GROUP_METRICS:
        by_group(tally, name)


def of_averages(groups: int, rows: int, classes: int) -> None:
    """Make what is averaged over classes, and Matthews' correlation, by very many groups."""
    from nbdeploy.stats.intervals import by_group
    from nbdeploy.stats.tally import ClassTally

    random = np.random.default_rng(0)
    shares = np.full((classes, classes), 0.3 / classes**2) + np.eye(classes) * 0.7 / classes
    counts = random.multinomial(random.poisson(rows, groups), shares.ravel()).reshape(groups, classes, classes)
    tally = ClassTally(("town",), tuple((f"town {at:04}",) for at in range(groups)), tuple(range(classes)), counts)
    for name in ("balanced_accuracy", "precision_macro", "matthews_corrcoef", "f1_macro"):
        by_group(tally, name)


def of_errors(groups: int, rows: int) -> None:
    """Make what is told of a regression's errors by very many groups."""
    from nbdeploy.stats.intervals import by_group
    from nbdeploy.stats.metrics import ERROR_SCORES
    from nbdeploy.stats.tally import ErrorTally

    random = np.random.default_rng(0)
    truth = random.normal(50, 9, groups * rows)
    table = {"town": np.repeat(np.arange(groups), rows), "y": truth, "p": truth + random.normal(0, 3, groups * rows)}
    tally = ErrorTally.from_arrow(table, label="y", predicted="p", features=["town"])
    started = time.perf_counter()
    for name in ERROR_SCORES:
        by_group(tally, name)
    print(f"  {groups:,} groups of {rows}, four of errors       {time.perf_counter() - started:8.3f} s")


def timed(act: Callable[[], object], repeats: int) -> float:
    """Return the shortest time of several."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        act()
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    """Print the times and their ratio, and that the numbers are equal."""
    table = rows(1_000_000)
    ours, theirs = by_tally(table), by_metric_frame(table)
    apart = max(float(np.abs(ours[name] - theirs[name]).max()) for name in METRICS)
    tally, frame = timed(lambda: by_tally(table), 5), timed(lambda: by_metric_frame(table), 1)
    print("group metrics, 1,000,000 rows × 10 groups × 5 metrics")
    print(f"  tally with intervals and disparities  {tally:8.3f} s")
    print(f"  fairlearn MetricFrame, no intervals   {frame:8.3f} s")
    print(f"  2,000 groups of 50 rows, all measures {timed(lambda: of_many_groups(2000, 50), 1):8.3f} s")
    print(f"  2,000 groups of 500, all measures     {timed(lambda: of_many_groups(2000, 500), 1):8.3f} s")
    print(f"  2,000 groups of 50, four averages        {timed(lambda: of_averages(2000, 50, 2), 1):8.3f} s")
    print(f"  2,000 groups of 50, 10 classes           {timed(lambda: of_averages(2000, 50, 10), 1):8.3f} s")
    of_errors(2000, 50)
    print(f"  ratio {tally / frame:.4f} (wanted ≤ 0.01), largest difference of a value {apart:.1e}")


if __name__ == "__main__":
    main()
