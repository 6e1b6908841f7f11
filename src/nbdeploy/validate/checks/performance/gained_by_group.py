"""For whom is this version better or worse than the registered one before it, on the same rows?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.measurement import GroupValue, Measurement
from nbdeploy.documents.record import group_label
from nbdeploy.stats.binomial import shared_level
from nbdeploy.stats.tally.levels import MISSING, Group, group_order, plain
from nbdeploy.validate.checks.drawing import FAINT, dots, heading, panels, rows_height, text_width
from nbdeploy.validate.checks.performance.gained import (
    GAIN,
    label_of,
    metrics_of,
    paired,
    record_gain,
    why_not_compared,
)
from nbdeploy.validate.checks.performance.paired_rows import PairedRows, compare
from nbdeploy.validate.checks.shown import Shown, Table, number, span
from nbdeploy.validate.context import Context

_DRAWN = 40


def gains_by_group(context: Context) -> Shown:
    """Record what each group of people gained or lost; the intervals of a feature's groups hold together."""
    rows = paired(context)
    if rows is None:
        return Shown(text=f"Not compared: {why_not_compared(context)}.")
    features = context.objective.sensitive
    if not features:
        return Shown(text="No sensitive feature is declared, so nothing is said about groups.")
    metric = metrics_of(context, rows)[0]
    found = [_by_group(context, rows, *asked) for asked in _asked(context, rows)]
    told = [one for one in found if one.metric == metric + GAIN and one.slice is None]
    lines = [value for one in told for value in one.by_group]
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
    heading(axis, f"{label_of(metric)} gained, by group{more}")
    table = tuple(
        (group_label(v.group) + (" (too few)" if v.excluded else ""), number(v.value), span(v.interval), f"{v.n:,}")
        for v in worst
    )
    losing = [group_label(v.group) for v in lines if not v.excluded and _is_below(v)]
    said = f"Clearly worse off than before: {', '.join(losing)}." if losing else "No group is clearly worse off."
    return Shown(
        figure, Table(("Group", "Gain", "Interval", "Rows"), table), said, alternative="gains by group of people"
    )


def _asked(context: Context, rows: PairedRows) -> Iterator[tuple[str, tuple[str, ...], str | None]]:
    """Yield (metric, features, slice): the leading metric by every sensitive feature, and what gates ask by groups."""
    known = metrics_of(context, rows)
    wanted: list[tuple[str, tuple[str, ...], str | None]] = [
        (known[0], (feature,), None) for feature in context.objective.sensitive
    ]
    for metric, gate in context.objective.gates.get("performance", {}).items():
        if metric.removesuffix(GAIN) in known and metric.endswith(GAIN) and isinstance(gate.group, tuple):
            order = [feature for feature in context.objective.sensitive if feature in gate.group]
            wanted.append((metric.removesuffix(GAIN), tuple(order), gate.slice))
    yield from dict.fromkeys(wanted)


def _by_group(
    context: Context,
    rows: PairedRows,
    metric: str,
    features: tuple[str, ...],
    slice: str | None,  # noqa: A002 - the objective's word
) -> Measurement:
    least, level = context.objective.min_group_size, context.objective.level
    inside = np.ones(len(rows.truth), bool) if slice is None else context.lies_in(slice)
    parts = {group: rows.take(at[inside[at]]) for group, at in groups(context, features) if inside[at].any()}
    sizes = {group: rows_that_count(part, metric) for group, part in parts.items()}
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
    whole = compare(rows.take(np.flatnonzero(inside)), metric, level)
    shared = f"The groups' intervals hold together: Bonferroni over {eligible}." if eligible > 1 else None
    return record_gain(
        context,
        whole,
        {"previous": context.previous_version, "worse": worse, "comparisons": eligible},
        features=features,
        slice=slice,
        by_group=values,
        note=shared,
    )


def rows_that_count(rows: PairedRows, metric: str) -> int:
    """Return the rows that a metric divides by."""
    positive = rows.truth == rows.positive
    return int({"recall": positive.sum(), "specificity": (~positive).sum()}.get(metric, len(rows.truth)))


def groups(context: Context, features: Sequence[str]) -> Iterator[tuple[Group, NDArray[np.intp]]]:
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


def _short(value: GroupValue) -> str:
    """Return a group's label with the names of features cut: what tells groups apart comes last."""
    return group_label({text_width([feature], 12)[0]: level for feature, level in value.group.items()})


def _is_below(value: GroupValue) -> bool:
    return value.interval is not None and value.interval[1] is not None and value.interval[1] < 0
