"""Sign-off, wait and revoke as a person calls them: by the card at hand, on a ledger that holds."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.admission.world import evidence_of
from tests.flow.asked_project import MODEL, PASSPHRASE, Asked
from tests.registry.store import empty_store

from nbdeploy import flow
from nbdeploy.cli.deployment import revoke as revoke_command
from nbdeploy.cli.deployment import signoff as signoff_command
from nbdeploy.errors import (
    DigestError,
    LinkError,
    LogError,
    NotApprovedError,
    ProjectError,
    RevokedError,
    RoleError,
    SelfApprovalError,
)
from nbdeploy.flow.decisions.pending import PendingRequest


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    monkeypatch.chdir(tmp_path)
    return Asked(tmp_path)


# The card ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["card.html", "card.json"])
def test_a12_a_card_that_is_not_the_requests_is_not_signed(asked: Asked, file: str):
    request = asked.ask()
    (asked.folder / file).write_bytes((asked.folder / file).read_bytes() + b" ")
    with pytest.raises(LinkError, match=f"{file} is not the card that {request.id} was asked with"):
        asked.sign(request)
    with pytest.raises(LinkError):
        flow.pending(request.id)
    assert asked.project.ledger.size == 3
    asked.sign(request, "rejection")  # who was shown another card may say so


def test_a12_where_the_card_is_not_it_is_fetched_and_held_to_what_was_signed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    store = shutil.copy(empty_store(tmp_path_factory), tmp_path / "mlflow.db")
    asked = Asked(tmp_path, f"sqlite:///{store}")
    request = asked.ask()
    project = asked.project
    elsewhere = asked.root / "moved"
    asked.folder.rename(elsewhere)
    with pytest.raises(DigestError, match=r"holds no card.json"):
        asked.sign(request)
    project.registry.log_validation(evidence_of(MODEL, asked.verdicts), elsewhere)
    shown = flow.pending(request.id)
    assert isinstance(shown, PendingRequest)
    assert shown.card is not None
    assert shown.card.read_bytes() == (elsewhere / "card.html").read_bytes()
    shown.card.write_bytes(b"another page")
    with pytest.raises(LinkError):
        asked.sign(request)
    shown.card.unlink()
    assert asked.sign(request).state == "approved"


def test_nothing_is_signed_on_a_ledger_that_does_not_hold(asked: Asked):
    request = asked.ask()
    with sqlite3.connect(asked.root / ".nbdeploy" / "ledger.db") as database:
        database.execute('UPDATE ledger_entries SET envelope = ? WHERE "index" = 0', (b"{}",))
    with pytest.raises(LogError):
        asked.sign(request)


def test_what_is_shown_says_the_commands_that_would_decide_it(asked: Asked):
    asked.verdicts["fairness.demographic_parity_ratio:sex"] = "fail"
    request = asked.ask()
    shown = str(flow.pending(request.id))
    assert "Demographic parity ratio by sex (fairness.demographic_parity_ratio:sex): fail, to be waived" in shown
    assert (
        f"nbdeploy signoff {request.id} --approve --key FILE --waive 'fairness.demographic_parity_ratio:sex |" in shown
    )
    assert f"Card: {asked.folder / 'card.html'}" in shown


def test_a_decision_stands_although_the_registry_cannot_show_it(asked: Asked):
    done = asked.sign(asked.ask())
    assert done.state == "approved"
    assert "The registry does not show it yet: E-REGISTRY no MLflow server answers" in str(done)


def test_an_unknown_owner_of_a_condition_is_a_warning(asked: Asked):
    request = asked.ask()
    done = asked.sign(
        request, conditions=[("watch it", "Anna", date(2030, 1, 1)), ("and this", "Ana", date(2030, 1, 1))]
    )
    assert done.state == "approved"
    assert done.notes[0] == "Anna owns a condition, and the policy names nobody so; did you mean 'Ana'?"
    assert sum("owns a condition" in note for note in done.notes) == 1
    report = flow.status("churn")
    assert [told.split(":")[0] for told in report.conditions] == ["churn/1 in production"] * 2
    assert "Condition of churn/1 in production: watch it (Anna, by 2030-01-01): due in" in str(report)


# Waivers on the command line ----------------------------------------------------------------------------------------


def test_a_waiver_is_typed_as_gate_reason_and_last_day(asked: Asked, tmp_path: Path):
    asked.verdicts["performance.roc_auc"] = "fail"
    request = asked.ask()
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    words = [request.id, "--approve", "--key", "Rita"]
    for wrong in (
        "performance.roc_auc=a reason",
        "performance.roc_auc | a reason",
        "performance.roc_auc | | 2030-01-01",
    ):
        refused = CliRunner().invoke(signoff_command, [*words, "--waive", wrong])
        assert (refused.exit_code, "is not of the form" in refused.output) == (2, True)
    secret = tmp_path / "secret"
    secret.write_bytes(PASSPHRASE)
    words += ["--waive", f"performance.roc_auc | a reason | or two | {day}"]
    with secret.open() as stream:
        words += ["--passphrase-fd", str(stream.fileno())]
        CliRunner().invoke(signoff_command, words, catch_exceptions=False)
    (said,) = asked.project.chain().decisions[request.id]
    (waiver,) = said.predicate.waived
    assert (waiver.gate, waiver.reason) == ("performance.roc_auc", "a reason | or two")
    assert waiver.expires.isoformat().startswith(f"{day}T23:59:59")
    assert asked.sign(request).state == "approved"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--approve", "--key", "Vera"], "on which request"),
        (["r-1", "--reason", "because"], "what do you decide"),
        (["r-1", "--approve"], "whose decision is it"),
    ],
)
def test_half_a_decision_is_a_usage_error(asked: Asked, words: list[str], says: str):
    done = CliRunner().invoke(signoff_command, words)
    assert (done.exit_code, says in done.output) == (2, True)


# Waiting -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decision", "code", "state"),
    [
        ("approval", 0, "approved"),
        ("rejection", 1, "rejected"),
        ("return", 1, "returned"),
        ("question", 3, "questioned"),
    ],
)
def test_wait_ends_by_the_decision_and_says_who_decided_and_why(asked: Asked, decision: str, code: int, state: str):
    request = asked.ask()
    asked.sign(request, decision, reason="the reason")
    result = flow.wait(request.id, timeout=0)
    assert (result.exit_code, result.state) == (code, state)
    assert f"{decision.capitalize()} by Vera: the reason" in str(result)


def test_wait_wakes_soon_after_the_decision(asked: Asked):
    request = asked.ask()
    logged: list[float] = []

    def later() -> None:
        time.sleep(0.6)
        asked.sign(request, "rejection")
        logged.append(time.monotonic())

    thread = threading.Thread(target=later)
    thread.start()
    result = flow.wait(request.id, timeout=30)
    woke = time.monotonic()
    thread.join()
    assert result.exit_code == 1
    assert woke - logged[0] < 1  # the decision is logged before its registry tag is set


def test_wait_is_still_open_at_the_time_out(asked: Asked):
    request = asked.ask()
    result = flow.wait(request.id, timeout=0.3)
    assert (result.exit_code, result.state) == (3, "requested")
    assert "Missing: 1 signature by Vera." in str(result)
    with pytest.raises(ProjectError, match="did you mean"):
        flow.wait(request.id[:-1] + "f", timeout=0)


# Revoking ------------------------------------------------------------------------------------------------------------


def test_who_asked_takes_it_back_with_the_workstations_key_and_nobody_signs_it_afterwards(asked: Asked):
    request = asked.ask()
    asked.sign(request)
    result = flow.revoke(request.id, reason="the labels were wrong")
    assert "and 1 approval with it" in str(result)
    assert "Signed by Ana, with the key of workstation," in str(result)
    assert "Nothing of it is live" in str(result)
    waited = flow.wait(request.id)
    assert (waited.exit_code, waited.state) == (1, "revoked")
    assert "Revoked by Ana: the labels were wrong" in str(waited)
    with pytest.raises(RevokedError):
        asked.sign(request)
    with pytest.raises(RevokedError, match="was revoked by Ana"):
        flow.revoke(request.id, reason="again", key="Vera", passphrase=lambda: PASSPHRASE)


def test_the_revocation_names_the_model_the_request_and_every_approval(asked: Asked):
    request = asked.ask()
    asked.sign(request)
    flow.revoke(
        request.id, reason="drift", key="Rita", passphrase=lambda: PASSPHRASE
    )  # who may waive in production decides there too
    chain = asked.project.chain()
    (revoked,) = chain.revocations[request.id]
    approvals = [one.digest for one in chain.decisions[request.id]]
    assert dict(revoked.subjects) == {
        "model": request.digests.model,
        "request": chain.asked[request.id].digest,
        "approval-1": approvals[0],
    }


def test_who_may_not_revoke_is_refused_before_anything_is_signed(asked: Asked):
    request = asked.ask()
    _, public = flow.create_key("Zoe", passphrase=PASSPHRASE)
    flow.add_person("Zoe", roles=["auditor"], public=public)
    with pytest.raises(RoleError):
        flow.revoke(request.id, reason="I do not like it", key="Zoe", passphrase=lambda: PASSPHRASE)
    with pytest.raises(RoleError):
        flow.revoke(request.id, reason="by itself", key=asked.root / ".nbdeploy/keys/controller.pem")
    with pytest.raises(NotApprovedError, match="needs a reason"):
        flow.revoke(request.id, reason=" ")
    with pytest.raises(NotApprovedError, match="did you mean"):
        flow.revoke("r-00000002", reason="a reason")
    assert CliRunner().invoke(revoke_command, [request.id]).exit_code == 2
    assert asked.project.ledger.size == 3


def test_the_keys_of_a_project_never_approve(asked: Asked):
    request = asked.ask()
    keys = asked.root / ".nbdeploy" / "keys"
    with pytest.raises(SelfApprovalError):
        asked.sign(request, by=str(keys / "workstation.pem"))
    with pytest.raises(RoleError, match="only people decide"):
        asked.sign(request, by=str(keys / "controller.pem"))
