"""Whether the model gives its training rows away: the loss-threshold attack on membership."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.validate.checks.areas import separation
from nbdeploy.validate.checks.drawing import BLUE, QUIET, heading, panels
from nbdeploy.validate.checks.robustness.asking import NEEDS_MODEL
from nbdeploy.validate.checks.row_keys import row_keys
from nbdeploy.validate.checks.shown import Shown, Table, measured, number, span
from nbdeploy.validate.checks.uncertainty import rate_difference_interval
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

NOTICEABLE = 0.6
"""Area from which on training rows are called given away, where the whole interval lies above one half too."""

_OTHERS = "Where the evaluated rows are of another time or place (see drift in the data), that counts as well."

_METRIC = "membership_inference_auc"
_ROWS = 4000


def membership(context: Context) -> Shown:
    """Record how well the model's loss tells training rows from evaluated ones; 0.5 gives nothing away.

    The attack of Yeom, Giacomelli, Fredrikson and Jha (2018), IEEE CSF, 268–282: whoever knows a person's row and
    outcome guesses that it was trained on when the loss is small. Evaluated rows that also stand in the training data
    are left out. Where both samples are not of one population, a difference between them counts as well.
    """
    train = context.train
    if context.model is None or train is None or context.objective.target not in train.columns:
        lacks = "no training data was given" if train is None else "the training data lacks the target"
        reason = NEEDS_MODEL if context.model is None else lacks
        context.not_available(reason, _METRIC)
        return Shown(text=f"Not measured: {reason}.")
    most = _ROWS // 4 if context.draft else _ROWS
    known = train.dropna(subset=[context.objective.target])
    chosen = context.rng("members").permutation(len(known))[:most]
    members = known.iloc[np.sort(chosen)]
    others = _unseen(context.sample(most, "not members"), train)
    if min(len(members), len(others)) < context.objective.min_group_size:
        context.not_available("the rows that are only in training, or only evaluated, are too few", _METRIC)
        return Shown(text="Not measured: too few rows that are only in training, or only evaluated.")
    return _record(context, losses(context, members), losses(context, others))


def losses(context: Context, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Return the model's loss on each row: log loss of its scores, else whether it errs, or the size of the error."""
    model, objective = context.model, context.objective
    if model is None:
        raise ValueError("there is no model to ask")
    label = rows[objective.target]
    if objective.task == "regression":
        error: NDArray[np.float64] = np.abs(np.asarray(model.decide(rows), dtype=float) - label.to_numpy(dtype=float))
        return error
    decided, scores, of_classes = model.answered(rows)
    if of_classes:
        return _of_classes(label, of_classes)
    if scores is None:
        return np.asarray(np.asarray(decided) != label.to_numpy(), dtype=np.float64)
    given = np.asarray(scores, dtype=np.float64)
    positive = (label == objective.positive_class).to_numpy(dtype=bool)
    if given.min() >= 0 and given.max() <= 1:
        loss = -np.log(np.clip(np.where(positive, given, 1 - given), 1e-12, 1))
    else:  # a margin such as decision_function's
        loss = np.logaddexp(0, np.where(positive, -given, given))
    return np.asarray(loss, dtype=np.float64)


def _of_classes(label: pd.Series, scores: Mapping[Any, Any]) -> NDArray[np.float64]:
    """Return the log loss of several classes' probabilities, or of the softmax of other numbers."""
    from scipy.special import log_softmax

    given = np.column_stack([np.asarray(of, dtype=np.float64) for of in scores.values()])
    chances = given.min() >= 0 and given.max() <= 1
    surprise = -np.log(np.clip(given, 1e-12, 1)) if chances else -log_softmax(given, axis=1)
    places = label.map({name: at for at, name in enumerate(scores)}).to_numpy(dtype=np.float64, na_value=np.nan)
    known = ~np.isnan(places)
    found = np.full(len(label), -np.log(1e-12))  # a class that the model does not know surprises it most
    found[known] = surprise[known, places[known].astype(np.int64)]
    return found


def _unseen(rows: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    shared = [name for name in rows.columns if name in train.columns]
    return rows[~np.isin(row_keys(rows, shared), row_keys(train, shared))]


def _record(context: Context, members: NDArray[np.float64], others: NDArray[np.float64]) -> Shown:
    level = context.objective.level
    is_member = np.arange(len(members) + len(others)) < len(members)
    told_apart = separation(is_member, -np.append(members, others))
    limits, method = told_apart.interval(level)
    area = told_apart.area.value
    advantage = _advantage(members, others, level)
    told = area >= NOTICEABLE and limits[0] > 0.5
    note = "The model gives its training rows away: it is far surer of them than of new ones." if told else None
    curve = told_apart.curve()
    found = context.record(
        _METRIC,
        area,
        interval=limits,
        level=level,
        method=f"loss-threshold attack (Yeom 2018); {method}",
        n=len(is_member),
        denominator=len(members),
        sample=len(others),
        data={"curve": curve, "advantage": advantage, "members": len(members), "others": len(others), "warns": told},
        note=note,
    )
    extra = ("Attacker's advantage", number(advantage["value"]), span(advantage["interval"]), number(len(is_member)))
    table = measured([found])
    text = f"{note} {_OTHERS}" if note else _slightly(area, limits)
    return Shown(_draw(curve), Table(table.heads, (*table.rows, extra)), text, alternative="members found by alarms")


def _slightly(area: float, limits: tuple[float, float]) -> str:
    """Return what is said where no warning is due: more than chance is told even where it is little."""
    if limits[0] <= 0.5:
        return "No sign that the model gives its training rows away."
    return (
        f"The model is a little surer of its training rows than of others ({number(area)}, where 0.5 is guessing): "
        f"more than chance explains, less than {NOTICEABLE:g}, from which on rows are called given away. {_OTHERS}"
    )


def _advantage(members: NDArray[np.float64], others: NDArray[np.float64], level: float) -> dict[str, Any]:
    """Return Yeom's advantage: true minus false positive rate where a loss up to training's mean means a member."""
    limit = float(members.mean())
    k, j = int((members <= limit).sum()), int((others <= limit).sum())
    limits = rate_difference_interval(k, len(members), j, len(others), level)
    return {"value": k / len(members) - j / len(others), "interval": limits}


def _draw(curve: dict[str, list[float]]) -> Any:
    figure, (axis, spare) = panels(2, height=3.0)
    spare.set_axis_off()
    axis.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (3, 2)))
    axis.plot(curve["false_positive_rate"], curve["true_positive_rate"], color=BLUE)
    axis.set(xlabel="New rows taken for training rows", ylabel="Training rows found", xlim=(0, 1), ylim=(0, 1))
    heading(axis, "Who was in the training data? (dashed: guessing)")
    return figure
