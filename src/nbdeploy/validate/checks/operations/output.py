"""Are all answers what was promised?"""

from __future__ import annotations

import numpy as np

from nbdeploy.stats.tally.levels import plain
from nbdeploy.validate.checks.operations.probed import answered
from nbdeploy.validate.checks.shown import Shown, Table, measured, number
from nbdeploy.validate.context import Context


def output_contract(context: Context) -> Shown:
    """Record how many answers are missing, no finite number or of no known class."""
    report = answered(context, "output_violations")
    if isinstance(report, str):
        return Shown(text=report)
    rules = _broken(context, probabilities=report["probabilities"])
    found = context.record(
        "output_violations",
        sum(rows for _, rows in rules),
        n=len(context.predictions),
        sample=len(context.predictions),
        method="every answer looked at",
        data={"rules": [{"rule": rule, "rows": rows} for rule, rows in rules]},
    )
    if not rules:
        return Shown(table=measured([found]))
    return Shown(table=Table(("Broken rule", "Rows"), tuple((rule, number(rows)) for rule, rows in rules)))


def _broken(context: Context, *, probabilities: bool) -> list[tuple[str, int]]:
    said = context.predictions["predicted"]
    rules = [("the answer is missing", int(said.isna().sum()))]
    if context.objective.task == "regression":
        finite = np.isfinite(said.to_numpy(dtype=float, na_value=np.nan))
        rules.append(("the answer is no finite number", int((~finite).sum()) - rules[0][1]))
    else:
        known = {plain(label) for label in context.predictions["label"].dropna().unique()}
        if context.train is not None and context.objective.target in context.train.columns:
            known |= {plain(label) for label in context.train[context.objective.target].dropna().unique()}
        rules.append(("the answer is no known class", sum(plain(one) not in known for one in said.dropna())))
    if "score" in context.predictions:
        scores = context.predictions["score"].to_numpy(dtype=float, na_value=np.nan)
        rules.append(("the score is no finite number", int((~np.isfinite(scores)).sum())))
        if probabilities:
            rules.append(("the probability lies outside 0 and 1", int(((scores < 0) | (scores > 1)).sum())))
    return [(rule, rows) for rule, rows in rules if rows]
