"""Somebody with one kind of access tries to get a model served that nobody approved. Each row: access, act, refusal.

The project is real: MLflow with its SQL store, a ledger in SQL, a controller, and a model that answers over HTTP.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from tests.release.scene import key
from tests.security.conftest import Siege
from tests.trust.answering import answering

from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import DecisionPredicate
from nbdeploy.errors import Refusal
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.envelopes import sign
from nbdeploy.trust.ledger.service import LedgerService

Attack = Callable[[Siege], Request]


def decision(siege: Siege, request: Request, **changes: object) -> tuple[DecisionPredicate, dict[str, str]]:
    """Return an approval that no rule was asked about, and what it is of."""
    content = {
        "request": request.id,
        "model": request.model,
        "version": request.version,
        "environment": request.environment,
        "decision": "approval",
        "by": "Vera",
        "signed": siege.now,
        "not_before": siege.now,
        "expires": siege.now + timedelta(days=20),
    }
    subjects = request.digests.model_dump() | {"request": siege.chain().asked[request.id].digest}
    return DecisionPredicate.model_validate(content | changes), subjects


def edit(siege: Siege, *statements: tuple[str, tuple[object, ...]]) -> None:
    with sqlite3.connect(siege.root / "ledger.db") as database:
        for statement, values in statements:
            database.execute(statement, values)
    database.close()


# Who can write to MLflow ----------------------------------------------------------------------------------------------


def overwrite_artifact(siege: Siege) -> Request:
    request = siege.approved(siege.candidate())
    siege.weights(request.version).write_text("other bytes")
    return request


def delete_and_register_again(siege: Siege) -> Request:
    request, mlflow = siege.approved(siege.candidate()), siege.registry.client
    mlflow.delete_registered_model("churn")
    mlflow.create_registered_model("churn")
    for version in range(1, int(request.version) + 1):
        made = mlflow.create_model_version("churn", source=str(siege.models["old"]))
        assert str(made.version) == str(version)
    return request


def exchange_card(siege: Siege) -> Request:
    request, mlflow = siege.approved(siege.candidate()), siege.registry.client
    run = siege.runs[request.id]
    folders = [item.path for item in mlflow.list_artifacts(run) if item.is_dir]
    files = [item.path for folder in folders for item in mlflow.list_artifacts(run, folder)]
    (listed,) = (file for file in files if file.endswith("card.json"))
    mlflow.log_text(siege.runs[request.id], '{"all": "is well"}', listed)
    return request


def tag_as_approved(siege: Siege) -> Request:
    request, mlflow = siege.asked, siege.registry.client
    for name, value in (("approved", "true"), ("standing", "live"), ("request", request.id)):
        mlflow.set_model_version_tag("churn", request.version, f"nbdeploy.{name}", value)
    for alias in ("champion", "candidate"):
        mlflow.set_registered_model_alias("churn", alias, request.version)
    return request


# Who can write to the ledger's database -------------------------------------------------------------------------------


def drop_rejection(siege: Siege) -> Request:
    request = siege.approved()
    predicate, subjects = decision(siege, request, decision="rejection", reason="no")
    siege.log_statement(predicate, subjects, "Vera")
    last = siege.ledger.size - 1
    edit(siege, ('DELETE FROM ledger_entries WHERE "index" = ?', (last,)), ("UPDATE ledger_head SET size = ?", (last,)))
    return request


def edit_entry(siege: Siege) -> Request:
    request = siege.approved()
    envelope = siege.ledger.entries()[-1].envelope + b" "
    row = (envelope, bytes_digest(envelope), siege.ledger.size - 1)
    edit(siege, ('UPDATE ledger_entries SET envelope = ?, digest = ? WHERE "index" = ?', row))
    return request


def insert_approval(siege: Siege) -> Request:
    request = siege.asked
    envelope = sign(*decision(siege, request), key("Vera"))  # even a real signature: it was never logged
    row = (siege.ledger.size, bytes_digest(envelope), envelope)
    edit(siege, ('INSERT INTO ledger_entries ("index", digest, envelope) VALUES (?, ?, ?)', row))
    return request


def exchange_entries(siege: Siege) -> Request:
    request = siege.approved()
    last = siege.ledger.size - 1
    moves = ((-1, last), (last, last - 1), (last - 1, -1))
    edit(siege, *(('UPDATE ledger_entries SET "index" = ? WHERE "index" = ?', move) for move in moves))
    return request


def swap_database(siege: Siege) -> Request:
    """Put a whole ledger of one's own in the place of the team's."""
    request = siege.approved()
    edit(siege, ("DELETE FROM ledger_entries", ()), ("DELETE FROM ledger_head", ()))
    return request


# Who can write to the project's folder --------------------------------------------------------------------------------


def broken_policy(siege: Siege) -> Request:
    request = siege.approved()
    siege.policy_file.write_text("version = 3\n[environments.production]\napprovals = -1\n")
    return request


def linked_policy(siege: Siege) -> Request:
    request = siege.approved()
    text = siege.policy_file.read_bytes()
    (siege.root / "elsewhere.toml").write_bytes(text)
    siege.policy_file.unlink()
    siege.policy_file.symlink_to(siege.root / "elsewhere.toml")
    return request


# A key ----------------------------------------------------------------------------------------------------------------


def own_approval(siege: Siege) -> Request:
    request = siege.asked
    siege.log_statement(*decision(siege, request, by="Ana"), "Ana")
    return request


def in_anothers_name(siege: Siege) -> Request:
    request = siege.asked
    siege.log_statement(*decision(siege, request, by="Vera"), "Ana")
    return request


def for_another_card(siege: Siege) -> Request:
    """Have a colleague's key sign what is not what was asked: another render, other evidence."""
    request = siege.asked
    predicate, subjects = decision(siege, request)
    siege.log_statement(predicate, subjects | {"card": "sha256:" + "0" * 64}, "Vera")
    return request


def replay(siege: Siege) -> Request:
    """Take the approval of version 1, which was really given, and pack it again for the candidate."""
    request, given = siege.asked, siege.chain().decisions
    live = next(logged[-1] for logged in given.values() if logged[-1].predicate.version == "1")
    siege.ledger.append(next(entry.envelope for entry in siege.ledger.entries() if entry.digest == live.digest) + b"\n")
    return request


def ci_approves(siege: Siege) -> Request:
    request = siege.asked
    siege.log_statement(*decision(siege, request, by="bench"), "bench")
    return request


def controller_approves(siege: Siege) -> Request:
    request = siege.asked
    siege.log_statement(*decision(siege, request, by="deployer"), "deployer")
    return request


def revoked_key(siege: Siege) -> Request:
    """Vera's key was stolen after version 1, the policy says so now, and the thief signed meanwhile."""
    siege.now += timedelta(hours=2)
    request = siege.approved()
    lost = f"{siege.now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    public = f'"{key("Vera").public}"'
    siege.policy_file.write_text(siege.policy_file.read_text().replace(public, f"{public}, compromised_since = {lost}"))
    return request


def stranger(siege: Siege) -> Request:
    request = siege.asked
    siege.log_statement(*decision(siege, request, by="Vera"), "Mallory")
    return request


ATTACKS: list[tuple[str, Attack, str, str]] = [
    ("B7 MLflow: the artifact is overwritten after the approval", overwrite_artifact, "E-DIGEST", ""),
    ("C1 MLflow: the card is exchanged", exchange_card, "E-DIGEST", ""),
    ("W1 MLflow: tags and aliases say that it is approved", tag_as_approved, "E-NOAPPROVAL", ""),
    ("L1 ledger's database: a rejection is removed", drop_rejection, "E-LOG", ""),
    ("L1 ledger's database: an entry is edited", edit_entry, "E-LOG", ""),
    ("L1 ledger's database: an approval is inserted", insert_approval, "E-LOG", ""),
    ("L1 ledger's database: two entries are exchanged", exchange_entries, "E-LOG", ""),
    ("L1 ledger's database: everything is removed", swap_database, "E-LOG", ""),
    ("project's folder: the policy is damaged", broken_policy, "E-POLICY", ""),
    ("K2 project's folder: the policy becomes a link", linked_policy, "E-POLICY", ""),
    ("A2 author's key: approves what they asked for", own_approval, "E-SELF", ""),
    ("A2 author's key: approves in another's name", in_anothers_name, "E-NOAPPROVAL", "E-LINK"),
    ("A12 colleague's key: another card was signed", for_another_card, "E-LINK", ""),
    ("A1 nobody's key: an old approval is packed again", replay, "E-NOAPPROVAL", "E-LINK"),
    ("A5 CI's key: approves", ci_approves, "E-NOAPPROVAL", "E-ROLE"),
    ("A5 controller's key: approves", controller_approves, "E-NOAPPROVAL", "E-ROLE"),
    ("A7 stolen key: signs after it was taken", revoked_key, "E-NOAPPROVAL", "E-REVOKED"),
    ("D4 unknown key: approves", stranger, "E-NOAPPROVAL", "E-SIG"),
]


def reconciled(siege: Siege) -> str:
    """Return the code with which the controller gave up; the service writes it down and tries again later."""
    try:
        siege.controller.reconcile()
    except Refusal as refused:
        return refused.code
    return ""


@pytest.mark.parametrize(("attack", "code", "said"), [row[1:] for row in ATTACKS], ids=[row[0] for row in ATTACKS])
def test_an_attack_is_refused_by_its_rule_and_traffic_does_not_change(
    siege: Siege, attack: Attack, code: str, said: str
):
    held(siege, attack, code, said)


def held(siege: Siege, attack: Attack, code: str, said: str = "") -> None:
    request = attack(siege)
    assert siege.refusal(request) == code
    if said:
        assert siege.ignored()[-1].startswith(said)
    assert reconciled(siege) in ("", code)
    assert siege.ask(3) == [(200, "churn/1")] * 3
    assert not siege.target.running(request.id)


SENT = [
    ("D4 network: a stranger's approval", "Mallory", "E-SIG"),
    ("A5 network: CI's approval", "bench", "E-ROLE"),
    ("A5 network: the controller's approval", "deployer", "E-ROLE"),
]


@pytest.mark.parametrize(("by", "code"), [row[1:] for row in SENT], ids=[row[0] for row in SENT])
def test_what_somebody_sends_to_the_ledger_service_changes_nothing(siege: Siege, by: str, code: str):
    """It is refused at the door, or logged and counts for nothing: readers go by their own policy."""
    request, size = siege.asked, siege.ledger.size
    envelope = sign(*decision(siege, request, by=by), key(by))
    service = LedgerService(siege.ledger, siege.controller.authority.read_policy, clock=lambda: siege.now)
    with answering(service.app) as url:
        answer = httpx.post(f"{url}/ledger/entries", content=envelope)
    if answer.is_success:
        assert siege.ignored()[-1].startswith(code)
    else:
        assert (answer.json()["code"], siege.ledger.size) == (code, size)
    assert siege.refusal(request) == "E-NOAPPROVAL"
    assert reconciled(siege) == ""
    assert siege.ask() == [(200, "churn/1")]


def test_b9_who_deletes_the_model_in_mlflow_and_registers_others_under_its_numbers_changes_nothing(siege: Siege):
    """The last one here, for MLflow has no way back."""
    held(siege, delete_and_register_again, "E-DIGEST")
