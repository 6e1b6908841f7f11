"""Where the model is weakest: the parts of the data in which a small tree finds the most errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.binomial import shared_level
from nbdeploy.validate.checks.drawing import QUIET, dots, heading, panels
from nbdeploy.validate.checks.questions import Question, asked, leaves
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import WILSON, rate_interval
from nbdeploy.validate.context import Context

_MOST_ROWS = 50_000


def weakest_slices(context: Context) -> Shown:
    """Record the accuracy of the weakest slice.

    Slices are found by a tree of depth 3 on one half of the rows and judged on the other: on the rows that a slice was
    chosen by, it always looks worse than it is.
    """
    if context.objective.task == "regression":
        return Shown(text="Not measured: the weakest slice is of decisions, and a regression makes none.")
    names = [name for name in context.features if name in context.data.columns]
    least = max(context.objective.min_group_size, len(context.data) // 50)
    places = context.rng("weakest slices").permutation(len(context.data))[:_MOST_ROWS]
    half = len(places) // 2
    if half < 2 * least or not names:
        context.not_available(f"{len(places)} rows are too few to find slices on one half", "worst_slice_accuracy")
        return Shown(text="Not measured: too few rows to find slices on one half and judge them on the other.")
    frame, answers = context.data.iloc[places], context.predictions.iloc[places]
    wrong = (answers["label"].to_numpy() != answers["predicted"].to_numpy()).astype(float)
    matrix, questions = asked(frame, names)
    slices = _slices(matrix, wrong, questions, half, least)
    slices = [one for one in slices if one["n"] >= context.objective.min_group_size]
    if not slices:
        context.not_available("no slice has enough rows in the half that judges", "worst_slice_accuracy")
        return Shown(text="Not measured: no slice has enough rows in the half that judges.")
    each = shared_level(context.objective.level, len(slices))
    for one in slices:
        one["interval"] = rate_interval(one["right"], one["n"], each)
        one["accuracy"] = one.pop("right") / one["n"]
    slices.sort(key=lambda one: (one["accuracy"], one["slice"]))
    return _record(context, slices, 1 - float(wrong[half:].mean()), half, len(places) - half)


def _record(context: Context, slices: list[dict[str, Any]], overall: float, found_on: int, judged_on: int) -> Shown:
    recorded = context.record(
        "worst_slice_accuracy",
        slices[0]["accuracy"],
        interval=(min(one["interval"][0] for one in slices), min(one["interval"][1] for one in slices)),
        level=context.objective.level,
        method=f"{WILSON}, Bonferroni over {len(slices)} slices; found on one half of the rows, judged on the other",
        n=slices[0]["n"],
        denominator=slices[0]["n"],
        sample=found_on + judged_on,
        data={"slices": slices, "overall": overall, "found_on": found_on, "judged_on": judged_on},
        note=f"The weakest slice: {slices[0]['slice']}.",
    )
    labels = [one["slice"].replace("`", "").replace(" and ", "\nand ") for one in slices]
    figure, (axis,) = panels(height=0.9 + 0.17 * sum(label.count("\n") + 1.5 for label in labels))
    dots(axis, labels, [one["accuracy"] for one in slices], [one["interval"] for one in slices])
    axis.set_yticks(range(len(slices)), labels, fontsize=7.5)
    axis.axvline(overall, color=QUIET, linewidth=1, linestyle=(0, (3, 2)))
    heading(axis, "Accuracy by slice (dashed: all rows)")
    axis.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    return Shown(figure, measured([recorded]), alternative="accuracy by slice")


def _slices(
    matrix: NDArray[np.float64], wrong: NDArray[np.float64], questions: list[Question], half: int, least: int
) -> list[dict[str, Any]]:
    """Find slices on the rows before `half`; return each with its rows and right decisions from there on."""
    from sklearn.tree import DecisionTreeRegressor

    tree = DecisionTreeRegressor(max_depth=3, min_samples_leaf=least, random_state=0).fit(matrix[:half], wrong[:half])
    reached, judged = tree.apply(matrix[half:]), wrong[half:]
    found = []
    for leaf, conditions in leaves(tree.tree_, questions):
        here = reached == leaf
        text = " and ".join(conditions) or "all rows"
        found.append({"slice": text, "n": int(here.sum()), "right": int((judged[here] == 0).sum())})
    return found
