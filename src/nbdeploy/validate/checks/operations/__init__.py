"""Can the model be run? It is loaded and asked in a clean process, as a server would do it."""

from nbdeploy.validate.checks.operations.clean_process import clean_process
from nbdeploy.validate.checks.operations.environment import environment
from nbdeploy.validate.checks.operations.files import file_scan
from nbdeploy.validate.checks.operations.footprint import footprint
from nbdeploy.validate.checks.operations.output import output_contract
from nbdeploy.validate.checks.operations.rowwise import rowwise
from nbdeploy.validate.checks.operations.speed import latency, throughput

__all__ = [
    "clean_process",
    "environment",
    "file_scan",
    "footprint",
    "latency",
    "output_contract",
    "rowwise",
    "throughput",
]
