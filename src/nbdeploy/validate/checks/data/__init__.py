"""Is the data fit to judge a model by? Counts of this dataset, so without intervals, but for drift."""

from nbdeploy.validate.checks.data.balance import class_balance
from nbdeploy.validate.checks.data.contract import contract
from nbdeploy.validate.checks.data.drift import drift
from nbdeploy.validate.checks.data.missing import missing_values
from nbdeploy.validate.checks.data.outliers import outliers
from nbdeploy.validate.checks.data.repeats import duplicates, leakage

__all__ = ["class_balance", "contract", "drift", "duplicates", "leakage", "missing_values", "outliers"]
