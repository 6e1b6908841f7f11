"""The 80 % rule with the test that it asks for."""

from __future__ import annotations

from typing import Any

from nbdeploy.documents.record import group_label
from nbdeploy.stats.adverse_impact import impact_ratios
from nbdeploy.stats.rates import rates
from nbdeploy.validate.checks.shown import Shown, Table, number
from nbdeploy.validate.context import Context


def four_fifths(context: Context) -> Shown:
    """Show every group's rate of the favourable outcome against the highest, with the test; record nothing.

    A screening statistic of US hiring law (29 CFR 1607.4(D)), not a finding of discrimination: a ratio under 0.8 may be
    chance in few rows, and one above it can matter in many.
    """
    objective = context.objective
    undeclared = objective.task == "multiclass" and objective.favourable is None
    if objective.task == "regression" or undeclared or not objective.sensitive:
        return Shown(text="Does not apply: it compares rates of a favourable outcome between declared groups.")
    rows = []
    for features in objective.partitions:
        told = four_fifths_of(context, features)["eighty_percent"]
        for one in told["groups"]:
            verdict = "—" if one["below"] is None else "below 0.8" if one["below"] else "at least 0.8"
            p_value = (
                "—" if one["p_value"] is None else "< 0.001" if one["p_value"] < 0.001 else f"{one['p_value']:.3f}"
            )
            highest = group_label(told["highest"])
            rows.append(
                (
                    group_label(one["group"]),
                    number(one["rate"]),
                    highest,
                    number(one["ratio"]),
                    verdict,
                    p_value,
                    one["test"],
                    number(one["n"]),
                )
            )
    if not rows:
        return Shown(text="Fewer than two groups are large enough to compare.")
    heads = ("Group", "Favourable rate", "Highest group", "Ratio", "80 % rule", "p value", "Test", "Rows of both")
    return Shown(table=Table(heads, tuple(rows)), text="A screening statistic (29 CFR 1607.4(D)), not a legal finding.")


def four_fifths_of(context: Context, features: tuple[str, ...]) -> dict[str, Any]:
    """Return one partition's ratios to the highest rate, with test and rows, as the card tells them."""
    objective = context.objective
    tally = context.tallies.classes(features)
    given = rates(tally, "favourable_rate", positive=objective.positive_class, favourable=objective.favourable_class)
    found = impact_ratios(given.numerator, given.denominator, min_size=objective.min_group_size)
    left_out = [at for at in range(len(tally.groups)) if given.denominator[at] < objective.min_group_size]
    return {
        "eighty_percent": {
            "highest": tally.named(found[0].reference) if found else None,
            "groups": [
                {
                    "group": tally.named(one.group),
                    "rate": float(given.value[one.group]),
                    "n": one.n,
                    "ratio": one.ratio,
                    "p_value": one.p_value,
                    "test": one.test,
                    "below": one.below,
                }
                for one in found
            ],
            "excluded": [tally.named(at) for at in left_out],
        }
    }
