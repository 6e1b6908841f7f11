"""Is the data fit to judge a model by? What is counted in all rows has no interval; what compares samples has one."""

from nbdeploy.validate.checks.data.balance import class_balance
from nbdeploy.validate.checks.data.contract import contract
from nbdeploy.validate.checks.data.drift import drift
from nbdeploy.validate.checks.data.missing import missing_values
from nbdeploy.validate.checks.data.near import near_duplicates
from nbdeploy.validate.checks.data.outliers import outliers
from nbdeploy.validate.checks.data.repeats import duplicates, leakage
from nbdeploy.validate.checks.data.suspects import suspect_labels
from nbdeploy.validate.checks.data.telling import target_leakage

__all__ = [
    "class_balance",
    "contract",
    "drift",
    "duplicates",
    "leakage",
    "missing_values",
    "near_duplicates",
    "outliers",
    "suspect_labels",
    "target_leakage",
]
