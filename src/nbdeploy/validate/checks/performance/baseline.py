"""Is the model better than saying the same to everybody?"""

from __future__ import annotations

from typing import Any

import numpy as np

from nbdeploy.stats.tally.levels import plain
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import mean_interval, paired_gain_interval
from nbdeploy.validate.context import Context


def gain_over_baseline(context: Context) -> Shown:
    """Record the accuracy (or mean absolute error) gained over always saying the commonest answer (or the median).

    The constant is that of the training data; without any it is taken from the evaluated rows, which flatters it.
    """
    target, known = context.objective.target, context.train
    learnt = known is not None and target in known.columns
    answers = known[target].dropna() if known is not None and learnt else context.predictions["label"]
    source = "train" if learnt else "evaluation"
    truth, said = (context.predictions[name].to_numpy() for name in ("label", "predicted"))
    n, level = len(truth), context.objective.level
    told: dict[str, Any]
    if context.objective.task == "regression":
        constant = float(answers.astype(float).median())
        gains = np.abs(truth.astype(float) - constant) - np.abs(truth.astype(float) - said.astype(float))
        value = float(gains.mean())
        limits, method = mean_interval(gains, level)
        told = {
            "metric": "mean_absolute_error",
            "model": float(np.abs(truth.astype(float) - said.astype(float)).mean()),
            "baseline": float(np.abs(truth.astype(float) - constant).mean()),
            "always": constant,
        }
    else:
        commonest = plain(answers.mode().iloc[0])
        right, simple = truth == said, np.array([plain(label) == commonest for label in truth])
        gained, lost = int((right & ~simple).sum()), int((~right & simple).sum())
        value = (gained - lost) / n
        limits, method = paired_gain_interval(gained, lost, n, level), "Bonett–Price, paired"
        told = {
            "metric": "accuracy",
            "model": float(right.mean()),
            "baseline": float(simple.mean()),
            "always": commonest,
        }
    found = context.record(
        "skill_over_baseline", value, interval=limits, level=level, method=method, n=n, data=told | {"from": source}
    )
    return Shown(table=measured([found]), text=f"The dummy model always says {told['always']}.")
