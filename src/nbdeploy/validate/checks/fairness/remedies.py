"""The mitigations themselves, by fairlearn: thresholds by group on the model's scores, a model trained for parity."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.validate.context import Context
from nbdeploy.validate.subject.others_code import quietly

if TYPE_CHECKING:
    import pandas as pd

_ROUNDS, _TRAINED_ON, _SLOW = 5, 2_500, 1.0
"""Rounds of the training and the rows that it sees, which bound its time; a training slower than this is not begun."""


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


@dataclass(frozen=True)
class NotTried:
    """A mitigation that could not be fitted, and why."""

    name: str
    why: str


POST, IN, AGAIN = "one threshold a group", "trained for parity", "trained again without parity"


def constraint_of(metric: str) -> str:
    """Return fairlearn's constraint that a disparity asks for; demographic parity where it knows none."""
    return {
        "equalized_odds_difference": "equalized_odds",
        "equal_opportunity_difference": "true_positive_rate_parity",
        "true_positive_rate_difference": "true_positive_rate_parity",
        "false_positive_rate_difference": "false_positive_rate_parity",
    }.get(metric, "demographic_parity")


def remedies(context: Context, fitted: Rows, judged: Rows, metric: str) -> Iterator[Remedy | NotTried]:
    """Fit each mitigation on some rows and yield its decisions on the others, or why it was not tried."""
    yield _thresholds(context, fitted, judged, constraint_of(metric))
    yield from _trained(context, fitted, judged, constraint_of(metric))


def _thresholds(context: Context, fitted: Rows, judged: Rows, constraint: str) -> Remedy | NotTried:
    alike = [group for group in sorted(set(fitted.groups)) if len(set(fitted.truth[fitted.groups == group])) < 2]
    if alike:
        return NotTried(
            POST, f"it needs both outcomes in every group, and {alike[0]} has one among the rows to learn from"
        )
    unknown = sorted(set(judged.groups) - set(fitted.groups))
    if unknown:
        return NotTried(POST, f"the rows to learn from have nobody of {unknown[0]}")
    with quietly():
        from fairlearn.postprocessing import ThresholdOptimizer

        optimizer = ThresholdOptimizer(
            estimator=_known_scores(),
            constraints=constraint,
            # Who declares another threshold than one half looks for the rare: right answers alone would find nobody.
            objective="accuracy_score" if _even(context) else "balanced_accuracy_score",
            prefit=True,
            predict_method="predict",
        )
        optimizer.fit(fitted.score[:, None], fitted.truth.astype(int), sensitive_features=fitted.groups)
        seed = int(context.rng("thresholds by group").integers(2**31))
        said = optimizer.predict(judged.score[:, None], sensitive_features=judged.groups, random_state=seed)
    return Remedy(POST, "thresholds by group", np.asarray(said, dtype=bool), by_group=True)


def _even(context: Context) -> bool:
    """Whether both errors weigh alike, as far as the threshold tells."""
    return context.objective.decision_threshold == 0.5


def _trained(context: Context, fitted: Rows, judged: Rows, constraint: str) -> Iterator[Remedy | NotTried]:
    """Yield the model trained again on some rows, as it is and for parity: their difference is the price of parity."""
    estimator = context.model.estimator if context.model is not None else None
    if estimator is None or not hasattr(estimator, "get_params") or not hasattr(estimator, "classes_"):
        yield NotTried(IN, "only a scikit-learn estimator of this environment can be trained again")
        return
    steps = getattr(estimator, "steps", None)
    weights = f"{steps[-1][0]}__sample_weight" if steps else "sample_weight"
    some = slice(0, _TRAINED_ON)
    rows, truth = fitted.frame[list(context.features)].iloc[some], fitted.truth[some].astype(int)
    with quietly():
        from fairlearn import reductions
        from sklearn.base import clone

        kinds = {
            "demographic_parity": reductions.DemographicParity,
            "equalized_odds": reductions.EqualizedOdds,
            "true_positive_rate_parity": reductions.TruePositiveRateParity,
            "false_positive_rate_parity": reductions.FalsePositiveRateParity,
        }
        try:
            started = time.perf_counter()
            plain = clone(estimator).fit(rows, truth, **{weights: np.ones(len(truth))})
            seconds = time.perf_counter() - started
            if seconds > _SLOW:
                yield NotTried(IN, f"one training takes {seconds:.1f} seconds, and it needs dozens")
                return
            learner = reductions.ExponentiatedGradient(
                clone(estimator),
                kinds[constraint](),
                objective=reductions.ErrorRate(costs=_costs(context)),
                eps=0.02,
                max_iter=_ROUNDS,
                sample_weight_name=weights,
            )
            learner.fit(rows, truth, sensitive_features=fitted.groups[some])
        except (TypeError, ValueError) as error:  # its last step takes no weights, or the rows lack an outcome
            yield NotTried(IN, f"it cannot be trained so ({str(error).splitlines()[0][:160]})")
            return
        asked = judged.frame[list(context.features)]
        seed = int(context.rng("trained for parity").integers(2**31))
        said = learner.predict(asked, random_state=seed)
        if hasattr(plain, "predict_proba") and _costs(context) is not None:
            again = plain.predict_proba(asked)[:, 1] >= context.objective.decision_threshold
            yield Remedy(f"{AGAIN} on {len(rows):,} rows", AGAIN, np.asarray(again, dtype=bool), by_group=False)
    yield Remedy(f"{IN} on {len(rows):,} rows", IN, np.asarray(said, dtype=bool), by_group=False)


def _costs(context: Context) -> dict[str, float] | None:
    """Return what the errors weigh where a probability is decided on at the threshold: t for a false alarm, 1 − t for
    a miss (Elkan 2001, The foundations of cost-sensitive learning); None where the threshold is of no probability.
    """
    at = context.objective.decision_threshold
    return {"fp": at, "fn": 1 - at} if 0 < at < 1 else None


def _known_scores() -> Any:
    """Return what stands for a fitted model whose scores are known: its only input is the score."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    class KnownScores(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn leaves its bases untyped
        def fit(self, *_: Any) -> KnownScores:
            return self

        def predict(self, rows: Any) -> NDArray[np.float64]:
            return np.asarray(rows, dtype=float)[:, 0]

    return KnownScores()
