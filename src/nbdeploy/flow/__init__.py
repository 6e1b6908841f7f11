"""The verbs that span stages: what magics, command line and scripts call.

Each takes plain values, calls the stages in order and returns a record that says how it looks.
"""

from nbdeploy.flow.auditing import Audited, audit, verify_card
from nbdeploy.flow.deciding import Decided, PendingRequest, PendingRequests, pending, sign_off, wait
from nbdeploy.flow.declaring import Declared, declare, example_objective, show_objective
from nbdeploy.flow.deploying import Requested, deploy
from nbdeploy.flow.logbook import LogShown, audit_log
from nbdeploy.flow.reading import CardShown, card
from nbdeploy.flow.serving import Started, Stopped, down, serve_here, up
from nbdeploy.flow.standings import StatusReport, held, settled, status
from nbdeploy.flow.starting import add_person, create_key, init, public_key, show_policy, write_schemas
from nbdeploy.flow.steering import Steered, release, rollback
from nbdeploy.flow.validated import Validated
from nbdeploy.flow.validating import validate

__all__ = [
    "Audited",
    "CardShown",
    "Decided",
    "Declared",
    "LogShown",
    "PendingRequest",
    "PendingRequests",
    "Requested",
    "Started",
    "StatusReport",
    "Steered",
    "Stopped",
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
