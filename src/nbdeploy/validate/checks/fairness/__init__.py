"""Do the answers treat groups of people alike? The standard set for every sensitive feature and every crossing."""

from nbdeploy.validate.checks.fairness.conditional import conditional_disparities
from nbdeploy.validate.checks.fairness.disparities import disparities
from nbdeploy.validate.checks.fairness.gated import gated_metrics
from nbdeploy.validate.checks.fairness.groups import group_metrics
from nbdeploy.validate.checks.fairness.mitigation import mitigation
from nbdeploy.validate.checks.fairness.parity import four_fifths

__all__ = [
    "conditional_disparities",
    "disparities",
    "four_fifths",
    "gated_metrics",
    "group_metrics",
    "mitigation",
]
