"""What gates ask for beyond the standard set."""

from __future__ import annotations

from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context
from nbdeploy.validate.verdict.asked import asked
from nbdeploy.validate.verdict.recomputable import is_recomputable, standard_fairness


def gated_metrics(context: Context) -> Shown:
    """Record every fairness metric that a gate names and the standard set does not hold.

    A gate on one single group is judged from the tallies outside of the notebook and recorded there.
    """
    standard = set(standard_fairness(context.objective))
    found = [
        context.recompute(one.metric, features=one.features, slice=one.slice)
        for one in asked(context.objective)
        if one.section == "fairness"
        and one.group is None
        and (one.slice is not None or (one.metric, one.features) not in standard)
        and is_recomputable("fairness", one.metric)
    ]
    return Shown(table=measured(found)) if found else Shown(text="No gate asks for more than the standard set.")
