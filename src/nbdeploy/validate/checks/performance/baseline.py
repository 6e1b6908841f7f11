"""Is the model better than saying the same to everybody?"""

from __future__ import annotations

from typing import Any

import numpy as np

from nbdeploy.stats.paired import Gain, mean_gain, rate_gain
from nbdeploy.stats.tally.levels import plain
from nbdeploy.validate.checks.shown import Shown, measured, number
from nbdeploy.validate.context import Context


def gain_over_baseline(context: Context) -> Shown:
    """Record the accuracy (or mean absolute error) gained over always saying the commonest answer (or the median).

    The constant is that of the training rows; without any it is taken from the evaluated rows, which flatters it.
    """
    target, known = context.objective.target, context.train
    learnt = known is not None and target in known.columns
    answers = known[target].dropna() if known is not None and learnt else context.predictions["label"]
    regression = context.objective.task == "regression"
    gain, told = _of_errors(context, answers) if regression else _of_decisions(context, answers)
    found = context.record(
        "skill_over_baseline",
        gain.value,
        interval=gain.interval,
        level=context.objective.level,
        method=gain.method if gain.interval else None,
        n=gain.n,
        data=told | {"from": "train" if learnt else "evaluation"},
        sample=gain.n,
    )
    return Shown(table=measured([found]), text=_said(told))


def _said(told: dict[str, Any]) -> str:
    """Return both figures in words: which is better, and that a rare class can be found below a dummy's accuracy."""
    model, dummy = told["model"], told["baseline"]
    if told["metric"] != "accuracy":
        return f"A mean absolute error of {number(model)}, against {number(dummy)} of always saying {told['always']}."
    text = f"An accuracy of {model:.1%}, against {dummy:.1%} of always saying {told['always']}."
    if model < dummy:
        text += (
            " Who looks for the rare gives up accuracy, which counts a rare class missed as little as a false alarm."
        )
    return text


def _of_decisions(context: Context, answers: Any) -> tuple[Gain, dict[str, Any]]:
    """Compare accuracies on all rows: which rows only one of the two has right follows from the counts."""
    commonest = plain(answers.mode().iloc[0])
    tally = context.tallies.classes()
    counts = tally.counts.sum(axis=0)
    n, right = int(counts.sum()), int(np.trace(counts))
    of_commonest = counts[tally.classes.index(commonest)] if commonest in tally.classes else np.zeros(len(counts))
    both = int(of_commonest[tally.classes.index(commonest)]) if commonest in tally.classes else 0
    simple = int(of_commonest.sum())
    told = {"metric": "accuracy", "model": right / n, "baseline": simple / n, "always": commonest}
    return rate_gain(right - both, simple - both, n, context.objective.level), told


def _of_errors(context: Context, answers: Any) -> tuple[Gain, dict[str, Any]]:
    truth, said = (context.predictions[name].to_numpy(dtype=float) for name in ("label", "predicted"))
    constant = float(answers.astype(float).median())
    dummy, model = np.abs(truth - constant), np.abs(truth - said)
    told = {"metric": "mean_absolute_error", "model": float(model.mean()), "baseline": float(dummy.mean())}
    return mean_gain(dummy, model, context.objective.level), told | {"always": constant}
