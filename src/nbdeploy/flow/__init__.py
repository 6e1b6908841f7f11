"""The verbs that span stages: what magics, command line and scripts call.

Each takes plain values, calls the stages in order and returns a record that says how it looks.
"""

from nbdeploy.flow.auditing import audit, verify_card
from nbdeploy.flow.deciding import pending, sign_off, wait
from nbdeploy.flow.declaring import declare, example_objective, show_objective
from nbdeploy.flow.deploying import deploy
from nbdeploy.flow.logbook import audit_log
from nbdeploy.flow.results import Decided, Declared, PendingRequests, Requested, StatusReport, Validated
from nbdeploy.flow.running import down, held, release, rollback, serve_here, settled, status, up
from nbdeploy.flow.starting import add_person, create_key, init, public_key, show_policy, write_schemas
from nbdeploy.flow.validating import card, validate

__all__ = [
    "Decided",
    "Declared",
    "PendingRequests",
    "Requested",
    "StatusReport",
    "Validated",
    "add_person",
    "audit",
    "audit_log",
    "card",
    "create_key",
    "declare",
    "deploy",
    "down",
    "example_objective",
    "held",
    "init",
    "pending",
    "public_key",
    "release",
    "rollback",
    "serve_here",
    "settled",
    "show_objective",
    "show_policy",
    "sign_off",
    "status",
    "up",
    "validate",
    "verify_card",
    "wait",
    "write_schemas",
]
