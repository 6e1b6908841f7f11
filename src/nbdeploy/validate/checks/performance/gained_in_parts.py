"""Is this version better than the one before in a part of the rows that a gate names?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.gate import Gate
from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.record import group_label
from nbdeploy.validate.checks.performance.gained import GAIN, metrics_of, record_gain, rows_of
from nbdeploy.validate.checks.performance.gained_by_group import groups, rows_that_count
from nbdeploy.validate.checks.performance.paired_rows import Compared, PairedRows, compare
from nbdeploy.validate.context import Context


def gains_in_parts(context: Context, rows: PairedRows) -> Iterator[tuple[Compared, Measurement]]:
    """Record and yield what was gained in each slice, or one group, that a gate names.

    A group whose rows that count are under the minimum is not judged, as elsewhere; a slice has no minimum.
    """
    known = metrics_of(context, rows)
    for name, gate in context.objective.gates.get("performance", {}).items():
        metric = name.removesuffix(GAIN)
        if not name.endswith(GAIN) or metric not in known or rows_of(gate) is None or isinstance(gate.group, tuple):
            continue
        part = rows.take(np.flatnonzero(_inside(context, gate, len(rows.truth))))
        one = _undefined(context, gate, part, metric) or compare(part, metric, context.objective.level)
        told: dict[str, object] = {"previous": context.previous_version, "model": one.now, "before": one.before}
        yield one, record_gain(context, one, told, slice=rows_of(gate))


def _inside(context: Context, gate: Gate, rows: int) -> NDArray[np.bool_]:
    inside = np.ones(rows, bool) if gate.slice is None else context.lies_in(gate.slice)
    if isinstance(gate.group, dict):
        wanted = tuple(gate.group.values())
        places = next((at for group, at in groups(context, tuple(gate.group)) if group == wanted), ())
        inside &= np.isin(np.arange(rows), places)
    return inside


def _undefined(context: Context, gate: Gate, part: PairedRows, metric: str) -> Compared | None:
    if not len(part.truth):
        return Compared(metric, None, None, None, f"no row is in the group or slice {rows_of(gate)}")
    least, counted = context.objective.min_group_size, rows_that_count(part, metric)
    if not isinstance(gate.group, dict) or counted >= least:
        return None
    why = f"{group_label(gate.group)} has {counted} rows that count, under the minimum of {least}"
    return Compared(metric, None, None, None, why)
