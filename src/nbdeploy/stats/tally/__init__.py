"""Tallies: the mergeable summaries from which every group metric is computed.

A tally is filled in one streaming pass over Arrow batches and merges by addition, so that rows in one file, in many
parts or behind many gateways give the same counts. Metrics take a tally, never rows.
"""

from nbdeploy.stats.tally.classes import ClassTally
from nbdeploy.stats.tally.column import ColumnTally
from nbdeploy.stats.tally.columns import ColumnTallies
from nbdeploy.stats.tally.errors import ErrorTally
from nbdeploy.stats.tally.levels import MISSING, Group, Rows
from nbdeploy.stats.tally.probabilities import ProbabilityTally
from nbdeploy.stats.tally.repeats import Repeated, RepeatTally
from nbdeploy.stats.tally.scores import ScoreTally

__all__ = [
    "MISSING",
    "ClassTally",
    "ColumnTallies",
    "ColumnTally",
    "ErrorTally",
    "Group",
    "ProbabilityTally",
    "RepeatTally",
    "Repeated",
    "Rows",
    "ScoreTally",
]
