"""Which checks apply: scores of a classification, decisions of any classification, numbers of a regression."""

from __future__ import annotations

from nbdeploy.validate.checks.shown import Shown
from nbdeploy.validate.context import Context

NO_SCORES = "only decisions were given, no scores"


def without_scores(context: Context, *metrics: str) -> Shown | None:
    """Return what is shown where a check needs scores and there are none, having recorded why; None where there are."""
    if context.objective.task == "regression":
        return Shown(text="Does not apply: scores are of classes, and this is a regression.")
    several = context.objective.task == "multiclass"
    if not (context.tallies.class_columns if several else context.tallies.scored):
        context.not_available(NO_SCORES, *metrics)
        return Shown(text=f"Not measured: {NO_SCORES}.")
    return None
