"""LIME for single rows, and whether it can be trusted: again with other seeds, by its fit, against SHAP."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.validate.checks.drawing import FAINT, INK, heading, panels
from nbdeploy.validate.checks.explainability.answer import NEEDS_MODEL, answer
from nbdeploy.validate.checks.explainability.attributions import attributions, ranked
from nbdeploy.validate.checks.explainability.cases import extremes, told
from nbdeploy.validate.checks.explainability.neighbourhoods import TOP, Lime, Weights
from nbdeploy.validate.checks.explainability.shapley import explained_rows
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import bounded_mean_interval
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

SEEDS = 5
_ROWS, _DRAFT_ROWS = 6, 3
_SAMPLES, _DRAFT_SAMPLES = 5000, 1000
"""5,000 is lime's default."""

_TITLES = {
    "lime_jaccard_at_5": "Same top five",
    "lime_kendall_tau": "Same order",
    "lime_local_fit": "Local fit",
    "lime_shap_agreement": "Top five as SHAP",
    "lime_shap_sign_agreement": "Signs as SHAP",
}


def local_explanations(context: Context) -> Shown:
    """Record LIME's repeatability over five seeds, its local fit and its agreement with SHAP: means over sampled rows.

    With consent, single rows stand beside them: two ordinary ones and those at the ends of the answers.
    """
    explained, asked = explained_rows(context), answer(context)
    if explained is None or asked is None:
        context.not_available(NEEDS_MODEL, *_TITLES)
        return Shown(text="Not measured: it needs the model.")
    rows, shares = explained
    rows = rows.iloc[: _DRAFT_ROWS if context.draft else _ROWS]
    samples = _DRAFT_SAMPLES if context.draft else _SAMPLES
    lime = Lime.of(context, asked)
    runs = lime.explain(rows, _seeds(context, "row", len(rows), SEEDS), samples=samples)
    values = quality(runs, shares.shares, len(context.features))
    examples = _examples(context, lime, rows, runs, samples) if context.objective.examples == "consented" else []
    found = [_record(context, name, values[name], samples, examples) for name in _TITLES]
    figure = _draw([(title, values[name]) for name, title in _TITLES.items() if values[name]])
    return Shown(figure, measured(found), alternative="quality of LIME's explanations, one dot a row")


def quality(runs: Sequence[Sequence[Weights]], shares: NDArray[np.float64], features: int) -> dict[str, list[float]]:
    """Return one value a row for each measure; rows where one is undefined are left out of it.

    Parameters
    ----------
    runs
        For each row, LIME's explanations by several seeds.
    shares
        SHAP values, shape (rows, features); at least as many rows.
    features
        Number of features.
    """
    found: dict[str, list[float]] = {name: [] for name in _TITLES}
    for of_row, share in zip(runs, shares, strict=False):
        found["lime_jaccard_at_5"].append(_mean(overlap(a.places, b.places) for a, b in combinations(of_row, 2)))
        found["lime_local_fit"].append(_mean(min(max(one.fit, 0.0), 1.0) for one in of_row))
        top = frozenset(int(place) for place in ranked(share)[:TOP] if share[place])
        found["lime_shap_agreement"].append(_mean(overlap(one.places, top) for one in of_row))
        if features > 1:
            found["lime_kendall_tau"].append(_mean(same_order(a, b) for a, b in combinations(of_row, 2)))
        shared = [weight * share[place] > 0 for one in of_row for place, weight in one.pairs if place in top]
        if shared:
            found["lime_shap_sign_agreement"].append(_mean(shared))
    return found


def overlap(first: frozenset[int], second: frozenset[int]) -> float:
    """Return Jaccard's index of two sets: shared ÷ all; 1 where both are empty."""
    return len(first & second) / len(first | second) if first | second else 1.0


def same_order(first: Weights, second: Weights) -> float:
    """Return Kendall's (1945) τ_b of the sizes of weights, over the features that either names; unnamed is 0."""
    from scipy.stats import kendalltau

    a, b = dict(first.pairs), dict(second.pairs)
    places = sorted({*a, *b})
    sizes = [[abs(one.get(place, 0.0)) for place in places] for one in (a, b)]
    if any(len(set(one)) < 2 for one in sizes):  # all weights alike: there is no order to keep
        return 1.0 if sizes[0] == sizes[1] else 0.0
    return float(kendalltau(*sizes).statistic)


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))


def _seeds(context: Context, kind: str, rows: int, again: int) -> list[list[int]]:
    return [context.rng(f"lime {kind} {at}").integers(2**31, size=again).tolist() for at in range(rows)]


def _record(context: Context, name: str, values: list[float], samples: int, examples: list[dict[str, Any]]) -> Any:
    if not values:
        reason = "one feature has no order" if name == "lime_kendall_tau" else "LIME and SHAP name no feature in common"
        return context.record(name, undefined=reason)
    # τ lies within −1 and 1: the limits are those of (τ + 1) ÷ 2.
    scale, shift = (2.0, 1.0) if name == "lime_kendall_tau" else (1.0, 0.0)
    limits, method = bounded_mean_interval((np.array(values) + shift) / scale, context.objective.level)
    return context.record(
        name,
        float(np.mean(values)),
        interval=limits and (limits[0] * scale - shift, limits[1] * scale - shift),
        level=context.objective.level,
        method=f"{method}; one value a row, its mean over {SEEDS} seeds of {samples:,} neighbours",
        n=len(values),
        sample=len(values),
        data={"rows": len(values), "per_row": values, "seeds": SEEDS}
        | ({"examples": examples} if examples and name == "lime_jaccard_at_5" else {}),
    )


def _examples(
    context: Context, lime: Lime, rows: pd.DataFrame, runs: list[list[Weights]], samples: int
) -> list[dict[str, Any]]:
    """Return the rows at the ends, then two ordinary ones, with both explanations."""
    ends = extremes(context)
    known = {int(place): of_row[0] for place, of_row in zip(rows.index, runs, strict=True)}
    ordinary = [place for place in known if place not in {case.at for case in ends}][:2]
    shown = context.data.iloc[[*(case.at for case in ends), *ordinary]]
    weights: list[Weights] = []
    if ends:
        seeds = _seeds(context, "end", len(ends), 1)
        weights = [first for (first,) in lime.explain(shown.iloc[: len(ends)], seeds, samples=samples)]
    weights += [known[place] for place in ordinary]
    shares = attributions(context, shown, lime.asked, seed=int(context.rng("shap of examples").integers(2**31)))
    return told(context, shown, [case.why for case in ends] + ["an ordinary row"] * len(ordinary), weights, shares)


def _draw(found: list[tuple[str, list[float]]]) -> Any:
    figure, (axis,) = panels(height=2.6)
    for line, (_, values) in enumerate(found):
        # Equal values stand beside each other, so that each row stays one visible dot.
        for value in sorted(set(values)):
            count = values.count(value)
            places = line + (np.arange(count) - (count - 1) / 2) * min(0.09, 0.7 / count)
            style: dict[str, Any] = {
                "color": FAINT,
                "markersize": 4.5,
                "markeredgecolor": "#8A929B",
                "markeredgewidth": 0.6,
            }
            axis.plot([value] * count, places, "o", **style)
        axis.plot([np.mean(values)] * 2, (line - 0.34, line + 0.34), color=INK, linewidth=2)
    axis.set_yticks(range(len(found)), [title for title, _ in found])
    axis.set(
        xlim=(min(-0.03, *(v - 0.03 for _, values in found for v in values)), 1.03), ylim=(len(found) - 0.45, -0.55)
    )
    heading(axis, "Quality of LIME: a dot is a row, a bar the mean")
    axis.grid(visible=False, axis="y")
    return figure
