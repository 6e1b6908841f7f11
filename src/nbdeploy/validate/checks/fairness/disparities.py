"""How far groups are apart, with limits that hold for all pairs of groups together."""

from __future__ import annotations

from typing import Any

from nbdeploy.documents.catalog import measure
from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.record import group_label
from nbdeploy.validate.checks.drawing import dots, heading, panels, rows_height
from nbdeploy.validate.checks.fairness.parity import four_fifths_of
from nbdeploy.validate.checks.shown import Shown, Table, number, span, without
from nbdeploy.validate.context import Context
from nbdeploy.validate.verdict.compare import is_disparity
from nbdeploy.validate.verdict.recomputable import CONDITIONAL_DISPARITIES, standard_fairness


def disparities(context: Context) -> Shown:
    """Record the standard disparities of every partition; the parity ratio carries the test of the four-fifths rule."""
    found = []
    for metric, features in standard_fairness(context.objective):
        if is_disparity(metric) and metric not in CONDITIONAL_DISPARITIES:
            screened = four_fifths_of(context, features) if metric == "demographic_parity_ratio" else None
            found.append(context.recompute(metric, features=features, data=screened))
    if not found:
        return Shown(text="No sensitive feature is declared, so there are no groups to compare.")
    rows = tuple(
        (
            _label(one),
            " × ".join(one.features),
            number(one.value) if one.value is not None else f"— ({without(one)})",
            span(one.interval),
            _pair(one),
        )
        for one in found
    )
    table = Table(("Disparity", "Groups by", "Value", "Interval", "Decided by"), rows)
    return Shown(_draw(found), table, alternative="disparities with simultaneous intervals")


def _label(one: Measurement) -> str:
    entry = measure("fairness", one.metric)
    return one.metric if entry is None else entry.label


def _pair(one: Measurement) -> str:
    if one.pair is None:
        return "—"
    of = measure("fairness", one.pair.metric or "")
    text = f"{group_label(one.pair.first)} and {group_label(one.pair.second)}"
    return f"{text} ({of.label.lower()})" if of is not None else text


def _draw(found: list[Measurement]) -> Any:
    known = [one for one in found if one.value is not None]
    ratios = [one for one in known if one.metric.endswith("_ratio")]
    differences = [one for one in known if not one.metric.endswith("_ratio")]
    sides = [
        side for side in ((ratios, "Ratios: 1 is equal", 1.0), (differences, "Differences: 0 is equal", 0.0)) if side[0]
    ]
    if not sides:
        return None
    figure, axes = panels(len(sides), height=rows_height(max(len(side[0]) for side in sides)), columns=1)
    for axis, (shown, title, equal) in zip(axes, sides, strict=True):
        names = [
            f"{_label(one).removesuffix(' ratio').removesuffix(' difference')}, {' × '.join(one.features)}"
            for one in shown
        ]
        dots(axis, names, [one.value for one in shown], [one.interval for one in shown])
        axis.axvline(equal, color="black", linewidth=1)
        heading(axis, title)
        if equal:
            axis.set_xlim(0, 1.03)
    return figure
