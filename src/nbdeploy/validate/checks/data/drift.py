"""Whether the evaluation data is still like the reference (or training) data, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nbdeploy.stats.binomial import normal_quantile, shared_level
from nbdeploy.stats.tally import ColumnTally
from nbdeploy.stats.tally.sketch import RANK_ERROR
from nbdeploy.validate.checks.columns import numeric
from nbdeploy.validate.checks.data.distribution import distribution, sketched
from nbdeploy.validate.checks.data.shifts import NOTICEABLE, Shift, kind_shift, number_shift
from nbdeploy.validate.checks.drawing import BLUE, FAINT, QUIET, bars, heading, legend, panels, rows_height, text_width
from nbdeploy.validate.checks.shown import Shown, measured, number, span
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nbdeploy.validate.given import TableName

_DRAWN_LEVELS = 8
_SAID = 6


def drift(context: Context) -> Shown:
    """Record the number of columns that drifted and the largest population stability index.

    The columns are the inputs, the sensitive features and, where the reference has it, the target.

    PSI = Σ (aᵢ − bᵢ)·ln(aᵢ/bᵢ) over tenths of the reference data (or its commonest levels), half a row added to each
    so that an empty bin stays finite. A column counts as drifted when PSI ≥ 0.1 and a two-sample Kolmogorov–Smirnov
    (numbers) or chi-squared (levels) test rejects, Bonferroni over columns. The size of each shift stands beside it:
    the largest gap D of the distribution functions, or Cramér's V, with limits that hold for all columns together.
    """
    against: TableName = "train" if context.reference is None else "reference"
    reference = context.train if context.reference is None else context.reference
    watched = dict.fromkeys((*context.features, *context.objective.sensitive, context.objective.target))
    columns = [] if reference is None else [c for c in watched if c in context.data and c in reference]
    if reference is None or not columns:
        context.not_available("no reference or training data was given", "drifted_columns", "max_psi")
        return Shown(text="Not measured: neither reference nor training data was given (--reference, --train).")
    quantities = set(numeric(reference, columns)) & set(numeric(context.data, columns))
    new, old = context.columns("data"), context.columns(against)
    countable = [c for c in columns if c in quantities or (_kinds(new[c]) and _kinds(old[c]))]
    rng, level = context.rng("drift"), shared_level(context.objective.level, len(countable))
    shifts = [
        number_shift(name, distribution(context, "data", name), distribution(context, against, name), level, rng)
        if name in quantities
        else kind_shift(name, new[name], old[name], level, rng)
        for name in countable
    ]
    uncounted = [name for name in columns if name not in countable]
    if not shifts:
        context.not_available("every column has a value of its own in nearly every row", "drifted_columns", "max_psi")
        return Shown(text=f"Not measured: {', '.join(uncounted)} have a value of their own in nearly every row.")
    shifts.sort(key=lambda one: (-one.psi, one.column))
    return _record(context, shifts, against, level, uncounted)


def _kinds(tally: ColumnTally) -> bool:
    """Whether values stand for kinds: counted, and each for two rows or more on average. Names of rows never recur."""
    return tally.counts is not None and 2 * len(tally.counts) <= max(tally.known, 2)


def _record(context: Context, shifts: list[Shift], against: TableName, each: float, uncounted: list[str]) -> Shown:
    z = normal_quantile(each)
    drifted = [one for one in shifts if one.drifted(each)]
    from_sketches = sketched(context, "data") or sketched(context, against)
    told = f"; shares from sketches, off by at most {RANK_ERROR:.2%}" if from_sketches else ""
    counted = context.record(
        "drifted_columns",
        len(drifted),
        n=context.rows,
        denominator=len(shifts),
        method=f"PSI ≥ {NOTICEABLE} and a two-sample test, Bonferroni over {len(shifts)} columns{told}",
        data={
            "against": against,
            "rows": context.count(against),
            "columns": [_told(one, each) for one in shifts[:100]],
            "uncounted": uncounted,
        },
    )
    # Resampled indices lie above the true one: the bias widens the interval downwards and never narrows it upwards.
    limits = [(max(0.0, one.psi - one.bias - z * one.error), one.psi + z * one.error) for one in shifts]
    largest = context.record(
        "max_psi",
        shifts[0].psi,
        interval=(max(low for low, _ in limits), max(high for _, high in limits)),
        level=context.objective.level,
        method=f"multinomial resampling, bias allowed for, Bonferroni over {len(shifts)} columns{told}",
        n=context.rows,
        data={"column": shifts[0].column, "shapes": [_shape(one) for one in shifts[:4]]},
    )
    text = _said(drifted, shifts, context.objective.target)
    text += f" {', '.join(uncounted)}: almost every row has its own value, so nothing is compared." if uncounted else ""
    return Shown(_draw(shifts, against, each), measured([counted, largest]), text, alternative="shift of each column")


def _said(drifted: list[Shift], shifts: list[Shift], target: str) -> str:
    """Return which columns drifted in words, each with its effect; where none did, the one that moved most."""

    def effect(one: Shift) -> str:
        named = f"{one.column}, which is to be told," if one.column == target else one.column
        return f"{named} ({one.effect.name} {number(one.effect.value)}, {span(one.effect.interval)})"

    if not drifted:
        return f"No column of {len(shifts)} drifted; {effect(shifts[0])} moved most."
    shown = [effect(one) for one in drifted[:_SAID]]
    more = f" and {len(drifted) - _SAID} more" if len(drifted) > _SAID else ""
    return f"Drifted: {'; '.join(shown)}{more}."


def _told(one: Shift, level: float) -> dict[str, Any]:
    return {
        "column": one.column,
        "kind": one.kind,
        "psi": one.psi,
        "effect": one.effect.name,
        "size": one.effect.value,
        "interval": one.effect.interval,
        "test": one.effect.test,
        "statistic": one.effect.statistic,
        "p_value": one.effect.p_value,
        "drifted": one.drifted(level),
    }


def _shape(one: Shift) -> dict[str, Any]:
    # The bin of missing values is left out of a numeric shape: it has no place on the axis.
    keep = slice(None, -1) if one.kind == "numeric" else slice(None)
    return {
        "column": one.column,
        "kind": one.kind,
        "edges": list(one.cuts) if one.kind == "numeric" else None,
        "levels": list(one.cuts) if one.kind == "category" else None,
        "evaluation": (one.now / one.now.sum())[keep].tolist(),
        "reference": (one.before / one.before.sum())[keep].tolist(),
    }


def _draw(shifts: list[Shift], against: str, level: float) -> Any:
    shown = shifts[:12]
    figure, (left, right) = panels(2, height=max(2.6, rows_height(len(shown))))
    bars(
        left, [one.column for one in shown], [one.psi for one in shown], highlight=[one.drifted(level) for one in shown]
    )
    left.axvline(NOTICEABLE, color=QUIET, linewidth=1, linestyle=(0, (3, 2)))
    heading(left, "Shift by column (PSI)")
    left.set_xlim(0, max(0.22, *(one.psi * 1.1 for one in shown)))
    _draw_shape(right, shifts[0])
    heading(right, f"Moved most: {text_width([shifts[0].column], 22)[0]}")
    legend(right, ["training" if against == "train" else "reference", "evaluation"], loc="best")
    return figure


def _draw_shape(axis: Axes, one: Shift) -> None:
    shape = _shape(one)
    kept: Any = slice(None)
    if one.kind == "category":  # the commonest levels: more names than these cannot be read
        kept = np.argsort(-(one.before / one.before.sum() + one.now / one.now.sum()), kind="stable")[:_DRAWN_LEVELS]
    before, now = np.asarray(shape["reference"])[kept], np.asarray(shape["evaluation"])[kept]
    places = np.arange(len(now))
    axis.bar(places - 0.2, before, width=0.38, color=FAINT)
    axis.bar(places + 0.2, now, width=0.38, color=BLUE, alpha=0.88)
    axis.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axis.grid(visible=False, axis="x")
    if one.kind == "category":
        axis.set_xticks(places, text_width([str(one.cuts[at]) for at in kept], 14), rotation=45, ha="right")
    else:
        edges = shape["edges"]
        axis.set_xticks(np.arange(len(edges)) - 0.5, [f"{edge:.3g}" for edge in edges], rotation=45, ha="right")
