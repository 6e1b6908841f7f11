"""Rows unlike anything in training, and how the model does on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.measurement import Measurement
from nbdeploy.stats.binomial import shared_level
from nbdeploy.validate.checks.drawing import BLUE, FAINT, ORANGE, bars, heading, legend, panels, text_width
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.space import Space
from nbdeploy.validate.checks.uncertainty import (
    DIFFERENCE,
    EXACT,
    mean_difference_interval,
    quantile_interval,
    rate_difference_interval,
    rate_interval,
)
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

USUAL = 0.99
"""Share of training rows that count as familiar: a row is unfamiliar when it lies farther out than these."""

_NEIGHBOURS = 5
_JUDGED = 8000
_KNOWN = 3000
_BINS = 30


@dataclass(frozen=True)
class _Distances:
    """Mean distance to the nearest training rows: of evaluated rows, and of training rows left out of the search."""

    here: NDArray[np.float64]
    usual: NDArray[np.float64]
    columns: list[dict[str, Any]]

    @property
    def limit(self) -> float:
        return float(np.quantile(self.usual, USUAL, method="higher"))


def unfamiliar_rows(context: Context) -> Shown:
    """Record the share of rows out of distribution, and what the model loses on them.

    Distance to the mean of the five nearest of some training rows (Angiulli and Pizzuti 2002), numbers in spreads and
    kinds as corners. The limit is the distance that 99 % of other training rows keep: without any change 1 % of the
    evaluated rows lie beyond it (split conformal; Laxhammar and Falkman 2011).
    """
    lost = "ood_error_increase" if context.objective.task == "regression" else "ood_accuracy_drop"
    seen = context.reference if context.train is None else context.train
    names = [] if seen is None else [c for c in context.features if c in seen.columns and c in context.data.columns]
    if seen is None or not names:
        context.not_available("no training or reference data was given", "ood_share", lost)
        return Shown(text="Not measured: neither training nor reference data was given (--train, --reference).")
    rows = context.sample(_JUDGED // 4 if context.draft else _JUDGED, "unfamiliar")
    order = context.rng("unfamiliar, seen").permutation(len(seen))[: _KNOWN // 2 if context.draft else 2 * _KNOWN]
    if len(order) < 200:
        context.not_available(f"{len(seen)} training rows are too few to say what is usual", "ood_share", lost)
        return Shown(text="Not measured: too few training rows to say what is usual.")
    distances = _distances(seen.iloc[order[::2]], seen.iloc[order[1::2]], rows, names)
    beyond = distances.here > distances.limit
    share, n = float(beyond.mean()), len(rows)
    level = context.objective.level
    found = context.record(
        "ood_share",
        share,
        interval=_limits(distances, level),
        level=level,
        method=f"{EXACT} at both limits of the 99th percentile; distance to {_NEIGHBOURS} nearest training rows",
        n=n,
        denominator=n,
        sample=n,
        data={
            "against": "reference" if context.train is None else "train",
            "known": len(order[::2]),
            "expected": 1 - USUAL,
            "columns": distances.columns,
            "histogram": _histogram(distances),
        },
    )
    loss = _loss(context, lost, rows.index.to_numpy(), beyond)
    return Shown(_draw(distances), measured([found, loss]), alternative="distance to what was seen in training")


def _limits(distances: _Distances, level: float) -> tuple[float, float]:
    """Return limits of the share that allow for both samples: the rows judged, and those that say what is usual.

    The share beyond the upper limit of the percentile, at its own lower limit, to that beyond the lower one at its
    upper limit; each of the two pairs of limits at half the error probability.
    """
    each, n = shared_level(level, 2), len(distances.here)
    near, far = quantile_interval(np.sort(distances.usual), USUAL, each)
    lower, _ = rate_interval(int((distances.here > far).sum()), n, each) or (0.0, 1.0)
    _, upper = rate_interval(int((distances.here > near).sum()), n, each) or (0.0, 1.0)
    return lower, upper


def _distances(known: pd.DataFrame, others: pd.DataFrame, rows: pd.DataFrame, names: list[str]) -> _Distances:
    from sklearn.neighbors import NearestNeighbors

    space = Space(known, names)
    points = space.place(known)
    search = NearestNeighbors(n_neighbors=min(_NEIGHBOURS, len(points)), algorithm="brute").fit(points)
    usual, _ = search.kneighbors(space.place(others))
    placed = space.place(rows)
    here, nearest = search.kneighbors(placed)
    found = _Distances(here.mean(axis=1).astype(float), usual.mean(axis=1).astype(float), [])
    beyond = found.here > found.limit
    if not beyond.any():
        return found
    apart = (placed[beyond] - points[nearest[beyond, 0]]) ** 2
    parts: dict[str, float] = {}
    for name, size in zip(space.columns, apart.sum(axis=0).tolist(), strict=True):
        parts[name] = parts.get(name, 0.0) + size
    total = sum(parts.values()) or 1.0
    columns = [{"column": name, "share": part / total} for name, part in sorted(parts.items(), key=lambda p: -p[1])]
    return _Distances(found.here, found.usual, columns[:20])


def _loss(context: Context, metric: str, places: NDArray[np.int64], beyond: NDArray[np.bool_]) -> Measurement:
    answers = context.predictions.iloc[places]
    outside, inside = int(beyond.sum()), int((~beyond).sum())
    level, least = context.objective.level, context.objective.min_group_size
    if min(outside, inside) < least:
        few = f"{outside} of {len(beyond):,} rows are out of distribution" if outside < least else "hardly a row is not"
        return context.record(metric, n=outside, sample=len(beyond), undefined=f"{few}, too few to judge the model on")
    label, predicted = answers["label"].to_numpy(), answers["predicted"].to_numpy()
    if metric == "ood_accuracy_drop":
        right = label == predicted
        k_in, k_out = int(right[~beyond].sum()), int(right[beyond].sum())
        value, method = k_in / inside - k_out / outside, DIFFERENCE
        interval: tuple[float, float] | None = rate_difference_interval(k_in, inside, k_out, outside, level)
        told = {"inside": k_in / inside, "outside": k_out / outside}
    else:
        error = np.abs(label.astype(float) - predicted.astype(float))
        value = float(error[beyond].mean() - error[~beyond].mean())
        interval, method = mean_difference_interval(error[beyond], error[~beyond], level)
        told = {"inside": float(error[~beyond].mean()), "outside": float(error[beyond].mean())}
    rows = {"rows_inside": inside, "rows_outside": outside}
    return context.record(
        metric,
        value,
        interval=interval,
        level=level,
        method=method,
        n=len(beyond),
        denominator=outside,
        sample=len(beyond),
        data=told | rows,
    )


def _histogram(distances: _Distances) -> dict[str, Any]:
    """Return shares of rows by distance, the farthest hundredth in the last bin."""
    top = float(np.quantile(np.append(distances.here, distances.usual), 0.995)) or 1.0
    edges = np.linspace(0, top, _BINS + 1)
    shares = [
        np.bincount(np.minimum((part / top * _BINS).astype(int), _BINS - 1), minlength=_BINS) / len(part)
        for part in (distances.here, distances.usual)
    ]
    return {"edges": edges, "evaluation": shares[0], "training": shares[1], "limit": distances.limit}


def _draw(distances: _Distances) -> Any:
    drawn = _histogram(distances)
    named = distances.columns[:8]
    figure, axes = panels(2 if named else 1, height=2.7)
    left, middles = axes[0], (drawn["edges"][:-1] + drawn["edges"][1:]) / 2
    left.fill_between(middles, drawn["training"], step="mid", color=FAINT, label="training")
    left.step(middles, drawn["evaluation"], where="mid", color=BLUE, label="evaluation")
    left.axvline(drawn["limit"], color=ORANGE, linewidth=1.2, linestyle=(0, (3, 2)), label="limit")
    left.set(xlabel="Distance to the nearest training rows", xlim=(0, None), ylim=(0, None))
    left.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    heading(left, "How far from what was seen")
    legend(left, loc="upper right")
    if named:
        bars(axes[1], text_width([one["column"] for one in named], 22), [one["share"] for one in named])
        axes[1].xaxis.set_major_formatter(lambda share, _: f"{share:.1%}")
        heading(axes[1], "What is strange about those beyond")
    return figure
