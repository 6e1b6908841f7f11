"""What the answers to the evaluated rows cost, in all and against other answers to the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.costs import Costs
from nbdeploy.stats.expected_cost import PER, RESAMPLES, cost_of_counts
from nbdeploy.stats.paired import skewed_mean
from nbdeploy.stats.rates import confusion
from nbdeploy.validate.checks.performance.paired_rows import PairedRows
from nbdeploy.validate.context import Context

Values = NDArray[np.float64]
_DRAWN = f"Dirichlet resampling, {RESAMPLES}"
_OUTCOMES = ("true_negative", "false_positive", "false_negative", "true_positive")


@dataclass(frozen=True)
class Paid:
    """Money per 1,000 decisions, paid or saved."""

    metric: str
    value: float
    interval: tuple[float, float] | None
    method: str
    n: int
    data: dict[str, Any] = field(default_factory=dict)


def paid(context: Context, costs: Costs) -> Iterator[Paid]:
    """Yield what 1,000 answers cost, what they cost less than a dummy's, and less than the version before."""
    of_task = _for_errors if context.objective.task == "regression" else _for_outcomes
    yield from of_task(context, costs)


def _for_outcomes(context: Context, costs: Costs) -> Iterator[Paid]:
    each = np.array(costs.of_outcomes)
    counts = confusion(context.tallies.classes(), context.objective.positive_class)
    cells = np.array([float(part.sum()) for part in (counts.tn, counts.fp, counts.fn, counts.tp)])
    n = int(cells.sum())
    value, interval = _drawn(context, "expected cost", cells, each)
    outcomes = [
        {"outcome": name, "cost": cost, "n": int(rows), "total": PER * cost * rows / n}
        for name, cost, rows in zip(_OUTCOMES, each, cells, strict=True)
    ]
    yield Paid("expected_cost_per_1000", value, interval, _DRAWN, n, {"outcomes": outcomes})
    # The constant answers: where everybody is negative (positive), an outcome costs what its truth says.
    tn, fp, fn, tp = costs.of_outcomes
    constants = {"negative": np.array([tn, tn, fn, fn]), "positive": np.array([fp, fp, tp, tp])}
    always = min(constants, key=lambda answer: float(cells @ constants[answer]))
    saved, limits = _drawn(context, "saving over a dummy", cells, constants[always] - each)
    told = {"model": value, "baseline": value + saved, "always": always}
    yield Paid("cost_saving_over_dummy", saved, limits, f"{_DRAWN}, paired", n, told)
    if context.previous is not None:
        yield _saved_outcomes(context, PairedRows.of(context, context.previous), each.reshape(2, 2))


def _saved_outcomes(context: Context, rows: PairedRows, each: Values) -> Paid:
    """Compare with the version before by the eight cells of truth, decision and decision before, drawn together."""
    truth, now, before = ((codes == rows.positive).astype(int) for codes in (rows.truth, rows.now, rows.before))
    cells = np.bincount(truth * 4 + now * 2 + before, minlength=8).astype(float)
    saved = np.array([each[t, b] - each[t, a] for t in (0, 1) for a in (0, 1) for b in (0, 1)])
    value, interval = _drawn(context, "saving over the version before", cells, saved)
    told = {"previous": context.previous_version}
    return Paid("cost_saving_over_previous", value, interval, f"{_DRAWN}, paired", len(truth), told)


def _drawn(context: Context, name: str, cells: Values, costs: Values) -> tuple[float, tuple[float, float]]:
    return cost_of_counts(cells, costs, context.rng(name), context.objective.level)


def _for_errors(context: Context, costs: Costs) -> Iterator[Paid]:
    truth, said = (context.predictions[name].to_numpy(dtype=float) for name in ("label", "predicted"))
    spent = _spent(said - truth, costs)
    yield _mean(context, "expected_cost_per_1000", spent, "")
    constant = _constant(context, costs, truth)
    dummy = _spent(constant - truth, costs)
    told = {"model": float(spent.mean()), "baseline": float(dummy.mean()), "always": constant}
    yield _mean(context, "cost_saving_over_dummy", dummy - spent, "paired, ", told)
    if context.previous is not None:
        before = _spent(context.previous["predicted"].to_numpy(dtype=float) - truth, costs)
        compared = {"previous": context.previous_version}
        yield _mean(context, "cost_saving_over_previous", before - spent, "paired, ", compared)


def _spent(errors: Values, costs: Costs) -> Values:
    """Return what each error costs, per 1,000 of its kind."""
    over, under = costs.of_errors
    return np.asarray(PER * (over * np.maximum(errors, 0) + under * np.maximum(-errors, 0)))


def _constant(context: Context, costs: Costs, truth: Values) -> float:
    """Return the constant that cost least on the training rows (on the evaluated ones, where none were given).

    That is the quantile under/(over + under) (Koenker and Bassett 1978), the median where one of them costs nothing or
    is a gain: then no constant is the cheapest.
    """
    over, under = costs.of_errors
    train, target = context.train, context.objective.target
    known = train[target].dropna().to_numpy(dtype=float) if train is not None and target in train else truth
    return float(np.quantile(known, under / (over + under) if over > 0 and under > 0 else 0.5))


def _mean(context: Context, metric: str, values: Values, how: str, told: dict[str, Any] | None = None) -> Paid:
    limits, n, method = skewed_mean(values, context.objective.level)
    return Paid(metric, float(values.mean()), limits, f"{how}{method}", n, told or {})
