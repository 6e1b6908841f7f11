"""The mitigations themselves, by fairlearn: thresholds by group on the model's scores, a model trained for parity."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.validate.context import Context
from nbdeploy.validate.model import quietly

if TYPE_CHECKING:
    import pandas as pd

_ROUNDS, _TRAINED_ON = 5, 2_500


@dataclass(frozen=True)
class Rows:
    """Rows with truth, group and score; `said` is what the model's own threshold decides. One entry a row."""

    frame: pd.DataFrame
    truth: NDArray[np.bool_]
    groups: NDArray[Any]
    score: NDArray[np.float64]
    said: NDArray[np.bool_]


@dataclass(frozen=True)
class Remedy:
    """Decisions on the judged rows, and whether they need to know each person's group."""

    name: str
    kind: str
    said: NDArray[np.bool_]
    by_group: bool


def remedies(context: Context, fitted: Rows, judged: Rows, metric: str) -> Iterator[Remedy]:
    """Fit each mitigation on some rows and yield its decisions on the others; one that cannot be fitted is left out."""
    constraint = "equalized_odds" if metric == "equalized_odds_difference" else "demographic_parity"
    for attempt in (_thresholds, _trained):
        said = attempt(context, fitted, judged, constraint)
        if said is not None:
            yield said


def _thresholds(context: Context, fitted: Rows, judged: Rows, constraint: str) -> Remedy | None:
    both = [len(set(fitted.truth[fitted.groups == group])) == 2 for group in set(fitted.groups)]
    if not all(both) or not set(judged.groups) <= set(fitted.groups):
        return None  # it needs both outcomes in every group
    with quietly(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fairlearn.postprocessing import ThresholdOptimizer

        optimizer = ThresholdOptimizer(
            estimator=_known_scores(),
            constraints=constraint,
            objective="accuracy_score",
            prefit=True,
            predict_method="predict",
        )
        optimizer.fit(fitted.score[:, None], fitted.truth.astype(int), sensitive_features=fitted.groups)
        seed = int(context.rng("thresholds by group").integers(2**31))
        said = optimizer.predict(judged.score[:, None], sensitive_features=judged.groups, random_state=seed)
    return Remedy("one threshold a group", "thresholds by group", np.asarray(said, dtype=bool), by_group=True)


def _trained(context: Context, fitted: Rows, judged: Rows, constraint: str) -> Remedy | None:
    estimator = context.model.estimator if context.model is not None else None
    if estimator is None or not hasattr(estimator, "get_params") or not hasattr(estimator, "classes_"):
        return None  # only a scikit-learn estimator can be trained again
    steps = getattr(estimator, "steps", None)
    weights = f"{steps[-1][0]}__sample_weight" if steps else "sample_weight"
    some = slice(0, _TRAINED_ON)
    rows = fitted.frame[list(context.features)]
    with quietly(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fairlearn.reductions import DemographicParity, EqualizedOdds, ExponentiatedGradient
        from sklearn.base import clone

        constraints = EqualizedOdds() if constraint == "equalized_odds" else DemographicParity()
        learner = ExponentiatedGradient(
            clone(estimator), constraints, eps=0.02, max_iter=_ROUNDS, sample_weight_name=weights
        )
        try:
            learner.fit(rows.iloc[some], fitted.truth[some].astype(int), sensitive_features=fitted.groups[some])
        except (TypeError, ValueError):
            return None  # its last step takes no weights, or one class is missing among the rows
        seed = int(context.rng("trained for parity").integers(2**31))
        said = learner.predict(judged.frame[list(context.features)], random_state=seed)
    name = f"trained for parity on {len(rows.iloc[some]):,} rows"
    return Remedy(name, "trained for parity", np.asarray(said, dtype=bool), by_group=False)


def _known_scores() -> Any:
    """Return what stands for a fitted model whose scores are known: its only input is the score."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    class KnownScores(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn leaves its bases untyped
        def fit(self, *_: Any) -> KnownScores:
            return self

        def predict(self, rows: Any) -> NDArray[np.float64]:
            return np.asarray(rows, dtype=float)[:, 0]

    return KnownScores()
