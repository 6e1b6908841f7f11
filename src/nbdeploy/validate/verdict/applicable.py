"""Whether a metric belongs to a task and its data; if not, why, in words for the finding."""

from __future__ import annotations

from collections.abc import Mapping

from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Scalar
from nbdeploy.stats.disparity_names import disparity_name
from nbdeploy.stats.metrics import RANKED_SCORES
from nbdeploy.stats.one_against_rest import PROBABILITY_SCORES
from nbdeploy.stats.rates import RATES
from nbdeploy.validate.verdict.compare import is_disparity
from nbdeploy.validate.verdict.recomputable import COST, OF_ERRORS, OF_SCORES
from nbdeploy.validate.verdict.tallies import Tallies


def not_applicable(
    tallies: Tallies, metric: str, features: tuple[str, ...], group: Mapping[str, Scalar] | None
) -> str | None:
    """Return why a metric does not follow from these tallies by these features; None where it does."""
    if is_disparity(metric) and group:
        return f"{metric} compares groups: name features, not one group"
    if is_disparity(metric) and not features:
        return f"{metric} compares groups, and no sensitive feature is declared"
    if metric == COST:
        return None
    if metric in OF_SCORES:
        return _not_scored(tallies, metric)
    name = disparity_name(metric)
    if name is not None and name.conditional and not tallies.objective.control:
        return f"{metric} compares within control features, and none is declared"
    return _wrong_task(tallies.objective, metric, (metric,) if name is None else name.compared)


def _not_scored(tallies: Tallies, metric: str) -> str | None:
    task = tallies.objective.task
    if task == "regression":
        return f"{metric} is of decisions, and the task is regression"
    if task == "multiclass" and metric not in PROBABILITY_SCORES:
        return f"{metric} is of two classes, and the task is multiclass"
    if task == "multiclass":
        return None if tallies.class_columns else f"{metric} needs scores of each class, and there are none"
    if metric in PROBABILITY_SCORES and metric not in RANKED_SCORES:
        return f"{metric} is of several classes, and the task is binary"
    return None if tallies.scored else f"{metric} needs scores, and only decisions were given"


def _wrong_task(objective: Objective, metric: str, compared: tuple[str, ...]) -> str | None:
    """Say why a metric, or a rate that it compares, does not belong to the task."""
    of_errors = any(rate in OF_ERRORS for rate in compared)
    if objective.task == "regression":
        return None if of_errors or metric == "count" else f"{metric} is of decisions, and the task is regression"
    if of_errors:
        return f"{metric} is of errors, and the task is {objective.task}"
    if objective.task == "multiclass":
        if "favourable_rate" in compared and objective.favourable is None:
            return f"{metric} needs the favourable outcome: declare `favourable:`"
        one_class = [rate for rate in (*RATES, "f1") if rate not in ("accuracy", "favourable_rate")]
        if objective.positive is None and any(rate in one_class for rate in compared):
            return f"{metric} is of one class: declare `positive:`"
    return None
