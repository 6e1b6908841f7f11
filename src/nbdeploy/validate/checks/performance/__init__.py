"""How good are the answers? Numbers from the shared tallies, charts from the same."""

from nbdeploy.validate.checks.performance.baseline import gain_over_baseline
from nbdeploy.validate.checks.performance.calibration import calibration
from nbdeploy.validate.checks.performance.costs import cost_by_threshold, expected_costs
from nbdeploy.validate.checks.performance.decisions import class_quality, confusion, decision_quality, gated_slices
from nbdeploy.validate.checks.performance.discrimination import discrimination
from nbdeploy.validate.checks.performance.errors import prediction_errors, residuals
from nbdeploy.validate.checks.performance.gained_by_group import gains_by_group
from nbdeploy.validate.checks.performance.previous import gains_over_previous
from nbdeploy.validate.checks.performance.thresholds import thresholds

__all__ = [
    "calibration",
    "class_quality",
    "confusion",
    "cost_by_threshold",
    "decision_quality",
    "discrimination",
    "expected_costs",
    "gain_over_baseline",
    "gains_by_group",
    "gains_over_previous",
    "gated_slices",
    "prediction_errors",
    "residuals",
    "thresholds",
]
