"""Where the model is weakest: the parts of the data in which a small tree finds the most errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.binomial import shared_level
from nbdeploy.validate.checks.drawing import QUIET, dots, heading, panels
from nbdeploy.validate.checks.questions import Question, asked, leaves
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import EXACT, MEAN, mean_interval, rate_interval
from nbdeploy.validate.context import Context

_MOST_ROWS = 50_000


def weakest_slices(context: Context) -> Shown:
    """Record the accuracy, or in a regression the mean absolute error, of the weakest slice.

    Slices are found by a tree of depth 3 on one half of the rows and judged on the other: on the rows that a slice was
    chosen by, it always looks worse than it is.
    """
    metric = "worst_slice_error" if context.objective.task == "regression" else "worst_slice_accuracy"
    names = [name for name in context.features if name in context.data.columns]
    least = max(context.objective.min_group_size, len(context.data) // 50)
    places = context.rng("weakest slices").permutation(len(context.data))[:_MOST_ROWS]
    half = len(places) // 2
    if half < 2 * least or not names:
        context.not_available(f"{len(places)} rows are too few to find slices on one half", metric)
        return Shown(text="Not measured: too few rows to find slices on one half and judge them on the other.")
    frame, answers = context.data.iloc[places], context.predictions.iloc[places]
    label, said = answers["label"].to_numpy(), answers["predicted"].to_numpy()
    regression = metric == "worst_slice_error"
    errors = np.abs(label.astype(float) - said.astype(float)) if regression else (label != said).astype(float)
    matrix, questions = asked(frame, names)
    slices = _slices(matrix, errors, questions, half, least)
    slices = [one for one in slices if len(one["errors"]) >= context.objective.min_group_size]
    if not slices:
        context.not_available("no slice has enough rows in the half that judges", metric)
        return Shown(text="Not measured: no slice has enough rows in the half that judges.")
    told = [_told(one, shared_level(context.objective.level, len(slices)), regression=regression) for one in slices]
    key = _key(metric)
    told.sort(key=lambda one: (-one[key] if regression else one[key], one["slice"]))
    judged = float(errors[half:].mean())
    return _record(context, metric, told, judged if regression else 1 - judged, (half, len(places) - half))


def _key(metric: str) -> str:
    return "error" if metric == "worst_slice_error" else "accuracy"


def _told(one: dict[str, Any], level: float, *, regression: bool) -> dict[str, Any]:
    """Return a slice with its value and limits."""
    n, errors = len(one["errors"]), one["errors"]
    if not regression:
        right = n - float(errors.sum())
        limits = rate_interval(right, n, level)
        return {"slice": one["slice"], "n": n, "accuracy": right / n, "interval": limits}
    span, _ = mean_interval(errors, level)
    at_least_none = None if span is None else (max(span[0], 0.0), span[1])
    return {"slice": one["slice"], "n": n, "error": float(errors.mean()), "interval": at_least_none}


def _record(
    context: Context, metric: str, slices: list[dict[str, Any]], overall: float, rows: tuple[int, int]
) -> Shown:
    regression, key = metric == "worst_slice_error", _key(metric)
    worst = max if regression else min
    known = [one["interval"] for one in slices if one["interval"] is not None]
    how = f"{MEAN if regression else EXACT}, Bonferroni over {len(slices)} slices"
    recorded = context.record(
        metric,
        slices[0][key],
        interval=(worst(low for low, _ in known), worst(high for _, high in known)) if known else None,
        level=context.objective.level,
        method=f"{how}; found on one half of the rows, judged on the other",
        n=slices[0]["n"],
        denominator=slices[0]["n"],
        sample=sum(rows),
        data={"slices": slices, "overall": overall, "found_on": rows[0], "judged_on": rows[1]},
        note=f"The weakest slice: {slices[0]['slice']}.",
    )
    labels = [
        f"{one['slice'].replace('`', '').replace(' and ', chr(10) + 'and ')}: {one['n']:,} rows" for one in slices
    ]
    figure, (axis,) = panels(height=0.9 + 0.17 * sum(label.count("\n") + 1.5 for label in labels))
    dots(axis, labels, [one[key] for one in slices], [one["interval"] for one in slices])
    axis.set_yticks(range(len(slices)), labels, fontsize=7.5)
    axis.axvline(overall, color=QUIET, linewidth=1, linestyle=(0, (3, 2)))
    heading(axis, f"{'Mean absolute error' if regression else 'Accuracy'} by slice (dashed: all rows)")
    if not regression:
        axis.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    return Shown(figure, measured([recorded]), alternative=f"{key} by slice")


def _slices(
    matrix: NDArray[np.float64], errors: NDArray[np.float64], questions: list[Question], half: int, least: int
) -> list[dict[str, Any]]:
    """Find slices on the rows before `half`; return each with its errors from there on."""
    from sklearn.tree import DecisionTreeRegressor

    tree = DecisionTreeRegressor(max_depth=3, min_samples_leaf=least, random_state=0).fit(matrix[:half], errors[:half])
    reached, judged = tree.apply(matrix[half:]), errors[half:]
    return [
        {"slice": " and ".join(conditions) or "all rows", "errors": judged[reached == leaf]}
        for leaf, conditions in leaves(tree.tree_, questions)
    ]
