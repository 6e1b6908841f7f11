"""The verbs that span stages: what magics, command line and scripts call.

Each takes plain values, calls the stages in order and returns a record that says how it looks. A verb is loaded when it
is first used, because each brings the stages along that it needs, and nobody should wait for those of another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbdeploy.flow.audits.auditing import Audited as Audited
    from nbdeploy.flow.audits.auditing import audit as audit
    from nbdeploy.flow.audits.auditing import verify_card as verify_card
    from nbdeploy.flow.audits.bundling import BundleExported as BundleExported
    from nbdeploy.flow.audits.bundling import BundleVerified as BundleVerified
    from nbdeploy.flow.audits.bundling import export_bundle as export_bundle
    from nbdeploy.flow.audits.bundling import verify_bundle as verify_bundle
    from nbdeploy.flow.audits.logbook import LogShown as LogShown
    from nbdeploy.flow.audits.logbook import audit_log as audit_log
    from nbdeploy.flow.cards.comparing import CardsCompared as CardsCompared
    from nbdeploy.flow.cards.comparing import compare_cards as compare_cards
    from nbdeploy.flow.cards.comparing import compare_latest as compare_latest
    from nbdeploy.flow.cards.exporting import CardExported as CardExported
    from nbdeploy.flow.cards.exporting import export_card as export_card
    from nbdeploy.flow.cards.reading import CardShown as CardShown
    from nbdeploy.flow.cards.reading import card as card
    from nbdeploy.flow.cards.sheets import DecisionShown as DecisionShown
    from nbdeploy.flow.cards.sheets import decision as decision
    from nbdeploy.flow.decisions.awaiting import Awaited as Awaited
    from nbdeploy.flow.decisions.awaiting import wait as wait
    from nbdeploy.flow.decisions.deciding import Decided as Decided
    from nbdeploy.flow.decisions.deciding import sign_off as sign_off
    from nbdeploy.flow.decisions.deploying import deploy as deploy
    from nbdeploy.flow.decisions.pending import PendingRequest as PendingRequest
    from nbdeploy.flow.decisions.pending import PendingRequests as PendingRequests
    from nbdeploy.flow.decisions.pending import pending as pending
    from nbdeploy.flow.decisions.requested import Requested as Requested
    from nbdeploy.flow.decisions.revoking import Revoked as Revoked
    from nbdeploy.flow.decisions.revoking import revoke as revoke
    from nbdeploy.flow.declaring import Declared as Declared
    from nbdeploy.flow.declaring import declare as declare
    from nbdeploy.flow.declaring import example_objective as example_objective
    from nbdeploy.flow.declaring import measures_of as measures_of
    from nbdeploy.flow.declaring import show_objective as show_objective
    from nbdeploy.flow.keys import KeyRotated as KeyRotated
    from nbdeploy.flow.keys import KeyStored as KeyStored
    from nbdeploy.flow.keys import create_key as create_key
    from nbdeploy.flow.keys import import_key as import_key
    from nbdeploy.flow.keys import public_key as public_key
    from nbdeploy.flow.keys import rotate_key as rotate_key
    from nbdeploy.flow.ledgers import LedgerShown as LedgerShown
    from nbdeploy.flow.ledgers import serve_ledger as serve_ledger
    from nbdeploy.flow.ledgers import show_ledger as show_ledger
    from nbdeploy.flow.policies.adopting import PolicySigned as PolicySigned
    from nbdeploy.flow.policies.adopting import adopt as adopt
    from nbdeploy.flow.policies.adopting import sign_policy_file as sign_policy_file
    from nbdeploy.flow.policies.looking import PolicyChecked as PolicyChecked
    from nbdeploy.flow.policies.looking import PolicyDiff as PolicyDiff
    from nbdeploy.flow.policies.looking import PolicyShown as PolicyShown
    from nbdeploy.flow.policies.looking import check_policy as check_policy
    from nbdeploy.flow.policies.looking import compare_policies as compare_policies
    from nbdeploy.flow.policies.looking import show_policy as show_policy
    from nbdeploy.flow.policies.proposing import PolicyProposed as PolicyProposed
    from nbdeploy.flow.policies.proposing import add_person as add_person
    from nbdeploy.flow.policies.proposing import propose as propose
    from nbdeploy.flow.service.serving import Started as Started
    from nbdeploy.flow.service.serving import Stopped as Stopped
    from nbdeploy.flow.service.serving import down as down
    from nbdeploy.flow.service.serving import serve_here as serve_here
    from nbdeploy.flow.service.serving import up as up
    from nbdeploy.flow.service.standings import StatusReport as StatusReport
    from nbdeploy.flow.service.standings import held as held
    from nbdeploy.flow.service.standings import settled as settled
    from nbdeploy.flow.service.standings import status as status
    from nbdeploy.flow.service.steering import Steered as Steered
    from nbdeploy.flow.service.steering import release as release
    from nbdeploy.flow.service.steering import rollback as rollback
    from nbdeploy.flow.starting import init as init
    from nbdeploy.flow.starting import write_schemas as write_schemas
    from nbdeploy.flow.submitting import Submitted as Submitted
    from nbdeploy.flow.submitting import submit as submit
    from nbdeploy.flow.validation.validated import Validated as Validated
    from nbdeploy.flow.validation.validating import validate as validate

_WHERE = {
    "Audited": "audits.auditing",
    "audit": "audits.auditing",
    "verify_card": "audits.auditing",
    "Awaited": "decisions.awaiting",
    "wait": "decisions.awaiting",
    "BundleExported": "audits.bundling",
    "BundleVerified": "audits.bundling",
    "export_bundle": "audits.bundling",
    "verify_bundle": "audits.bundling",
    "CardsCompared": "cards.comparing",
    "compare_cards": "cards.comparing",
    "compare_latest": "cards.comparing",
    "Decided": "decisions.deciding",
    "PendingRequest": "decisions.pending",
    "PendingRequests": "decisions.pending",
    "pending": "decisions.pending",
    "sign_off": "decisions.deciding",
    "Declared": "declaring",
    "declare": "declaring",
    "example_objective": "declaring",
    "measures_of": "declaring",
    "show_objective": "declaring",
    "Requested": "decisions.deploying",
    "deploy": "decisions.deploying",
    "CardExported": "cards.exporting",
    "export_card": "cards.exporting",
    "KeyRotated": "keys",
    "KeyStored": "keys",
    "create_key": "keys",
    "import_key": "keys",
    "public_key": "keys",
    "rotate_key": "keys",
    "LedgerShown": "ledgers",
    "serve_ledger": "ledgers",
    "show_ledger": "ledgers",
    "LogShown": "audits.logbook",
    "audit_log": "audits.logbook",
    "PolicyChecked": "policies.looking",
    "PolicyDiff": "policies.looking",
    "PolicyShown": "policies.looking",
    "check_policy": "policies.looking",
    "compare_policies": "policies.looking",
    "show_policy": "policies.looking",
    "PolicyProposed": "policies.proposing",
    "PolicySigned": "policies.adopting",
    "add_person": "policies.proposing",
    "adopt": "policies.adopting",
    "propose": "policies.proposing",
    "sign_policy_file": "policies.adopting",
    "CardShown": "cards.reading",
    "card": "cards.reading",
    "Revoked": "decisions.revoking",
    "revoke": "decisions.revoking",
    "Started": "service.serving",
    "Stopped": "service.serving",
    "down": "service.serving",
    "serve_here": "service.serving",
    "up": "service.serving",
    "StatusReport": "service.standings",
    "held": "service.standings",
    "settled": "service.standings",
    "status": "service.standings",
    "DecisionShown": "cards.sheets",
    "decision": "cards.sheets",
    "init": "starting",
    "write_schemas": "starting",
    "Steered": "service.steering",
    "release": "service.steering",
    "rollback": "service.steering",
    "Submitted": "submitting",
    "submit": "submitting",
    "Validated": "validation.validated",
    "validate": "validation.validating",
}
__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
