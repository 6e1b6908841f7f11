"""Do groups still differ among people who are alike in what may count?"""

from __future__ import annotations

from typing import Any

from nbdeploy.documents.catalog import measure
from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.record import group_label
from nbdeploy.validate.checks.drawing import (
    BLUE,
    GREEN,
    ORANGE,
    PINK,
    QUIET,
    heading,
    legend,
    panels,
    rows_height,
    text_width,
)
from nbdeploy.validate.checks.shown import Shown, Table, number, span, without
from nbdeploy.validate.context import Context
from nbdeploy.validate.verdict.recomputable import CONDITIONAL_DISPARITIES, standard_fairness

_DRAWN_STRATA, _COLOURS = 16, (BLUE, ORANGE, GREEN, PINK)


def conditional_disparities(context: Context) -> Shown:
    """Record the disparities within the control features' strata, with each pair pooled over them (Mantel–Haenszel)."""
    if not context.objective.control or not context.objective.sensitive:
        return Shown(text="Does not apply: the objective declares no control feature (`control:`).")
    found = [
        context.recompute(metric, features=features)
        for metric, features in standard_fairness(context.objective)
        if metric in CONDITIONAL_DISPARITIES
    ]
    if not found:
        return Shown(text="Does not apply: a regression has no rates to compare within strata.")
    rows = tuple(
        (
            _label(one),
            " × ".join(one.features),
            number(one.value) if one.value is not None else f"— ({without(one)})",
            span(one.interval),
            "—" if one.pair is None else f"{group_label(one.pair.first)} and {group_label(one.pair.second)}",
            _pooled(one),
        )
        for one in found
    )
    heads = ("Disparity within strata", "Groups by", "Value", "Interval", "Decided by", "Pooled over strata")
    return Shown(_draw(found[0]), Table(heads, rows), alternative="rates of each group within each stratum")


def _label(one: Measurement) -> str:
    entry = measure("fairness", one.metric)
    return one.metric if entry is None else entry.label


def _pooled(one: Measurement) -> str:
    pooled = one.data.get("pooled")
    if not pooled or pooled["difference"] is None:
        return "—"
    who = f"{group_label(pooled['first'])} less {group_label(pooled['second'])}"
    crude = number(pooled["crude_difference"])
    return (
        f"{who}: {number(pooled['difference'])} ({span(pooled['difference_interval'])}); in all rows together {crude}"
    )


def _draw(one: Measurement) -> Any:
    strata: list[dict[str, Any]] = one.data.get("strata", [])[:_DRAWN_STRATA]
    groups = list(dict.fromkeys(group_label(cell["group"]) for stratum in strata for cell in stratum["groups"]))
    if not strata or len(groups) > len(_COLOURS):
        return None  # more colours than these cannot be told apart; the table tells all
    figure, (axis,) = panels(height=rows_height(len(strata) * 2))
    for line, stratum in enumerate(strata):
        for cell in stratum["groups"]:
            if cell["rate"] is None:
                continue
            place = groups.index(group_label(cell["group"]))
            y = line + (place - (len(groups) - 1) / 2) * 0.24
            axis.plot(cell["interval"], [y, y], color=_COLOURS[place], linewidth=2, alpha=0.5, solid_capstyle="butt")
            axis.plot([cell["rate"]], [y], "o", color=_COLOURS[place], markersize=5)
    names = [f"{group_label(stratum['stratum'])} ({stratum['n']:,})" for stratum in strata]
    axis.set_yticks(range(len(strata)), text_width(names))
    axis.set(ylim=(len(strata) - 0.4, -0.6), xlim=(-0.02, 1.02))
    axis.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axis.tick_params(axis="y", length=0)
    axis.grid(visible=False, axis="y")
    for place, name in enumerate(groups):
        axis.plot([], [], "o", color=_COLOURS[place], label=text_width([name], 28)[0])
    legend(axis, loc="center left", bbox_to_anchor=(1.01, 0.5))
    axis.set_xlabel("Rate of the favourable outcome", color=QUIET)
    heading(axis, f"By {' × '.join(one.features)}, among people alike in {' × '.join(strata[0]['stratum'])}")
    return figure
