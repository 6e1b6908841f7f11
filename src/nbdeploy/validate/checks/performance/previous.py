"""Is this version better than the registered one before it, on the same rows?"""

from __future__ import annotations

from nbdeploy.stats.paired import mcnemar
from nbdeploy.validate.checks.drawing import FAINT, dots, heading, panels, rows_height
from nbdeploy.validate.checks.performance.gained import (
    GAIN,
    label_of,
    metrics_of,
    not_available,
    paired,
    record_gain,
    why_not_compared,
)
from nbdeploy.validate.checks.performance.gained_in_parts import gains_in_parts
from nbdeploy.validate.checks.performance.paired_rows import (
    OF_DECISIONS,
    OF_ERRORS,
    OF_SCORES,
    Compared,
    PairedRows,
    compare,
)
from nbdeploy.validate.checks.shown import Shown, Table, number, span
from nbdeploy.validate.context import Context


def gains_over_previous(context: Context) -> Shown:
    """Record what every metric gained over the version before, by paired tests on the same rows."""
    rows = paired(context)
    if rows is None:
        return _nothing(context)
    found = [compare(rows, metric, context.objective.level) for metric in metrics_of(context, rows)]
    named, data = context.previous_version, {"gains": [_told(one) for one in found]}
    for place, one in enumerate(found):
        record_gain(context, one, {"previous": named, **data, **_discordant(context, rows)} if place == 0 else {})
    if context.objective.task == "binary" and rows.score is None:
        why = "one of the two versions gives decisions and no scores"
        not_available(context, why, tuple(metric + GAIN for metric in OF_SCORES))
    parts = [(one, f"{label_of(one.metric)} where {kept.slice}") for one, kept in gains_in_parts(context, rows)]
    lines = [*((one, label_of(one.metric)) for one in found), *parts]
    known = [(one, name) for one, name in lines if one.gain is not None]
    figure, (axis,) = panels(height=rows_height(len(known)))
    axis.axvline(0, color=FAINT, linewidth=1.2, linestyle=(0, (3, 2)))
    gains = [one.gain for one, _ in known if one.gain is not None]
    dots(axis, [name for _, name in known], [g.value for g in gains], [g.interval for g in gains])
    heading(axis, f"Gained over {named} (right of the line: better)")
    heads = ("Measure", "This model", "Before", f"Gain ({context.objective.level:.0%} interval)", "This model is")
    table = tuple(
        (
            name,
            number(one.now),
            number(one.before),
            f"{number(one.gain.value)} ({span(one.gain.interval)})" if one.gain else one.undefined or "",
            one.words,
        )
        for one, name in lines
    )
    return Shown(figure, Table(heads, table), _in_words(context, rows), alternative="gains over the version before")


def _told(one: Compared) -> dict[str, object]:
    gain = one.gain
    return {
        "metric": one.metric,
        "model": one.now,
        "before": one.before,
        "gain": gain.value if gain else None,
        "interval": gain.interval if gain else None,
        "words": one.words,
    }


def _discordant(context: Context, rows: PairedRows) -> dict[str, object]:
    if context.objective.task == "regression":
        return {}
    gained, lost = rows.discordant
    return {"discordant": {"gained": gained, "lost": lost, "p_value": mcnemar(gained, lost)}}


def _in_words(context: Context, rows: PairedRows) -> str:
    held = f" Compared on a sample of {context.held:,} rows." if context.held < context.rows else ""
    if context.objective.task == "regression":
        return held.strip()
    gained, lost = rows.discordant
    return (
        f"{gained:,} rows that {context.previous_version} had wrong are right now, and {lost:,} the other way round "
        f"(exact McNemar test: p = {mcnemar(gained, lost):.2g}).{held}"
    )


def _nothing(context: Context) -> Shown:
    """Say why nothing is compared; recorded only where a gate asks, for a first version is no gap in the evidence."""
    not_available(
        context, why_not_compared(context), tuple(metric + GAIN for metric in (*OF_DECISIONS, *OF_SCORES, *OF_ERRORS))
    )
    return Shown(text=f"Not compared: {why_not_compared(context)}.")
