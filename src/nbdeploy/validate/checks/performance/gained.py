"""What is compared with the version before, and how a gain is recorded."""

from __future__ import annotations

from collections.abc import Sequence

from nbdeploy.documents import catalog
from nbdeploy.documents.gate import Gate
from nbdeploy.documents.measurement import GroupValue, Measurement
from nbdeploy.validate.checks.performance.paired_rows import OF_DECISIONS, OF_ERRORS, OF_SCORES, Compared, PairedRows
from nbdeploy.validate.context import Context
from nbdeploy.validate.verdict.recompute import where

GAIN = "_gain_over_previous"
"""Ends the name of each measure of a gain."""


def why_not_compared(context: Context) -> str:
    """Return why there are no answers of a version before."""
    if context.previous_version is not None:
        lacks = f" ({context.previous_lacks})" if context.previous_lacks else ""
        return (
            f"{context.previous_version}, the registered version before this model, does not answer these rows{lacks}"
        )
    return "no other registered version of this model was found, or none was asked for"


def paired(context: Context) -> PairedRows | None:
    """Return the rows at hand as both versions answered them; None without answers of a version before."""
    return PairedRows.of(context, context.previous) if context.previous is not None else None


def metrics_of(context: Context, rows: PairedRows) -> tuple[str, ...]:
    """Return the metrics that the task and both versions' answers allow, the leading one first."""
    if context.objective.task == "regression":
        return OF_ERRORS
    if context.objective.task == "multiclass":
        return OF_DECISIONS[:1]
    return OF_DECISIONS + (OF_SCORES if rows.score is not None else ())


def record_gain(
    context: Context,
    one: Compared,
    data: dict[str, object],
    *,
    features: Sequence[str] = (),
    slice: str | None = None,  # noqa: A002 - the objective's word
    by_group: Sequence[GroupValue] = (),
    note: str | None = None,
) -> Measurement:
    """Record a gain of all rows, with those of groups where there are any."""
    gain = one.gain
    return context.record(
        one.metric + GAIN,
        gain.value if gain else None,
        interval=gain.interval if gain else None,
        level=context.objective.level,
        method=gain.method if gain and gain.interval else None,
        n=gain.n if gain else None,
        data=data,
        features=features,
        slice=slice,
        by_group=by_group,
        sample=context.held,
        undefined=one.undefined,
        note=note,
    )


def label_of(metric: str) -> str:
    """Return the catalogue's label of a metric."""
    known = catalog.measure("performance", metric)
    return known.label if known else metric


def not_available(context: Context, why: str, metrics: Sequence[str]) -> None:
    """Record why there is no number, for those of the measures that a gate asks for."""
    for metric, gate in context.objective.gates.get("performance", {}).items():
        if metric in metrics:
            features = gate.group if isinstance(gate.group, tuple) else ()
            context.record(metric, features=features, slice=rows_of(gate), undefined=why)


def rows_of(gate: Gate) -> str | None:
    """Return the rows that a gate is of, as a finding states them; None for all."""
    return where(gate.slice, gate.group if isinstance(gate.group, dict) else None)
