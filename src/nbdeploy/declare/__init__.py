"""Stage *declare*: what must hold, for whom, and who says so, fixed before any result is seen."""

from nbdeploy.declare.changes import changes
from nbdeploy.declare.check import Check, check_objective
from nbdeploy.declare.reading import NamedObjective, read_objective

__all__ = ["Check", "changes", "NamedObjective", "check_objective", "read_objective"]
