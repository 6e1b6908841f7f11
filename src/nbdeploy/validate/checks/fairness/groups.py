"""What each group gets and how well it is served."""

from __future__ import annotations

from typing import Any

from nbdeploy.documents.catalog import measure
from nbdeploy.documents.measurement import GroupValue, Measurement
from nbdeploy.documents.record import group_label
from nbdeploy.validate.checks.drawing import QUIET, dots, heading, panels, rows_height, text_width
from nbdeploy.validate.checks.shown import Shown, Table, number
from nbdeploy.validate.compare import is_disparity
from nbdeploy.validate.context import Context
from nbdeploy.validate.recompute import standard_fairness

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
    drawn = [[parted[metric, features] for metric in _drawn(metrics)] for features in partitions]
    drawn = [line for line in drawn if line and 0 < len(line[0].by_group) <= _DRAWN_GROUPS]
    figure = _draw(drawn) if drawn else None
    small = any(group.excluded for one in found for group in one.by_group)
    least = context.objective.min_group_size
    text = f"* fewer than {least} rows that count: shown, and left out of comparisons." if small else ""
    return Shown(figure, Table(heads, tuple(rows)), text, alternative="metrics by group with intervals")


def _cell(group: GroupValue) -> str:
    return number(group.value) + ("*" if group.excluded else "")


def _label(metric: str) -> str:
    entry = measure("fairness", metric)
    return metric if entry is None else entry.label


def _drawn(metrics: list[str]) -> list[str]:
    wanted = ("favourable_rate", "true_positive_rate", "accuracy", "mean_error", "mean_absolute_error")
    return [name for name in wanted if name in metrics][:2]


def _draw(lines: list[list[Measurement]]) -> Any:
    """Draw one line of charts a partition, one column a metric."""
    columns = len(lines[0])
    heights = [rows_height(len(line[0].by_group), least=1.3) for line in lines]
    figure, axes = panels(len(lines) * columns, columns=columns, heights=heights)
    for place, one in enumerate(one for line in lines for one in line):
        axis = axes[place]
        names = [", ".join(str(value) for value in group.group.values()) for group in one.by_group]
        dots(
            axis,
            names if place % columns == 0 else [""] * len(names),
            [group.value for group in one.by_group],
            [group.interval for group in one.by_group],
            hollow=[group.excluded for group in one.by_group],
        )
        if one.value is not None:
            axis.axvline(one.value, color=QUIET, linewidth=1, linestyle=(0, (3, 2)))
        heading(axis, text_width([f"{_label(one.metric)} by {' × '.join(one.features)}"], 40)[0])
        if one.metric.endswith(("rate", "accuracy")):
            axis.set_xlim(-0.03, 1.03)
            axis.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    return figure
