"""Missing values, and whether one group of people misses more than another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbdeploy.documents.measurement import Measurement
from nbdeploy.stats.binomial import shared_level
from nbdeploy.stats.disparity import disparity
from nbdeploy.stats.tally import ColumnTally
from nbdeploy.validate.checks.columns import levels
from nbdeploy.validate.checks.drawing import bars, heading, panels, rows_height, text_width
from nbdeploy.validate.checks.shown import Shown, measured, number
from nbdeploy.validate.context import Context

_NOTHING = frozenset(
    ("", "?", "-", "--", ".", "n/a", "na", "nan", "nil", "none", "null", "missing", "unknown", "not available", "#n/a")
)
_SAID = 6


def missing_values(context: Context) -> Shown:
    """Record the share of empty cells with that of each column, and the widest gap between groups of people."""
    counts = sorted(((name, one.missing) for name, one in context.columns("data").items()), key=lambda pair: -pair[1])
    cells, empty = context.rows * len(counts), sum(missing for _, missing in counts)
    stand_ins = standing_in(context.columns("data"))
    share = context.record(
        "missing_share",
        empty / cells if cells else None,
        n=context.rows,
        denominator=cells,
        method="counted in all cells",
        data={
            "columns": [{"column": name, "missing": one, "n": context.rows} for name, one in counts[:40]],
            "stand_ins": stand_ins[:40],
        },
        undefined=None if cells else "there are no cells",
    )
    gap = _gap(context)
    found = [share] if gap is None else [share, gap]
    incomplete = [(name, missing) for name, missing in counts if missing][:20]
    told = _stand_ins(stand_ins)
    if not incomplete:
        return Shown(table=measured(found), text=f"No cell of the {len(counts)} columns is empty.{told}")
    figure, (axis,) = panels(height=rows_height(len(incomplete)))
    bars(axis, text_width([name for name, _ in incomplete]), [missing / context.rows for _, missing in incomplete])
    heading(axis, "Share of empty cells, by column")
    axis.xaxis.set_major_formatter(lambda share, _: f"{share:.1%}")
    text = f"{gap.note or '' if gap else ''}{told}".strip()
    return Shown(figure, measured(found), text, alternative="share of empty cells by column")


def standing_in(columns: Mapping[str, ColumnTally]) -> list[dict[str, Any]]:
    """Return the texts that people write where they know nothing, with column and rows, the most frequent first.

    They are not counted as missing: the model may have learnt what such a value tells, and ``None`` may be a finding.
    """
    found = [
        {"column": name, "text": value, "rows": rows}
        for name, one in columns.items()
        for value, rows in (one.counts or {}).items()
        if isinstance(value, str) and value.strip().lower() in _NOTHING
    ]
    return sorted(found, key=lambda one: (-one["rows"], one["column"]))


def _stand_ins(found: list[dict[str, Any]]) -> str:
    if not found:
        return ""
    shown = ", ".join(f"“{one['text']}” in {one['column']} ({number(one['rows'])} rows)" for one in found[:_SAID])
    more = f" and {len(found) - _SAID} more" if len(found) > _SAID else ""
    return f" Not counted, but often written for a missing value: {shown}{more}."


def _gap(context: Context) -> Measurement | None:
    """Record the largest difference between groups of a sensitive feature in the share of rows that miss an input."""
    inputs = [name for name in context.features if name in context.data.columns]
    if not context.objective.sensitive or not inputs:
        context.not_available("no sensitive feature is declared", "missing_gap")
        return None
    empty = context.data[inputs].isna()
    # A column without any value says nothing about groups, and would make every row incomplete.
    incomplete = empty.loc[:, ~empty.all()].any(axis=1)
    level = shared_level(context.objective.level, len(context.objective.sensitive))
    told: list[dict[str, Any]] = []
    for feature in context.objective.sensitive:
        groups = incomplete.groupby(levels(context.data[feature])).agg(["sum", "count"])
        found = disparity(
            groups["sum"], groups["count"], level=level, min_size=context.objective.min_group_size, metric="missing"
        )
        rows = [
            {"group": str(name), "missing": int(one["sum"]), "n": int(one["count"]), "excluded": at in found.excluded}
            for at, (name, one) in enumerate(groups.iterrows())
        ]
        if found.value is None or found.interval is None or found.pair is None:
            continue
        low, high = (rows[at]["group"] for at in found.pair)
        told.append(
            {
                "feature": feature,
                "value": found.value,
                "interval": found.interval,
                "least": low,
                "most": high,
                "groups": rows[:40],
                "method": found.method,
            }
        )
    if not told:
        context.not_available("no two groups are large enough to compare", "missing_gap")
        return None
    told.sort(key=lambda one: -one["value"])
    worst = told[0]
    return context.record(
        "missing_gap",
        worst["value"],
        interval=(max(one["interval"][0] for one in told), max(one["interval"][1] for one in told)),
        level=context.objective.level,
        method=f"{worst['method']}, corrected over {len(told)} features",
        n=len(context.data),
        sample=len(context.data),
        data={"features": told},
        note=f"Inputs are missing most often where {worst['feature']} is {worst['most']}." if worst["value"] else None,
    )
