"""What the decisions cost, by the objective's own figures: against a dummy, the version before, other thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nbdeploy.documents.costs import Costs
from nbdeploy.documents.measurement import Measurement
from nbdeploy.stats.expected_cost import PER, CostCurve, cost_curve
from nbdeploy.validate.checks.drawing import BLUE, GREEN, ORANGE, heading, legend, panels
from nbdeploy.validate.checks.performance.gained import why_not_compared
from nbdeploy.validate.checks.performance.paid import paid
from nbdeploy.validate.checks.performance.scored import NO_SCORES
from nbdeploy.validate.checks.shown import Shown, measured, number
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OF_ALL = ("expected_cost_per_1000", "cost_saving_over_dummy", "cost_saving_over_previous")
_UNDECLARED = "the objective declares no costs"


def expected_costs(context: Context) -> Shown:
    """Record what 1,000 decisions cost, and what they cost less than a dummy's and than those of the version before."""
    costs = context.objective.costs
    if costs is None:
        _not_available(context, _UNDECLARED, _OF_ALL)
        return Shown(text="\n".join([f"Not projected: {_UNDECLARED}.", *_kpis(context)]))
    found, kpis = [], context.objective.kpis
    for one in paid(context, costs):
        told = one.data | {"unit": costs.unit, "per": costs.per}
        if one.metric == _OF_ALL[0]:
            told["kpis"] = [kpi.model_dump(mode="json", include={"name", "now", "target", "by"}) for kpi in kpis]
        found.append(
            context.record(
                one.metric,
                one.value,
                interval=one.interval,
                level=context.objective.level,
                method=one.method if one.interval else None,
                n=one.n,
                data=told,
                sample=one.n,
            )
        )
    if context.previous is None:
        _not_available(context, why_not_compared(context), _OF_ALL[-1:])
    said = f"{costs.unit or 'Units of the costs declared'}, for {PER:,} decisions; one decision is one {costs.per}."
    return Shown(table=measured(found), text="\n".join([said, *_dearer(found), *_kpis(context)]))


def cost_by_threshold(context: Context) -> Shown:
    """Record the cheapest threshold, with what decisions cost at every other one."""
    costs, metrics = context.objective.costs, ("cheapest_threshold",)
    if costs is None or context.objective.task != "binary":
        why = _UNDECLARED if costs is None else "a regression has no threshold"
        _not_available(context, why, metrics)
        return Shown(text=f"Not projected: {why}.")
    if "score" not in context.predictions:
        _not_available(context, NO_SCORES, metrics)
        return Shown(text=f"Not projected: {NO_SCORES}.")
    curve = cost_curve(
        context.tallies.scores(), costs.of_outcomes, context.rng("cost by threshold"), context.objective.level
    )
    cheapest, plausible = curve.cheapest, curve.threshold[curve.plausible]
    lowest = float(curve.cost[cheapest])
    in_force = None if context.objective.predicted is not None else context.objective.decision_threshold
    one = context.record(
        metrics[0],
        float(curve.threshold[cheapest]),
        interval=(float(plausible[0]), float(plausible[-1])),
        level=context.objective.level,
        method="thresholds not told from the cheapest, multinomial resampling",
        n=context.rows,
        data={
            "curve": {name: getattr(curve, name) for name in ("threshold", "cost", "lower", "upper")},
            "at": in_force,
            "cost": lowest,
            "unit": costs.unit,
            "per": costs.per,
        },
    )
    nobody = " Nobody is called positive there." if cheapest == len(curve.cost) - 1 else ""
    said = (
        f"At the cheapest threshold {PER:,} decisions cost {number(lowest)} {costs.unit}".rstrip()
        + f"; it was found on these rows, so expect somewhat more on others.{nobody}"
    )
    figure = _draw(curve, in_force, costs)
    return Shown(figure, measured([one]), said, alternative="cost of decisions by threshold")


def _draw(curve: CostCurve, in_force: float | None, costs: Costs) -> Figure:
    figure, (axis,) = panels(height=2.9)
    axis.fill_between(curve.threshold, curve.lower, curve.upper, color=BLUE, alpha=0.18, linewidth=0)
    axis.plot(curve.threshold, curve.cost, color=BLUE)
    ends = curve.threshold[curve.plausible][[0, -1]]
    axis.axvspan(float(ends[0]), float(ends[1]), color=GREEN, alpha=0.13, linewidth=0, label="may be the cheapest")
    at = curve.cheapest
    axis.plot([curve.threshold[at]], [curve.cost[at]], "o", color=GREEN, markersize=6, label="cheapest here")
    if in_force is not None:
        axis.axvline(in_force, color=ORANGE, linewidth=1.4, label=f"in force: {in_force:g}")
    heading(axis, "What another threshold would cost")
    axis.set(xlabel="Threshold", ylabel=f"Cost of {PER:,} decisions" + (f", {costs.unit}" if costs.unit else ""))
    axis.set_ylim(*_reach(curve))
    axis.yaxis.set_major_formatter(lambda amount, _: f"{amount:,.6g}")
    legend(axis, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _reach(curve: CostCurve) -> tuple[float, float]:
    """Return the range of costs to show: calling everybody positive can cost so much that all else looks flat."""
    low, high = float(curve.lower.min()), float(curve.upper.max())
    most = min(high, low + 4 * (float(np.median(curve.upper)) - low)) if len(curve.cost) > 2 else high
    air = (most - low) * 0.08 or 1.0
    return low - air, most + air


def _dearer(found: Sequence[Measurement]) -> list[str]:
    """Return a line where the model costs more than the cheapest constant answer: the money says to do without it."""
    saved = next((one for one in found if one.metric == _OF_ALL[1]), None)
    if saved is None or saved.value is None or saved.value >= 0:
        return []
    sure = saved.interval is not None and saved.interval[1] is not None and saved.interval[1] < 0
    how = "" if sure else ", though chance may explain it"
    always = saved.data.get("always")
    return [f"These decisions cost more than always saying {always}{how}: another threshold, or no model, is cheaper."]


def _kpis(context: Context) -> list[str]:
    """Return the business figures of the objective as lines, to stand beside what the decisions cost."""
    lines = []
    for kpi in context.objective.kpis:
        figures = (("now", kpi.now), ("to be", kpi.target))
        parts = [f"{word} {_figure(value)}" for word, value in figures if value is not None]
        parts += [f"by {kpi.by}"] if kpi.by else []
        lines.append(f"KPI: {kpi.name}: {', '.join(parts) or 'without a figure'}.")
    return lines


def _figure(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _not_available(context: Context, why: str, metrics: Sequence[str]) -> None:
    """Record why a measure cannot be had, where a gate asks for it; a cost that nobody declared is no gap."""
    context.not_available(
        why, *(metric for metric in metrics if metric in context.objective.gates.get("performance", {}))
    )
