"""Is this version better than the registered one before it, on the same rows, and for whom?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents import catalog
from nbdeploy.documents.measurement import GroupValue, Measurement
from nbdeploy.documents.record import group_label
from nbdeploy.stats.binomial import shared_level
from nbdeploy.stats.paired import mcnemar
from nbdeploy.stats.tally.levels import MISSING, Group, group_order, plain
from nbdeploy.validate.checks.drawing import FAINT, dots, heading, panels, rows_height, text_width
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

_GAIN = "_gain_over_previous"
_DRAWN = 40


def gains_over_previous(context: Context) -> Shown:
    """Record what every metric gained over the version before, by paired tests on the same rows."""
    rows = _paired(context)
    if rows is None:
        return _nothing(context)
    found = [compare(rows, metric, context.objective.level) for metric in _metrics(context, rows)]
    named, data = context.previous_version, {"gains": [_told(one) for one in found]}
    for place, one in enumerate(found):
        _record(context, one, {"previous": named, **data, **_discordant(context, rows)} if place == 0 else {})
    if context.objective.task == "binary" and rows.score is None:
        why = "one of the two versions gives decisions and no scores"
        _not_available(context, why, tuple(metric + _GAIN for metric in OF_SCORES))
    known = [one for one in found if one.gain is not None]
    figure, (axis,) = panels(height=rows_height(len(known)))
    axis.axvline(0, color=FAINT, linewidth=1.2, linestyle=(0, (3, 2)))
    gains = [one.gain for one in known if one.gain is not None]
    dots(axis, [_label(one.metric) for one in known], [g.value for g in gains], [g.interval for g in gains])
    heading(axis, f"Gained over {named} (right of the line: better)")
    heads = ("Measure", "This model", "Before", f"Gain ({context.objective.level:.0%} interval)", "This model is")
    table = tuple(
        (
            _label(one.metric),
            number(one.now),
            number(one.before),
            f"{number(one.gain.value)} ({span(one.gain.interval)})" if one.gain else one.undefined or "",
            one.words,
        )
        for one in found
    )
    return Shown(figure, Table(heads, table), _in_words(context, rows), alternative="gains over the version before")


def gains_by_group(context: Context) -> Shown:
    """Record what each group of people gained or lost; the intervals of a feature's groups hold together."""
    rows = _paired(context)
    if rows is None:
        return Shown(text=f"Not compared: {why_not_compared(context)}.")
    features = context.objective.sensitive
    if not features:
        return Shown(text="No sensitive feature is declared, so nothing is said about groups.")
    metric = _metrics(context, rows)[0]
    found = [_by_group(context, rows, *asked) for asked in _asked(context, rows)]
    lines = [value for one in found if one.metric == metric + _GAIN for value in one.by_group]
    worst = sorted((line for line in lines if line.value is not None), key=lambda line: line.value or 0)[:_DRAWN]
    drawn = [value for value in worst if not value.excluded]  # the whiskers of tiny groups would hide all others
    figure, (axis,) = panels(height=rows_height(len(drawn)))
    axis.axvline(0, color=FAINT, linewidth=1.2, linestyle=(0, (3, 2)))
    dots(
        axis,
        [_short(value) for value in drawn],
        [value.value for value in drawn],
        [value.interval for value in drawn],
    )
    more = f", the {_DRAWN} that gained least of {len(lines)}" if len(lines) > _DRAWN else ""
    heading(axis, f"{_label(metric)} gained, by group{more}")
    table = tuple(
        (group_label(v.group) + (" (too few)" if v.excluded else ""), number(v.value), span(v.interval), f"{v.n:,}")
        for v in worst
    )
    losing = [group_label(v.group) for v in lines if not v.excluded and _is_below(v)]
    said = f"Clearly worse off than before: {', '.join(losing)}." if losing else "No group is clearly worse off."
    return Shown(
        figure, Table(("Group", "Gain", "Interval", "Rows"), table), said, alternative="gains by group of people"
    )


def _asked(context: Context, rows: PairedRows) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (metric, features): the leading metric by every sensitive feature, and what gates ask by groups."""
    known = _metrics(context, rows)
    wanted: list[tuple[str, tuple[str, ...]]] = [(known[0], (feature,)) for feature in context.objective.sensitive]
    for metric, gate in context.objective.gates.get("performance", {}).items():
        if metric.removesuffix(_GAIN) in known and metric.endswith(_GAIN) and isinstance(gate.group, tuple):
            order = [feature for feature in context.objective.sensitive if feature in gate.group]
            wanted.append((metric.removesuffix(_GAIN), tuple(order)))
    yield from dict.fromkeys(wanted)


def _by_group(context: Context, rows: PairedRows, metric: str, features: tuple[str, ...]) -> Measurement:
    least, level = context.objective.min_group_size, context.objective.level
    parts = {group: rows.take(at) for group, at in _groups(context, features)}
    sizes = {group: _denominator(part, metric) for group, part in parts.items()}
    eligible = sum(size >= least for size in sizes.values())
    values = []
    for group, part in parts.items():
        gain = compare(part, metric, shared_level(level, eligible)).gain
        values.append(
            GroupValue(
                group=dict(zip(features, group, strict=True)),
                n=len(part.truth),
                denominator=sizes[group],
                value=gain.value if gain else None,
                interval=gain.interval if gain else None,
                excluded=sizes[group] < least,
            )
        )
    worse = [group_label(value.group) for value in values if not value.excluded and _is_below(value)]
    whole = compare(rows, metric, level)
    shared = f"The groups' intervals hold together: Bonferroni over {eligible}." if eligible > 1 else None
    return _record(
        context,
        whole,
        {"previous": context.previous_version, "worse": worse, "comparisons": eligible},
        features=features,
        by_group=values,
        note=shared,
    )


def _denominator(rows: PairedRows, metric: str) -> int:
    """Return the rows that a metric divides by."""
    positive = rows.truth == rows.positive
    return int({"recall": positive.sum(), "specificity": (~positive).sum()}.get(metric, len(rows.truth)))


def _groups(context: Context, features: Sequence[str]) -> Iterator[tuple[Group, NDArray[np.intp]]]:
    """Yield every group with the places of its rows; a missing value is a level of its own."""
    import pandas as pd

    columns = []
    for feature in features:
        codes, found = pd.factorize(context.data[feature], use_na_sentinel=False)
        known = [MISSING if pd.isna(value) else plain(value) for value in found]
        columns.append([known[code] for code in codes])
    places: dict[Group, list[int]] = {}
    for place, group in enumerate(zip(*columns, strict=True)):
        places.setdefault(group, []).append(place)
    for group in group_order(places):
        yield group, np.array(places[group])


def _paired(context: Context) -> PairedRows | None:
    return PairedRows.of(context, context.previous) if context.previous is not None else None


def _metrics(context: Context, rows: PairedRows) -> tuple[str, ...]:
    if context.objective.task == "regression":
        return OF_ERRORS
    if context.objective.task == "multiclass":
        return OF_DECISIONS[:1]
    return OF_DECISIONS + (OF_SCORES if rows.score is not None else ())


def _record(
    context: Context,
    one: Compared,
    data: dict[str, object],
    *,
    features: Sequence[str] = (),
    by_group: Sequence[GroupValue] = (),
    note: str | None = None,
) -> Measurement:
    gain = one.gain
    return context.record(
        one.metric + _GAIN,
        gain.value if gain else None,
        interval=gain.interval if gain else None,
        level=context.objective.level,
        method=gain.method if gain and gain.interval else None,
        n=gain.n if gain else None,
        data=data,
        features=features,
        by_group=by_group,
        sample=context.held,
        undefined=one.undefined,
        note=note,
    )


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


def _label(metric: str) -> str:
    known = catalog.measure("performance", metric)
    return known.label if known else metric


def _short(value: GroupValue) -> str:
    """Return a group's label with the names of features cut: what tells groups apart comes last."""
    return group_label({text_width([feature], 12)[0]: level for feature, level in value.group.items()})


def _is_below(value: GroupValue) -> bool:
    return value.interval is not None and value.interval[1] is not None and value.interval[1] < 0


def why_not_compared(context: Context) -> str:
    """Return why there are no answers of a version before."""
    if context.previous_version is not None:
        lacks = f" ({context.previous_lacks})" if context.previous_lacks else ""
        return (
            f"{context.previous_version}, the registered version before this model, does not answer these rows{lacks}"
        )
    return "there is no other registered version of this model to compare it with"


def _nothing(context: Context) -> Shown:
    """Say why nothing is compared; recorded only where a gate asks, for a first version is no gap in the evidence."""
    _not_available(
        context, why_not_compared(context), tuple(metric + _GAIN for metric in (*OF_DECISIONS, *OF_SCORES, *OF_ERRORS))
    )
    return Shown(text=f"Not compared: {why_not_compared(context)}.")


def _not_available(context: Context, why: str, metrics: Sequence[str]) -> None:
    for metric, gate in context.objective.gates.get("performance", {}).items():
        if metric in metrics:
            features = gate.group if isinstance(gate.group, tuple) else ()
            context.record(metric, features=features, undefined=why)
