"""Does the model hold when its inputs are not quite those that it was trained on?"""

from nbdeploy.validate.checks.robustness.membership import membership
from nbdeploy.validate.checks.robustness.missing import missing_inputs
from nbdeploy.validate.checks.robustness.noise import noise
from nbdeploy.validate.checks.robustness.out_of_range import out_of_range
from nbdeploy.validate.checks.robustness.typos import category_typos
from nbdeploy.validate.checks.robustness.unfamiliar import unfamiliar_rows
from nbdeploy.validate.checks.robustness.units import unit_slips
from nbdeploy.validate.checks.robustness.weakest import weakest_slices
from nbdeploy.validate.checks.robustness.worst_case import worst_case

__all__ = [
    "category_typos",
    "membership",
    "missing_inputs",
    "noise",
    "out_of_range",
    "unfamiliar_rows",
    "unit_slips",
    "weakest_slices",
    "worst_case",
]
