"""Which single rows are worth explaining: ordinary ones, and those where the model is surest, least sure, or wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.tally.levels import plain
from nbdeploy.validate.checks.explainability.attributions import Attributions, ranked
from nbdeploy.validate.checks.explainability.identifiers import SUPPRESSED, identifying
from nbdeploy.validate.checks.explainability.neighbourhoods import TOP, Weights
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Case:
    """A row by its place in ``context.data``, and why it was chosen."""

    at: int
    why: str


def extremes(context: Context) -> list[Case]:
    """Return the rows at the ends of the answers: at most one for each reason, none twice.

    Highest and lowest score, nearest the threshold, and the surest that is wrong; in a regression the highest and
    lowest prediction and the largest error. Without scores there is no order, and so nothing.
    """
    found: dict[int, str] = {}
    for why, at in _ends(context):
        found.setdefault(at, why)
    return [Case(at, why) for at, why in found.items()]


def _ends(context: Context) -> list[tuple[str, int]]:
    told, objective = context.predictions, context.objective
    if objective.task == "regression":
        given = told["predicted"].to_numpy(float)
        error = np.abs(given - told["label"].to_numpy(float))
        return [
            ("the highest prediction", int(given.argmax())),
            ("the lowest prediction", int(given.argmin())),
            ("the largest error", int(error.argmax())),
        ]
    if objective.task != "binary" or "score" not in told:
        return []
    score = told["score"].to_numpy(float)
    away = score - objective.decision_threshold
    wrong = told["predicted"].to_numpy() != told["label"].to_numpy()
    ends = [
        ("the highest score", int(score.argmax())),
        ("the lowest score", int(score.argmin())),
        ("nearest the threshold", int(np.abs(away).argmin())),
    ]
    surest = [("surest and wrong", int(np.where(wrong, np.abs(away), -1).argmax()))] if wrong.any() else []
    return surest + ends


def told(
    context: Context, rows: pd.DataFrame, whys: list[str], lime: list[Weights], shares: Attributions
) -> list[dict[str, Any]]:
    """Return rows with both explanations: single people's values, which the objective has to allow.

    What looks like an identifier is suppressed all the same.
    """
    names = context.features
    hidden = identifying(context.data, names)
    return [
        {
            "why": why,
            "row": {name: SUPPRESSED if name in hidden else str(rows.iloc[at][name]) for name in names},
            "answer": str(plain(context.predictions["predicted"].iloc[int(rows.index[at])])),
            "lime": [[names[place], weight] for place, weight in lime[at].pairs],
            "shap": _leading(names, shares.shares[at]),
        }
        for at, why in enumerate(whys)
    ]


def _leading(names: tuple[str, ...], shares: NDArray[np.float64]) -> list[list[Any]]:
    return [[names[place], float(shares[place])] for place in ranked(shares)[:TOP]]
