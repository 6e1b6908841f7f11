"""What it would cost to treat groups more alike: mitigations, trained, applied, and judged on other rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.finding import Finding
from nbdeploy.documents.objective import Objective
from nbdeploy.stats.binomial import clopper_pearson, shared_level
from nbdeploy.stats.disparity import group_disparity
from nbdeploy.stats.disparity_names import disparity_name
from nbdeploy.stats.tally import ClassTally
from nbdeploy.validate.checks.columns import levels
from nbdeploy.validate.checks.drawing import BLUE, GREEN, INK, ORANGE, PINK, QUIET, heading, panels
from nbdeploy.validate.checks.fairness.remedies import AGAIN, IN, NotTried, Remedy, Rows, remedies
from nbdeploy.validate.checks.shown import Shown, Table, number, span
from nbdeploy.validate.context import Context
from nbdeploy.validate.verdict.findings import find

if TYPE_CHECKING:
    import pandas as pd

_METRIC = "mitigated_disparity"
_JUDGED, _FITTED = 20_000, 8_000
_CANDIDATES = 2
_CAVEAT = (
    "Equal rates cost right decisions, or finds: accuracy alone counts a rare class missed as little as a false alarm. "
    "Some of these need to know the group of each person when they decide, which the law may forbid. What is fair is a "
    "choice of people, not of a method."
)
_COLOURS = {"as it is": INK, "another threshold": QUIET, "thresholds by group": ORANGE, IN: GREEN, AGAIN: PINK}


@dataclass(frozen=True)
class _Judge:
    """The rows on which everything is judged, and the disparity that it is judged by."""

    truth: NDArray[np.bool_]
    groups: NDArray[Any]
    metric: str
    feature: str
    objective: Objective

    def point(self, method: str, kind: str, said: NDArray[np.bool_], by_group: bool) -> dict[str, Any]:
        """Return accuracy and disparity of decisions, each with its interval, and the share of positives found."""
        objective = self.objective
        right, n = int((said == self.truth).sum()), len(self.truth)
        # The best of several is shown: the limits of each allow for the choice.
        level = shared_level(objective.level, _CANDIDATES)
        low, high = clopper_pearson(right, n, level)
        tally = ClassTally.from_arrow(
            {"g": self.groups, "y": self.truth.astype(int), "d": said.astype(int)},
            label="y",
            predicted="d",
            features=["g"],
        )
        favourable = 1 if objective.favourable_class == objective.positive_class else 0
        gap = group_disparity(tally, self.metric, level=level, min_size=objective.min_group_size, favourable=favourable)
        return {
            "method": method,
            "kind": kind,
            "accuracy": right / n,
            "recall": float(said[self.truth].mean()) if self.truth.any() else None,
            "favourable_rate": float((said == bool(favourable)).mean()),
            "accuracy_interval": [float(low), float(high)],
            "disparity": gap.value,
            "interval": None if gap.interval is None else list(gap.interval),
            "by_group": by_group,
            "rows": n,
        }


def mitigation(context: Context) -> Shown:
    """Record the smallest disparity that a mitigation reaches on rows it was not fitted on, with the price of each.

    Runs where a fairness gate is not passed, or where it was asked for; judged by the gate's own difference where that
    is one, else by demographic parity. Group-blind thresholds; one threshold a group
    (Hardt, Price and Srebro 2016, by fairlearn's ThresholdOptimizer); a model trained for parity (Agarwal et al. 2018,
    by its ExponentiatedGradient).
    """
    why = _unwanted(context)
    if why is not None:
        context.not_available(why, _METRIC)
        return Shown(text=f"Not tried: {why}.")
    feature, metric = _worst(context)
    fitted, judged, learnt_from = _rows(context, feature)
    judge = _Judge(judged.truth, judged.groups, metric, feature, context.objective)
    given = list(remedies(context, fitted, judged, metric))
    points = [
        judge.point("as it is", "as it is", judged.said, by_group=False),
        *_thresholds(judge, judged),
        *(judge.point(one.name, one.kind, one.said, one.by_group) for one in given if isinstance(one, Remedy)),
    ]
    missing = [{"method": one.name, "why": one.why} for one in given if isinstance(one, NotTried)]
    tried = [one for one in points if one["kind"] in ("thresholds by group", "trained for parity")]
    known = [one for one in tried if one["disparity"] is not None]
    if not known:
        why = "; ".join(f"{one['method']}: {one['why']}" for one in missing) or "too few rows in the groups"
        context.not_available(f"no mitigation could be tried ({why})", _METRIC)
        return Shown(text=f"No mitigation could be tried ({why}).")
    best = min(known, key=lambda one: one["disparity"])
    data = {"feature": feature, "compared": metric, "learnt_from": learnt_from, "points": points, "caveat": _CAVEAT}
    context.record(
        _METRIC,
        best["disparity"],
        interval=None if best["interval"] is None else tuple(best["interval"]),
        level=context.objective.level,
        method=f"{best['method']}; {metric} between groups of {feature}, Miettinen–Nurminen, corrected for the choice",
        n=len(judged.truth),
        sample=len(judged.truth),
        data=data | {"fitted_rows": len(fitted.truth), "not_tried": missing},
        note=_CAVEAT,
    )
    rows = tuple(
        (
            one["method"],
            f"{one['accuracy']:.1%}",
            span(tuple(one["accuracy_interval"])),
            "—" if one["recall"] is None else f"{one['recall']:.1%}",
            f"{one['favourable_rate']:.1%}",
            number(one["disparity"]),
            span(None if one["interval"] is None else tuple(one["interval"])),
            "yes" if one["by_group"] else "no",
        )
        for one in points
    )
    heads = ("Decisions", "Accuracy", "Interval", "Recall", "Favourable", "Disparity", "Interval ", "Needs the group")
    alternative = "accuracy against disparity of each mitigation"
    text = " ".join([*(f"Not tried: {one['method']}, because {one['why']}." for one in missing), _CAVEAT])
    return Shown(_draw(points, metric, feature), Table(heads, rows), text, alternative=alternative)


def _unwanted(context: Context) -> str | None:
    objective = context.objective
    if objective.task != "binary":
        return f"mitigations are of a binary task, and this is {objective.task}"
    if not objective.sensitive:
        return "no sensitive feature is declared"
    if "score" not in context.predictions:
        return "mitigations need scores, and only decisions were given"
    if context.wants("mitigation"):
        return None
    judged = [one for one in _verdicts(context) if one.gate is not None]
    if any(one.verdict != "pass" for one in judged):
        return None
    return "every fairness gate is passed; ask for it with --with mitigation"


def _verdicts(context: Context) -> tuple[Finding, ...]:
    return find(context.objective, {"fairness": []}, context.tallies, sections=("fairness",), seed=context.seed)


def _worst(context: Context) -> tuple[str, str]:
    """Return the sensitive feature and the disparity to look at: those of a gate that is not passed, if any is."""
    open_gates = [
        one
        for one in _verdicts(context)
        if one.gate is not None and one.verdict != "pass" and disparity_name(one.metric) and one.features
    ]
    open_gates.sort(key=lambda one: (one.verdict != "fail", len(one.features)))
    feature = open_gates[0].features[0] if open_gates else context.objective.sensitive[0]
    name = disparity_name(open_gates[0].metric) if open_gates else None
    own = name is not None and name.kind == "difference" and not (name.conditional or name.to_overall)
    return feature, open_gates[0].metric if own else "demographic_parity_difference"


def _rows(context: Context, feature: str) -> tuple[Rows, Rows, str]:
    """Return rows to fit on and rows to judge on: the training rows, else one half of the evaluated ones."""
    data, said = context.data, context.predictions
    rng = context.rng("mitigation")
    order = rng.permutation(len(data))
    train = context.train
    needed = {feature, context.objective.target, *context.features}
    if train is not None and context.model is not None and needed <= set(train.columns):
        some = train.iloc[np.sort(rng.permutation(len(train))[:_FITTED])].reset_index(drop=True)
        scores = context.model.score(some)
        fitted = _made(context, some, np.asarray(scores), feature)
        judged = order[:_JUDGED]
        return fitted, _taken(context, data, said, judged, feature), "training rows"
    half = len(order) // 2
    first, second = order[:half][:_FITTED], order[half:][:_JUDGED]
    fitted = _taken(context, data, said, first, feature)
    return fitted, _taken(context, data, said, second, feature), "one half of the evaluated rows, judged on the other"


def _taken(context: Context, data: pd.DataFrame, said: pd.DataFrame, places: NDArray[np.int64], feature: str) -> Rows:
    at = np.sort(places)
    return _made(context, data.iloc[at].reset_index(drop=True), said["score"].to_numpy(dtype=float)[at], feature)


def _made(context: Context, frame: pd.DataFrame, score: NDArray[np.float64], feature: str) -> Rows:
    truth = frame[context.objective.target].to_numpy() == context.objective.positive_class
    groups = levels(frame[feature]).astype(str).to_numpy()
    return Rows(frame, np.asarray(truth, dtype=bool), groups, score, score >= context.objective.decision_threshold)


def _thresholds(judge: _Judge, judged: Rows) -> Iterator[dict[str, Any]]:
    """Yield what other thresholds for everybody would give."""
    for share in (0.6, 0.7, 0.8, 0.9, 0.95):
        at = float(np.quantile(judged.score, share))
        yield judge.point(f"threshold {at:.3g} for all", "another threshold", judged.score >= at, by_group=False)


def _draw(points: list[dict[str, Any]], metric: str, feature: str) -> Any:
    figure, (axis,) = panels(height=3.2)
    named: set[str] = set()
    for one in points:
        if one["disparity"] is None:
            continue
        colour, x, y = _COLOURS.get(one["kind"], PINK), one["disparity"], one["accuracy"]
        faint = 0.35 if one["kind"] == "another threshold" else 0.75
        if one["interval"] is not None:
            axis.plot(one["interval"], [y, y], color=colour, linewidth=1.2, alpha=faint)
        axis.plot([x, x], one["accuracy_interval"], color=colour, linewidth=1.2, alpha=faint)
        label = one["kind"] if one["kind"] not in named else None
        named.add(one["kind"])
        axis.plot([x], [y], "o", color=colour, markersize=6, alpha=max(faint, 0.6), label=label)
    axis.axvline(0, color=BLUE, linewidth=1, linestyle=(0, (3, 2)))
    axis.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axis.set(xlabel=f"{metric.replace('_', ' ').capitalize()} by {feature} (0 is equal)", ylabel="Accuracy")
    axis.legend(frameon=False, fontsize=8.5, loc="center left", bbox_to_anchor=(1, 0.5))
    heading(axis, "The price of treating groups alike")
    return figure
