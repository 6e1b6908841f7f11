"""Which measures follow from the tallies alone, and which of them the fairness section reports in any case."""

from __future__ import annotations

from nbdeploy.documents import catalog
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.sections import Section
from nbdeploy.stats.metrics import CLASS_SCORES, ERROR_QUANTILES, ERROR_SCORES, RANKED_SCORES
from nbdeploy.stats.one_against_rest import PROBABILITY_SCORES
from nbdeploy.stats.rates import RATES
from nbdeploy.stats.scoring_rate import SCORING_RATE
from nbdeploy.validate.verdict.compare import is_disparity

CONDITIONAL_DISPARITIES = (
    "conditional_demographic_parity_ratio",
    "conditional_demographic_parity_difference",
    "conditional_equal_opportunity_difference",
)
"""What is reported besides where control features are declared."""

AVERAGES_OVER_CLASSES = ("precision_macro", "recall_macro", "f1_macro", "precision_weighted", "f1_weighted")
"""What every group is told of several classes, beside its accuracy, which is the weighted recall."""

COST = "expected_cost_per_1000"

OF_ERRORS = (*ERROR_SCORES, *ERROR_QUANTILES)
"""Numbers of the errors of a regression."""

OF_SCORES = (*RANKED_SCORES, *PROBABILITY_SCORES, SCORING_RATE)
"""Numbers that need scores."""

_OF_CLASSES = ("count", *RATES, *CLASS_SCORES)


def is_recomputable(section: Section, metric: str, task: str = "binary") -> bool:
    """Whether a measure follows from the tallies alone, so that no notebook has to be believed."""
    if metric == COST:
        return section == "performance" and task == "binary"
    if section == "fairness":
        return metric in (*_OF_CLASSES, *OF_SCORES, *OF_ERRORS) or is_disparity(metric)
    return section == "performance" and metric in (
        *RATES,
        *CLASS_SCORES,
        *RANKED_SCORES,
        *PROBABILITY_SCORES,
        *OF_ERRORS,
    )


def standard_fairness(objective: Objective) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return (metric, features) of all that the fairness section reports, whether or not a gate names it."""
    if objective.task == "regression":
        metrics: tuple[str, ...] = ("count", "mean_absolute_error", "root_mean_squared_error", "mean_error")
        disparities: tuple[str, ...] = tuple(f"{metric}_difference" for metric in metrics[1:])
        metrics += tuple(ERROR_QUANTILES)
    elif objective.task == "multiclass":
        metrics, disparities = ("count", "accuracy", *AVERAGES_OVER_CLASSES), ("accuracy_difference",)
        if objective.favourable is not None:
            metrics += ("favourable_rate",)
            disparities += ("demographic_parity_ratio", "demographic_parity_difference")
    else:
        metrics, disparities = (*catalog.STANDARD_GROUP_METRICS, "favourable_rate"), catalog.STANDARD_DISPARITIES
        if objective.regulations.local_law_144 is not None:
            metrics += (SCORING_RATE,)
    if objective.control:
        disparities += tuple(metric for metric in CONDITIONAL_DISPARITIES if objective.task in _tasks(metric))
    parts = objective.partitions
    return (
        *((metric, features) for metric in metrics for features in ((), *parts)),
        *((metric, features) for metric in disparities for features in parts),
    )


def _tasks(metric: str) -> tuple[str, ...]:
    entry = catalog.measure("fairness", metric)
    return () if entry is None else entry.tasks
