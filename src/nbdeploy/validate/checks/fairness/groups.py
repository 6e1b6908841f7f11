"""What each group gets and how well it is served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbdeploy.documents.catalog import measure
from nbdeploy.documents.measurement import GroupValue, Measurement
from nbdeploy.documents.record import group_label
from nbdeploy.stats.intervals import FEWEST_TOLD
from nbdeploy.stats.metrics import ERROR_QUANTILES
from nbdeploy.validate.checks.drawing import (
    BLUE,
    INK,
    QUIET,
    dots,
    heading,
    named_rows,
    panels,
    rows_height,
    text_width,
)
from nbdeploy.validate.checks.shown import Shown, Table, number
from nbdeploy.validate.context import Context
from nbdeploy.validate.verdict.compare import is_disparity
from nbdeploy.validate.verdict.recomputable import standard_fairness

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
    metrics = list(dict.fromkeys(one.metric for one in found if one.metric not in ("count", *ERROR_QUANTILES)))
    parted = {(one.metric, one.features): one for one in found}
    spreads = list(ERROR_QUANTILES) if context.objective.task == "regression" else []
    partitions = context.objective.partitions
    rows: list[tuple[str, ...]] = []
    for features in partitions:
        columns = [parted[metric, features].by_group for metric in metrics]
        for at, group in enumerate(columns[0]):
            spread = [parted[metric, features].by_group[at] for metric in spreads]
            cells = (*(_cell(column[at]) for column in columns), *_spread_cells(spread))
            rows.append((group_label(group.group), number(group.n), *cells))
    heads = ("Group", "Rows", *(_label(metric) for metric in metrics), *(_SPREAD_HEADS if spreads else ()))
    drawn = [
        ([parted[metric, features] for metric in _drawn(metrics)], [parted[metric, features] for metric in spreads])
        for features in partitions
    ]
    drawn = [line for line in drawn if line[0] and 0 < len(line[0][0].by_group) <= _DRAWN_GROUPS]
    figure = _draw(drawn) if drawn else None
    small = any(group.excluded for one in found for group in one.by_group)
    least = context.objective.min_group_size
    text = f"* fewer than {least} rows that count: left out of comparisons. {_HIDDEN}" if small else ""
    return Shown(figure, Table(heads, tuple(rows)), text, alternative="metrics by group with intervals")


_HIDDEN = f"Of fewer than {FEWEST_TOLD}, only the number of rows is told: more could point at a person."


def _cell(group: GroupValue) -> str:
    return number(group.value) + ("*" if group.excluded else "")


def _label(metric: str) -> str:
    entry = measure("fairness", metric)
    return metric if entry is None else entry.label


_SPREAD_HEADS = ("Middle error", "Half of errors", "Nine of ten errors")


def _spread_cells(spread: list[GroupValue]) -> tuple[str, ...]:
    """Return what stands under `_SPREAD_HEADS` for one group; nothing where there are no quantiles."""
    if not spread:
        return ()
    low, quarter, middle, three, high = (number(one.value) for one in spread)
    return middle + ("*" if spread[2].excluded else ""), f"{quarter} to {three}", f"{low} to {high}"


def _drawn(metrics: list[str]) -> list[str]:
    """Return the metrics that are drawn; of a regression one, beside the spread of its errors."""
    wanted = ("favourable_rate", "true_positive_rate", "accuracy")
    return [name for name in wanted if name in metrics][:2] or ["mean_absolute_error"]


def _draw(lines: list[tuple[list[Measurement], list[Measurement]]]) -> Any:
    """Draw one line of charts a partition, one column a metric; then the spread of errors, where its five are given."""
    columns = len(lines[0][0]) + bool(lines[0][1])
    heights = [rows_height(len(shown[0].by_group), least=1.3) for shown, _ in lines]
    figure, axes = panels(len(lines) * columns, columns=columns, heights=heights)
    left = iter(axes)
    for shown, spread in lines:
        for place, one in enumerate(shown):
            axis = next(left)
            _draw_metric(axis, one, named=place == 0)
            heading(axis, _title(one) if place == 0 else _label(one.metric))
        if spread:
            _draw_spread(next(left), spread)
    return figure


def _title(one: Measurement) -> str:
    return text_width([f"{_label(one.metric)} by {' × '.join(one.features)}"], 40)[0]


def _draw_metric(axis: Axes, one: Measurement, *, named: bool) -> None:
    names = [", ".join(str(value) for value in group.group.values()) for group in one.by_group]
    dots(
        axis,
        names if named else [""] * len(names),
        [group.value for group in one.by_group],
        [group.interval for group in one.by_group],
        hollow=[group.excluded for group in one.by_group],
    )
    if one.value is not None:
        axis.axvline(one.value, color=QUIET, linewidth=1, linestyle=(0, (3, 2)))
    if one.metric.endswith(("rate", "accuracy")):
        axis.set_xlim(-0.03, 1.03)
        axis.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")


def _draw_spread(axis: Axes, spread: list[Measurement]) -> None:
    """Draw the middle nine tenths, the middle half and the median of each group's errors."""
    sides = [[float("nan") if group.value is None else group.value for group in one.by_group] for one in spread]
    places = list(range(len(sides[0])))
    colours = [QUIET if group.excluded else BLUE for group in spread[2].by_group]
    axis.use_sticky_edges = False  # else the longest bar ends on the frame, as if it were cut there
    for low, high, shade in ((sides[0], sides[4], 0.2), (sides[1], sides[3], 0.6)):
        lengths = [end - start for start, end in zip(low, high, strict=True)]
        axis.barh(places, lengths, left=low, height=0.6, color=colours, alpha=shade)
    axis.plot(sides[2], places, "o", color=INK, markersize=4.5, markerfacecolor="white")
    named_rows(axis, [""] * len(places))
    axis.axvline(0, color=QUIET, linewidth=1, linestyle=(0, (3, 2)))
    heading(axis, "Errors: middle, half, nine of ten")
