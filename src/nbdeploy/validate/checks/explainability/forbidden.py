"""Whether the model goes by features that it should not go by, or by others that stand in for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nbdeploy.validate.checks.columns import as_floats, levels, numeric
from nbdeploy.validate.checks.explainability.answer import NEEDS_MODEL
from nbdeploy.validate.checks.explainability.importance import importances
from nbdeploy.validate.checks.explainability.ranks import ranks
from nbdeploy.validate.checks.shown import Shown, Table, number
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

_USUAL = 5
_PROXY = 0.5
"""Cramér's V from which a feature is told as a stand-in; Cohen (1988) calls an association of this size large."""


def forbidden_features(context: Context) -> Shown:
    """Record how many of the named features are among the most important ones, and where each sensitive one ranks.

    The names and the number come from the gate; without one, the sensitive features and the top five. A feature counts
    only if its importance is above zero at all. The interval runs from those that surely are among them to those that
    may be.
    """
    ranked = importances(context)
    if ranked is None or not ranked.features:
        reason = NEEDS_MODEL if ranked is None else f"{ranked.scoring} is undefined in the sampled rows"
        context.not_available(reason, "forbidden_in_top")
        return Shown(text=f"Not measured: {reason}.")
    gate = context.objective.gates.get("explainability", {}).get("forbidden_in_top")
    names = gate.features if gate is not None and gate.features else context.objective.sensitive
    n = gate.n if gate is not None and gate.n else _USUAL
    places = ranks(ranked.features, context.objective.level)
    means = {one.feature: one.mean for one in ranked.features}
    top = [one.feature for one in ranked.features[:n] if one.mean > 0]
    found = [name for name in names if name in top]
    inputs = [places[name] for name in names if name in places]
    watched = list(dict.fromkeys((*names, *context.objective.sensitive)))
    told: list[dict[str, Any]] = [
        {
            "feature": name,
            "rank": places[name].place if name in places else None,
            "rank_interval": [places[name].first, places[name].last] if name in places else None,
            "mean": means.get(name),
            "sensitive": name in context.objective.sensitive,
        }
        for name in watched
    ]
    proxies = _proxies(context, top, watched)
    context.record(
        "forbidden_in_top",
        len(found),
        interval=(sum(one.surely_within(n) for one in inputs), sum(one.maybe_within(n) for one in inputs)),
        level=context.objective.level,
        n=ranked.rows,
        sample=ranked.rows,
        method=f"rank by permutation importance among {len(ranked.features)} features, top {n}; ranks held jointly",
        data={
            "n": n,
            "forbidden": list(names),
            "found": found,
            "ranks": told,
            "features_total": len(ranked.features),
            "proxies": proxies,
        },
    )
    if not watched:
        return Shown(text="No feature was named as forbidden or sensitive.")
    rows = tuple((one["feature"], _placed(one), number(one["mean"])) for one in told)
    stands = "; ".join(f"{one['feature']} stands in for {one['of']} (V = {one['association']:.2f})" for one in proxies)
    text = f"Among the top {n}: {', '.join(found) or 'none of them'}." + (f" {stands}." if stands else "")
    return Shown(table=Table(("Feature", f"Rank of {len(places)}", "Importance"), rows), text=text)


def _placed(one: dict[str, Any]) -> str:
    if one["rank"] is None:
        return "not an input"
    first, last = one["rank_interval"]
    return f"{one['rank']} ({first} to {last})"


def _proxies(context: Context, top: list[str], watched: list[str]) -> list[dict[str, Any]]:
    """Return the top features that tell a watched one: Cramér's V, quantities cut into fifths."""
    rows = context.sample(5000, "proxies")
    coded = {name: _codes(rows, name) for name in {*top, *watched} if name in rows.columns}
    found = [
        (strength, name, other)
        for name in top
        for other in watched
        if other in coded and other != name and (strength := cramers_v(coded[name], coded[other])) >= _PROXY
    ]
    return [
        {"feature": name, "of": other, "association": strength} for strength, name, other in sorted(found, reverse=True)
    ]


def _codes(rows: pd.DataFrame, name: str) -> pd.Series:
    if name not in numeric(rows, [name]):
        return levels(rows[name])
    values = as_floats(rows[name])
    cuts = np.unique(np.nanquantile(values, [0.2, 0.4, 0.6, 0.8]))
    return levels(rows[name].notna().map({True: "", False: "?"}) + np.searchsorted(cuts, values).astype(str))


def cramers_v(first: pd.Series, second: pd.Series) -> float:
    """Return Cramér's V with Bergsma's (2013) correction, so that many levels in few rows do not look associated."""
    import pandas as pd
    from scipy.stats import chi2_contingency

    (rows, of), (columns, against) = pd.factorize(first), pd.factorize(second)
    cells = np.bincount(rows * len(against) + columns, minlength=len(of) * len(against))
    counts = cells.reshape(len(of), len(against))
    n, (r, c) = counts.sum(), counts.shape
    if min(r, c) < 2 or n < 2:
        return 0.0
    statistic = chi2_contingency(counts, correction=False).statistic
    phi = max(0.0, statistic / n - (r - 1) * (c - 1) / (n - 1))
    across = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, np.sqrt(phi / across))) if across > 0 else 0.0
