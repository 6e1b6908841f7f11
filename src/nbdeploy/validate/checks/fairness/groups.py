"""What each group gets and how well it is served."""

from __future__ import annotations

from typing import Any

from nbdeploy.documents.catalog import measure
from nbdeploy.documents.measurement import GroupValue, Measurement
from nbdeploy.documents.record import group_label
from nbdeploy.validate.checks.drawing import QUIET, dots, heading, panels, rows_height, text_width
from nbdeploy.validate.checks.shown import Shown, Table, number
from nbdeploy.validate.context import Context
from nbdeploy.validate.recompute import is_disparity, standard_fairness

_DRAWN_GROUPS = 30


def group_metrics(context: Context) -> Shown:
    """Record the standard group metrics: overall, by every sensitive feature, by every crossing."""
    found = [
        context.recompute(metric, features=features)
        for metric, features in standard_fairness(context.objective)
        if not is_disparity(metric)
    ]
    if not context.objective.sensitive:
        return Shown(text="No sensitive feature is declared, so only all rows together are measured.")
    metrics = list(dict.fromkeys(one.metric for one in found if one.metric != "count"))
    parted = {(one.metric, one.features): one for one in found}
    partitions = context.objective.partitions
    rows: list[tuple[str, ...]] = []
    for features in partitions:
        columns = [parted[metric, features].by_group for metric in metrics]
        for at, group in enumerate(columns[0]):
            rows.append((group_label(group.group), number(group.n), *(_cell(column[at]) for column in columns)))
    heads = ("Group", "Rows", *(_label(metric) for metric in metrics))
    shown = [parted[metric, features] for metric in _drawn(metrics) for features in partitions[:3]]
    drawable = [one for one in shown if 0 < len(one.by_group) <= _DRAWN_GROUPS]
    figure = _draw(drawable) if drawable else None
    text = (
        "* fewer rows that count than the minimum group size of "
        f"{context.objective.min_group_size}: shown, and left out of comparisons."
    )
    return Shown(figure, Table(heads, tuple(rows)), text, alternative="metrics by group with intervals")


def _cell(group: GroupValue) -> str:
    return number(group.value) + ("*" if group.excluded else "")


def _label(metric: str) -> str:
    entry = measure("fairness", metric)
    return metric if entry is None else entry.label


def _drawn(metrics: list[str]) -> list[str]:
    wanted = ("favourable_rate", "true_positive_rate", "accuracy", "mean_error", "mean_absolute_error")
    return [name for name in wanted if name in metrics][:2]


def _draw(found: list[Measurement]) -> Any:
    partitions = list(dict.fromkeys(one.features for one in found))
    most = max(len(one.by_group) for one in found)
    figure, axes = panels(len(found), height=rows_height(most, least=1.6), columns=len(partitions) if most <= 6 else 1)
    axes_of = dict(zip([(one.metric, one.features) for one in found], axes, strict=True))
    for one in found:
        axis = axes_of[one.metric, one.features]
        names = [", ".join(str(value) for value in group.group.values()) for group in one.by_group]
        dots(
            axis,
            names,
            [group.value for group in one.by_group],
            [group.interval for group in one.by_group],
            hollow=[group.excluded for group in one.by_group],
        )
        if one.value is not None:
            axis.axvline(one.value, color=QUIET, linewidth=1, linestyle=(0, (3, 2)))
        heading(axis, "\n".join([_label(one.metric), *text_width([f"by {' × '.join(one.features)}"], 28)]))
        if one.metric.endswith(("rate", "accuracy")):
            axis.set_xlim(-0.03, 1.03)
            axis.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    return figure
