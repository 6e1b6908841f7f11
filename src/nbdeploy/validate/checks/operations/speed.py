"""How fast does the model answer? Measured on this machine, without the network and the server around it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbdeploy.validate.checks.drawing import BLUE, ORANGE, heading, panels
from nbdeploy.validate.checks.operations.probed import answered
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import quantile_interval
from nbdeploy.validate.context import Context

_QUANTILES = {"latency_p50_ms": 0.5, "latency_p95_ms": 0.95, "latency_p99_ms": 0.99}


def latency(context: Context) -> Shown:
    """Record the median, 95th and 99th percentile of single-row predictions, with distribution-free limits."""
    report = answered(context, *_QUANTILES)
    if isinstance(report, str):
        return Shown(text=report)
    times = np.sort(np.asarray(report["latencies_ms"], dtype=float))
    counts, edges = np.histogram(times[times <= np.quantile(times, 0.995)], bins=30)
    found = []
    for name, q in _QUANTILES.items():
        low, high = quantile_interval(times, q, context.objective.level)
        drawn = {"histogram": {"edges": edges, "counts": counts}, "calls": len(times)} if q == 0.95 else None
        found.append(
            context.record(
                name,
                float(np.quantile(times, q, method="higher")),
                interval=(max(low, 0.0), high),
                level=context.objective.level,
                method=f"order statistics, single rows, {_where(context)}",
                n=len(times),
                data=drawn,
            )
        )
    return Shown(_draw(counts, edges, [float(one.value or 0) for one in found]), measured(found), alternative="latency")


def throughput(context: Context) -> Shown:
    """Record the rows predicted per second in the best of several batch sizes."""
    report = answered(context, "throughput_rows_per_s")
    if isinstance(report, str):
        return Shown(text=report)
    batches = report["batches"]
    for one in batches:
        low, high = quantile_interval(np.asarray(one.pop("times_ms"), dtype=float), 0.5, context.objective.level)
        one |= {"low_ms": max(low, 0.0), "high_ms": high}
    best = max(batches, key=lambda one: one["rows_per_s"])
    fastest = best["rows"] * 1000 / best["low_ms"] if best["low_ms"] else None
    found = context.record(
        "throughput_rows_per_s",
        best["rows_per_s"],
        interval=(best["rows"] * 1000 / best["high_ms"], fastest if fastest is not None else math.inf),
        level=context.objective.level,
        method=f"median time of batches of {best['rows']:,} rows, order statistics, {_where(context)}",
        n=best["rows"],
        data={"batches": batches},
    )
    figure, (axis,) = panels(height=2.3)
    axis.loglog([one["rows"] for one in batches], [one["ms"] for one in batches], "o-", color=BLUE, markersize=5)
    heading(axis, "Time of a batch")
    axis.set(xlabel="Rows in the batch", ylabel="Time (log scale)")
    axis.xaxis.set_major_formatter(lambda rows, _: f"{rows:,.0f}")
    axis.minorticks_off()
    axis.set_yticks([])
    for one in batches:
        said, place = f"{one['ms']:,.3g} ms", (one["rows"], one["ms"])
        axis.annotate(said, place, xytext=(0, 8), textcoords="offset points", ha="center", fontsize=8.5)
    axis.margins(0.08, 0.3)
    return Shown(figure, measured([found]), alternative="time of a batch by its rows")


def _where(context: Context) -> str:
    beside = ", a draft: other notebooks may have run beside it" if context.draft else ""
    return f"one thread, this machine{beside}"


def _draw(counts: Any, edges: Any, quantiles: list[float]) -> Any:
    figure, (axis,) = panels(height=2.1)
    axis.bar(edges[:-1], counts, width=np.diff(edges) * 0.94, align="edge", color=BLUE, alpha=0.88)
    for place, (name, value) in enumerate(zip(("median", "95 %", "99 %"), quantiles, strict=True)):
        if value <= edges[-1]:
            axis.axvline(value, color=ORANGE, linewidth=1.2)
            axis.text(
                value,
                0.97 - 0.13 * place,
                f" {name}",
                color=ORANGE,
                fontsize=8.5,
                transform=axis.get_xaxis_transform(),
                va="top",
            )
    heading(axis, "Time of a single-row prediction")
    axis.set(xlabel="Milliseconds", ylabel="Calls")
    axis.grid(visible=False, axis="x")
    axis.locator_params(axis="y", integer=True)
    return figure
