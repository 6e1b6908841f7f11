"""The verbs that span stages: what magics, command line and scripts call.

Each takes plain values, calls the stages in order and returns a record that says how it looks. A verb is loaded when it
is first used, because each brings the stages along that it needs, and nobody should wait for those of another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbdeploy.flow.auditing import Audited as Audited
    from nbdeploy.flow.auditing import audit as audit
    from nbdeploy.flow.auditing import verify_card as verify_card
    from nbdeploy.flow.awaiting import Awaited as Awaited
    from nbdeploy.flow.awaiting import wait as wait
    from nbdeploy.flow.bundling import BundleExported as BundleExported
    from nbdeploy.flow.bundling import BundleVerified as BundleVerified
    from nbdeploy.flow.bundling import export_bundle as export_bundle
    from nbdeploy.flow.bundling import verify_bundle as verify_bundle
    from nbdeploy.flow.comparing import CardsCompared as CardsCompared
    from nbdeploy.flow.comparing import compare_cards as compare_cards
    from nbdeploy.flow.comparing import compare_latest as compare_latest
    from nbdeploy.flow.deciding import Decided as Decided
    from nbdeploy.flow.deciding import PendingRequest as PendingRequest
    from nbdeploy.flow.deciding import PendingRequests as PendingRequests
    from nbdeploy.flow.deciding import pending as pending
    from nbdeploy.flow.deciding import sign_off as sign_off
    from nbdeploy.flow.declaring import Declared as Declared
    from nbdeploy.flow.declaring import declare as declare
    from nbdeploy.flow.declaring import example_objective as example_objective
    from nbdeploy.flow.declaring import show_objective as show_objective
    from nbdeploy.flow.deploying import deploy as deploy
    from nbdeploy.flow.exporting import CardExported as CardExported
    from nbdeploy.flow.exporting import export_card as export_card
    from nbdeploy.flow.keys import KeyRotated as KeyRotated
    from nbdeploy.flow.keys import KeyStored as KeyStored
    from nbdeploy.flow.keys import create_key as create_key
    from nbdeploy.flow.keys import import_key as import_key
    from nbdeploy.flow.keys import public_key as public_key
    from nbdeploy.flow.keys import rotate_key as rotate_key
    from nbdeploy.flow.ledgers import LedgerShown as LedgerShown
    from nbdeploy.flow.ledgers import serve_ledger as serve_ledger
    from nbdeploy.flow.ledgers import show_ledger as show_ledger
    from nbdeploy.flow.logbook import LogShown as LogShown
    from nbdeploy.flow.logbook import audit_log as audit_log
    from nbdeploy.flow.policies import PolicyChecked as PolicyChecked
    from nbdeploy.flow.policies import PolicyDiff as PolicyDiff
    from nbdeploy.flow.policies import PolicyShown as PolicyShown
    from nbdeploy.flow.policies import check_policy as check_policy
    from nbdeploy.flow.policies import compare_policies as compare_policies
    from nbdeploy.flow.policies import show_policy as show_policy
    from nbdeploy.flow.proposing import PolicyProposed as PolicyProposed
    from nbdeploy.flow.proposing import PolicySigned as PolicySigned
    from nbdeploy.flow.proposing import add_person as add_person
    from nbdeploy.flow.proposing import adopt as adopt
    from nbdeploy.flow.proposing import propose as propose
    from nbdeploy.flow.proposing import sign_policy_file as sign_policy_file
    from nbdeploy.flow.reading import CardShown as CardShown
    from nbdeploy.flow.reading import card as card
    from nbdeploy.flow.requested import Requested as Requested
    from nbdeploy.flow.revoking import Revoked as Revoked
    from nbdeploy.flow.revoking import revoke as revoke
    from nbdeploy.flow.serving import Started as Started
    from nbdeploy.flow.serving import Stopped as Stopped
    from nbdeploy.flow.serving import down as down
    from nbdeploy.flow.serving import serve_here as serve_here
    from nbdeploy.flow.serving import up as up
    from nbdeploy.flow.sheets import DecisionShown as DecisionShown
    from nbdeploy.flow.sheets import decision as decision
    from nbdeploy.flow.standings import StatusReport as StatusReport
    from nbdeploy.flow.standings import held as held
    from nbdeploy.flow.standings import settled as settled
    from nbdeploy.flow.standings import status as status
    from nbdeploy.flow.starting import init as init
    from nbdeploy.flow.starting import write_schemas as write_schemas
    from nbdeploy.flow.steering import Steered as Steered
    from nbdeploy.flow.steering import release as release
    from nbdeploy.flow.steering import rollback as rollback
    from nbdeploy.flow.submitting import Submitted as Submitted
    from nbdeploy.flow.submitting import submit as submit
    from nbdeploy.flow.validated import Validated as Validated
    from nbdeploy.flow.validating import validate as validate

_WHERE = {
    "Audited": "auditing",
    "audit": "auditing",
    "verify_card": "auditing",
    "Awaited": "awaiting",
    "wait": "awaiting",
    "BundleExported": "bundling",
    "BundleVerified": "bundling",
    "export_bundle": "bundling",
    "verify_bundle": "bundling",
    "CardsCompared": "comparing",
    "compare_cards": "comparing",
    "compare_latest": "comparing",
    "Decided": "deciding",
    "PendingRequest": "deciding",
    "PendingRequests": "deciding",
    "pending": "deciding",
    "sign_off": "deciding",
    "Declared": "declaring",
    "declare": "declaring",
    "example_objective": "declaring",
    "show_objective": "declaring",
    "Requested": "deploying",
    "deploy": "deploying",
    "CardExported": "exporting",
    "export_card": "exporting",
    "KeyRotated": "keys",
    "KeyStored": "keys",
    "create_key": "keys",
    "import_key": "keys",
    "public_key": "keys",
    "rotate_key": "keys",
    "LedgerShown": "ledgers",
    "serve_ledger": "ledgers",
    "show_ledger": "ledgers",
    "LogShown": "logbook",
    "audit_log": "logbook",
    "PolicyChecked": "policies",
    "PolicyDiff": "policies",
    "PolicyShown": "policies",
    "check_policy": "policies",
    "compare_policies": "policies",
    "show_policy": "policies",
    "PolicyProposed": "proposing",
    "PolicySigned": "proposing",
    "add_person": "proposing",
    "adopt": "proposing",
    "propose": "proposing",
    "sign_policy_file": "proposing",
    "CardShown": "reading",
    "card": "reading",
    "Revoked": "revoking",
    "revoke": "revoking",
    "Started": "serving",
    "Stopped": "serving",
    "down": "serving",
    "serve_here": "serving",
    "up": "serving",
    "StatusReport": "standings",
    "held": "standings",
    "settled": "standings",
    "status": "standings",
    "DecisionShown": "sheets",
    "decision": "sheets",
    "init": "starting",
    "write_schemas": "starting",
    "Steered": "steering",
    "release": "steering",
    "rollback": "steering",
    "Submitted": "submitting",
    "submit": "submitting",
    "Validated": "validated",
    "validate": "validating",
}
__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
