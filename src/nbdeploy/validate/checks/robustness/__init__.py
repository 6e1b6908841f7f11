"""Does the model hold when its inputs are not quite those that it was trained on?"""

from nbdeploy.validate.checks.robustness.missing import missing_inputs
from nbdeploy.validate.checks.robustness.noise import noise
from nbdeploy.validate.checks.robustness.out_of_range import out_of_range
from nbdeploy.validate.checks.robustness.weakest import weakest_slices

__all__ = ["missing_inputs", "noise", "out_of_range", "weakest_slices"]
