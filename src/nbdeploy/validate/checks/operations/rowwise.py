"""Is a row's answer its own, or does it hang on the rows that are asked with it?"""

from __future__ import annotations

from nbdeploy.stats.binomial import clopper_pearson
from nbdeploy.validate.checks.operations.probed import answered
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context


def rowwise(context: Context) -> Shown:
    """Record how far answers to single rows are from those to the same rows in one batch.

    A server may put the requests of many callers into one batch only where that changes nothing.
    """
    report = answered(context, "rowwise_difference")
    if isinstance(report, str):
        return Shown(text=report)
    compared, differing = int(report["compared"]), int(report["differing"])
    low, high = (float(limit) for limit in clopper_pearson(differing, compared, context.objective.level))
    found = context.record(
        "rowwise_difference",
        report["largest_difference"] if differing else 0.0,  # what rounding does is no difference
        n=compared,
        sample=compared,
        method=f"largest of {compared:,} rows asked singly and in one batch",
        data={
            "compared": compared,
            "differing": differing,
            "share_interval": (low, high),
            "rounding": report["rounding"],
        },
    )
    text = (
        f"No answer changed; at most {high:.1%} of all rows could ({context.objective.level:.0%} limit)."
        if not differing
        else f"{differing:,} of {compared:,} answers changed: requests must not be put together."
    )
    return Shown(table=measured([found]), text=text)
