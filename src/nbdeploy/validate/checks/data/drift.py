"""Whether the evaluation data is still like the reference (or training) data, column by column."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.binomial import normal_quantile, shared_level
from nbdeploy.validate.checks.columns import as_floats, levels, numeric
from nbdeploy.validate.checks.drawing import BLUE, FAINT, QUIET, bars, heading, legend, panels, rows_height, text_width
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

NOTICEABLE = 0.1
"""PSI below which a shift is usually called none, however significant (Siddiqi 2006, Credit Risk Scorecards)."""

_BINS = 10
_MOST_LEVELS = 20
_DRAWN_LEVELS = 8
_RESAMPLES = 500


@dataclass(frozen=True)
class Shift:
    """How one column moved: rows per bin now and before, the index, its resampled error and bias, and a test."""

    column: str
    kind: Literal["numeric", "category"]
    cuts: tuple[Any, ...]
    now: NDArray[np.float64]
    before: NDArray[np.float64]
    psi: float
    error: float
    bias: float
    test: str
    statistic: float
    p_value: float

    def drifted(self, level: float) -> bool:
        """Whether the shift is both noticeable and more than chance; significance alone only tells many rows."""
        return self.psi >= NOTICEABLE and self.p_value < 1 - level


def drift(context: Context) -> Shown:
    """Record the number of columns that drifted and the largest population stability index.

    PSI = Σ (aᵢ − bᵢ)·ln(aᵢ/bᵢ) over tenths of the reference data (or its commonest levels), half a row added to each
    so that an empty bin stays finite. A column counts as drifted when PSI ≥ 0.1 and a two-sample Kolmogorov–Smirnov
    (numbers) or chi-squared (levels) test rejects, Bonferroni over columns.
    """
    reference = context.train if context.reference is None else context.reference
    against = "train" if context.reference is None else "reference"
    columns = [] if reference is None else [c for c in context.features if c in context.data and c in reference]
    if reference is None or not columns:
        context.not_available("no reference or training data was given", "drifted_columns", "max_psi")
        return Shown(text="Not measured: neither reference nor training data was given (--reference, --train).")
    quantities = set(numeric(reference, columns)) & set(numeric(context.data, columns))
    rng = context.rng("drift")
    shifts = [
        _numbers(name, context.data[name], reference[name], rng)
        if name in quantities
        else _kinds(name, context.data[name], reference[name], rng)
        for name in columns
    ]
    shifts.sort(key=lambda one: (-one.psi, one.column))
    return _record(context, shifts, against, len(reference))


def _record(context: Context, shifts: list[Shift], against: str, rows: int) -> Shown:
    level = context.objective.level
    each = shared_level(level, len(shifts))
    z = normal_quantile(each)
    drifted = [one for one in shifts if one.drifted(each)]
    counted = context.record(
        "drifted_columns",
        len(drifted),
        n=len(context.data),
        denominator=len(shifts),
        method=f"PSI ≥ {NOTICEABLE} and a two-sample test, Bonferroni over {len(shifts)} columns",
        data={"against": against, "rows": rows, "columns": [_told(one, each) for one in shifts]},
    )
    # Resampled indices lie above the true one: the bias widens the interval downwards and never narrows it upwards.
    limits = [(max(0.0, one.psi - one.bias - z * one.error), one.psi + z * one.error) for one in shifts]
    largest = context.record(
        "max_psi",
        shifts[0].psi,
        interval=(max(low for low, _ in limits), max(high for _, high in limits)),
        level=level,
        method=f"multinomial resampling, bias allowed for, Bonferroni over {len(shifts)} columns",
        n=len(context.data),
        data={"column": shifts[0].column, "shapes": [_shape(one) for one in shifts[:4]]},
    )
    return Shown(_draw(shifts, against, each), measured([counted, largest]), alternative="shift of each column")


def _numbers(name: str, now: pd.Series, before: pd.Series, rng: np.random.Generator) -> Shift:
    from scipy.stats import ks_2samp

    new, old = as_floats(now), as_floats(before)
    known_new, known_old = new[~np.isnan(new)], old[~np.isnan(old)]
    cuts = np.unique(np.quantile(known_old, np.linspace(0, 1, _BINS + 1)[1:-1])) if len(known_old) else np.empty(0)

    def count(values: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = np.bincount(np.searchsorted(cuts, known, side="left"), minlength=len(cuts) + 1)
        return np.append(inside, len(values) - len(known)).astype(float)  # the last bin holds what is missing

    counts_new, counts_old = count(new, known_new), count(old, known_old)
    test = ks_2samp(known_new, known_old, method="asymp") if len(known_new) and len(known_old) else None
    statistic, p_value = (math.nan, 1.0) if test is None else (float(test.statistic), float(test.pvalue))
    low = [known.min() for known in (known_new, known_old) if len(known)]
    high = [known.max() for known in (known_new, known_old) if len(known)]
    edges = (*([float(min(low))] if low else []), *map(float, cuts), *([float(max(high))] if high else []))
    index = _index(counts_new, counts_old, rng)
    return Shift(name, "numeric", edges, counts_new, counts_old, *index, "two-sample KS", statistic, p_value)


def _kinds(name: str, now: pd.Series, before: pd.Series, rng: np.random.Generator) -> Shift:
    from scipy.stats import chi2_contingency

    new, old = levels(now), levels(before)
    common = sorted(old.value_counts().head(_MOST_LEVELS).index)
    names = [*common, "(other)"]
    rows_new, rows_old = (_counted(values, common, names) for values in (new, old))
    seen = rows_new + rows_old > 0
    statistic, p_value = 0.0, 1.0
    if seen.sum() > 1:
        test = chi2_contingency(np.vstack([rows_new[seen], rows_old[seen]]))
        statistic, p_value = float(test.statistic), float(test.pvalue)
    index = _index(rows_new, rows_old, rng)
    return Shift(name, "category", tuple(names), rows_new, rows_old, *index, "chi-squared", statistic, p_value)


def _counted(values: pd.Series, common: list[Any], names: list[Any]) -> NDArray[np.float64]:
    found = values.where(values.isin(common), "(other)").value_counts()
    return found.reindex(names, fill_value=0).to_numpy().astype(np.float64)


def _psi(now: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the index over the last axis, half a row added to each bin."""
    a = (now + 0.5) / (now + 0.5).sum(axis=-1, keepdims=True)
    b = (before + 0.5) / (before + 0.5).sum(axis=-1, keepdims=True)
    return np.asarray(((a - b) * np.log(a / b)).sum(axis=-1))


def _index(
    now: NDArray[np.float64], before: NDArray[np.float64], rng: np.random.Generator
) -> tuple[float, float, float]:
    seen = now + before > 0
    now, before = now[seen], before[seen]
    value = float(_psi(now, before))
    drawn = _psi(
        rng.multinomial(int(now.sum()), now / now.sum(), size=_RESAMPLES).astype(float),
        rng.multinomial(int(before.sum()), before / before.sum(), size=_RESAMPLES).astype(float),
    )
    return value, float(drawn.std(ddof=1)), max(0.0, float(drawn.mean()) - value)


def _told(one: Shift, level: float) -> dict[str, Any]:
    return {
        "column": one.column,
        "kind": one.kind,
        "psi": one.psi,
        "test": one.test,
        "statistic": None if math.isnan(one.statistic) else one.statistic,
        "p_value": one.p_value,
        "drifted": one.drifted(level),
    }


def _shape(one: Shift) -> dict[str, Any]:
    # The bin of missing values is left out of a numeric shape: it has no place on the axis.
    keep = slice(None, -1) if one.kind == "numeric" else slice(None)
    return {
        "column": one.column,
        "kind": one.kind,
        "edges": list(one.cuts) if one.kind == "numeric" else None,
        "levels": list(one.cuts) if one.kind == "category" else None,
        "evaluation": (one.now / one.now.sum())[keep].tolist(),
        "reference": (one.before / one.before.sum())[keep].tolist(),
    }


def _draw(shifts: list[Shift], against: str, level: float) -> Any:
    shown = shifts[:12]
    figure, (left, right) = panels(2, height=max(2.6, rows_height(len(shown))))
    bars(
        left, [one.column for one in shown], [one.psi for one in shown], highlight=[one.drifted(level) for one in shown]
    )
    left.axvline(NOTICEABLE, color=QUIET, linewidth=1, linestyle=(0, (3, 2)))
    heading(left, "Shift by column (PSI)")
    left.set_xlim(0, max(0.22, *(one.psi * 1.1 for one in shown)))
    _draw_shape(right, shifts[0])
    heading(right, f"Moved most: {text_width([shifts[0].column], 22)[0]}")
    legend(right, ["training" if against == "train" else "reference", "evaluation"], loc="best")
    return figure


def _draw_shape(axis: Axes, one: Shift) -> None:
    shape = _shape(one)
    kept: Any = slice(None)
    if one.kind == "category":  # the commonest levels: more names than these cannot be read
        kept = np.argsort(-(one.before / one.before.sum() + one.now / one.now.sum()), kind="stable")[:_DRAWN_LEVELS]
    before, now = np.asarray(shape["reference"])[kept], np.asarray(shape["evaluation"])[kept]
    places = np.arange(len(now))
    axis.bar(places - 0.2, before, width=0.38, color=FAINT)
    axis.bar(places + 0.2, now, width=0.38, color=BLUE, alpha=0.88)
    axis.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axis.grid(visible=False, axis="x")
    if one.kind == "category":
        axis.set_xticks(places, text_width([str(one.cuts[at]) for at in kept], 14), rotation=45, ha="right")
    else:
        edges = shape["edges"]
        axis.set_xticks(np.arange(len(edges)) - 0.5, [f"{edge:.3g}" for edge in edges], rotation=45, ha="right")
