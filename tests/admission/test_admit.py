"""Admission refuses by the rule that is broken, and leaves nothing behind. The ids name cases of the attack list."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.admission.world import DAY, NOW, RATIO, ROC, World, card_of, evidence_of, policy, waiver

from nbdeploy.admission.admit import Admitted, admit
from nbdeploy.documents.card import Card
from nbdeploy.documents.request import Request
from nbdeploy.errors import (
    AcknowledgeError,
    DigestError,
    ExpiredError,
    FloorError,
    LinkError,
    LogError,
    ModeError,
    NotApprovedError,
    PathError,
    PolicyError,
    Refusal,
    RevokedError,
    RoleError,
    SelfApprovalError,
    ThresholdError,
)
from nbdeploy.trust.digests import bytes_digest, model_digest

TWO = 'approvals = 2\nby = ["validator"]'


@dataclass
class Door:
    """What stands before the deployer: the world, and how often it was asked for bytes."""

    world: World
    into: Path
    fetched: list[str] = field(default_factory=list)

    def fetch(self, request: Request, into: Path) -> Path:
        self.fetched.append(request.subject)
        return Path(shutil.copytree(self.world.stored, into / "model", symlinks=True))

    def admit(self, request: Request, **changes) -> Admitted:
        options = {
            "chain": self.world.chain(),
            "ledger": self.world.ledger,
            "policy": self.world.policy,
            "fetch": self.fetch,
            "documents": lambda _: self.world.documents,
            "into": self.into,
            "now": NOW,
        }
        return admit(request.id, **(options | changes))


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(World(tmp_path), tmp_path / "admitted")


def test_an_approved_request_is_admitted_with_its_own_private_copy(door: Door):
    request = door.world.requested()
    approval = door.world.sign(request)
    admitted = door.admit(request)
    assert admitted.request == request
    assert admitted.approvals == (approval.digest,)
    assert admitted.until == NOW + 27 * DAY
    assert model_digest(admitted.folder) == request.digests.model
    assert admitted.folder.is_relative_to(door.into)
    assert stat.S_IMODE(door.into.stat().st_mode) == 0o700
    assert door.fetched == ["churn/1"]


def test_an_environment_without_approvals_admits_what_is_otherwise_in_order(door: Door):
    request = door.world.requested(environment="dev")
    admitted = door.admit(request)
    assert (admitted.approvals, admitted.until) == ((), None)


# What happens to the stored bytes after the approval ------------------------------------------------------------------


def flip(world: World) -> None:
    file = world.stored / "data" / "model.skops"
    file.write_bytes(b"W" + file.read_bytes()[1:])


def _recreate(world: World) -> None:
    shutil.rmtree(world.stored)
    world.stored.mkdir()
    (world.stored / "MLmodel").write_text("flavors: {python_function: {}}\n")


def _other_card(world: World, **changes) -> bytes:
    evidence = evidence_of(model_digest(world.stored), world.verdicts)
    return card_of(evidence, bytes_digest(evidence.to_bytes()), **changes).to_bytes()


def _added(world: World, name: str) -> None:
    (world.stored / name).parent.mkdir(parents=True, exist_ok=True)
    (world.stored / name).write_text("")


def _swapped(world: World) -> None:
    one, other = world.stored / "MLmodel", world.stored / "data" / "model.skops"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def _linked(world: World) -> None:
    (world.stored / "MLmodel").rename(world.root / "MLmodel")
    (world.stored / "MLmodel").symlink_to(world.root / "MLmodel")


STORED = [
    ("B1 one byte of the model flipped", flip, DigestError),
    ("B2 a file added", lambda w: (w.stored / "new.py").write_text(""), DigestError),
    ("B2 a file removed", lambda w: (w.stored / "data" / "model.skops").unlink(), PathError),
    ("B2 a file renamed", lambda w: (w.stored / "MLmodel").rename(w.stored / "model"), DigestError),
    ("B2 two files' contents swapped", _swapped, DigestError),
    ("B3 a file added under .git", lambda w: _added(w, ".git/hook"), DigestError),
    ("B3 a file added under .github", lambda w: _added(w, ".github/workflows/x.yml"), DigestError),
    ("B3 a second registered_model_meta", lambda w: _added(w, "data/registered_model_meta"), DigestError),
    ("B4 a link to the same bytes", _linked, PathError),
    ("B4 a link out of the tree", lambda w: (w.stored / "x").symlink_to("/etc/hostname"), PathError),
    ("B4 a link inside of the tree", lambda w: (w.stored / "x").symlink_to("MLmodel"), PathError),
    ("B4 an empty folder", lambda w: (w.stored / "x").mkdir(), PathError),
    ("B5 a name with a newline", lambda w: _added(w, "a\nb"), PathError),
    ("B5 a device's name", lambda w: _added(w, "CON"), PathError),
    ("B6 a name that differs in case", lambda w: (w.stored / "mlmodel").write_text(""), PathError),
    ("B6 a name in another Unicode form", lambda w: [_added(w, "\u00e9"), _added(w, "e\u0301")], PathError),
    ("B7, B9 the version deleted and made again", _recreate, DigestError),
    ("C1 another card", lambda w: w.documents.update({"card.json": _other_card(w, title="other")}), DigestError),
    ("C1 another page", lambda w: w.documents.update({"card.html": b"<p>all is well</p>"}), DigestError),
    ("C1 other evidence", lambda w: w.documents.update({"evidence.json": b"{}"}), DigestError),
    ("C1 another objective", lambda w: w.documents.update({"objective.yaml": b"name: x\n"}), DigestError),
    ("a document is gone", lambda w: w.documents.pop("card.json"), DigestError),
]


@pytest.mark.parametrize(("change", "error"), [case[1:] for case in STORED], ids=[case[0] for case in STORED])
def test_what_was_changed_after_the_approval_is_refused(door: Door, change, error: type[Refusal]):
    request = door.world.requested()
    door.world.sign(request)
    change(door.world)
    with pytest.raises(error):
        door.admit(request)
    assert not door.into.exists()


# What is written in the statements ------------------------------------------------------------------------------------


def _undeclared(world: World) -> Request:
    return world.ask(world.validate())


def _other_name(world: World) -> Request:
    world.policy = policy('"clone" = "enforce"')
    return world.requested(model="clone")


def _other_endpoint(world: World) -> Request:
    return world.requested(endpoint="payments")


def _card_of_other_evidence(world: World) -> Request:
    world.declare()
    evidence = evidence_of(model_digest(world.stored), world.verdicts)
    data, card = evidence.to_bytes(), card_of(evidence, "sha256:" + "0" * 64).to_bytes()
    return world.ask(world.validate(documents={"evidence.json": data, "card.json": card}))


def _card_of_other_numbers(world: World) -> Request:
    world.declare()
    evidence = evidence_of(model_digest(world.stored), world.verdicts)
    data = evidence.to_bytes()
    better = tuple(finding.model_copy(update={"value": 0.99}) for finding in evidence.findings)
    card: Card = card_of(evidence, bytes_digest(data), findings=better)
    return world.ask(world.validate(documents={"evidence.json": data, "card.json": card.to_bytes()}))


def _evidence_of_other_bytes(world: World) -> Request:
    world.declare()
    return world.ask(world.validate(evidence=evidence_of("sha256:" + "1" * 64, world.verdicts)))


def _gate_hidden(world: World) -> Request:
    world.verdicts = {ROC: "pass", RATIO: "inconclusive"}
    return world.requested(undecided=())


def _gate_hidden_by_runner_too(world: World) -> Request:
    world.verdicts = {ROC: "pass", RATIO: "inconclusive"}
    world.declare()
    return world.ask(world.validate(gates={ROC: "pass"}, overall="pass"), undecided=())


def _failure_called_undecided(world: World) -> Request:
    world.verdicts = {ROC: "pass", RATIO: "fail"}
    return world.requested(undecided=(RATIO,), failed=())


def _draft(world: World) -> Request:
    world.declare()
    evidence = evidence_of(model_digest(world.stored), world.verdicts)
    draft = evidence.model_copy(update={"run": evidence.run.model_copy(update={"attempt": None, "draft": True})})
    return world.ask(world.validate(evidence=draft))


def _no_validation(world: World) -> Request:
    entry = world.declare()
    world.validate()
    return world.ask(entry)


TOLD = [
    ("B10 the same bytes under another name", _other_name, LinkError),
    ("C2 the card tells other evidence", _card_of_other_evidence, LinkError),
    ("C2 the card tells other numbers", _card_of_other_numbers, LinkError),
    ("another endpoint than the objective's", _other_endpoint, LinkError),
    ("evidence of other bytes", _evidence_of_other_bytes, LinkError),
    ("an undecided gate is hidden", _gate_hidden, LinkError),
    ("an undecided gate is hidden by the runner too", _gate_hidden_by_runner_too, LinkError),
    ("a failed gate is called undecided", _failure_called_undecided, LinkError),
    ("evidence of a draft", _draft, LinkError),
    ("the validation is no validation", _no_validation, LinkError),
    ("the objective was never declared", _undeclared, LinkError),
]


@pytest.mark.parametrize(("ask", "error"), [case[1:] for case in TOLD], ids=[case[0] for case in TOLD])
def test_statements_that_do_not_tell_one_story_are_refused(door: Door, ask, error: type[Refusal]):
    request = ask(door.world)
    door.world.forge(request, "Vera", acknowledged=request.undecided)
    with pytest.raises(error):
        door.admit(request)
    assert not door.into.exists()


# What the deployer's own policy says ----------------------------------------------------------------------------------

POLICIES = [
    ("only observed", policy(mode="observe"), ModeError),
    ("only warned", policy(mode="warn"), ModeError),
    ("another runner", policy(production='approvals = 1\nby = ["validator"]\nrunner = ["bench"]'), RoleError),
    ("a higher floor", policy("[floor]\ngates.performance.roc_auc = '>= 0.9'"), FloorError),
    ("A5 the role was taken away", policy(production='approvals = 1\nby = ["risk"]'), RoleError),
    ("two signatures", policy(production=f'{TWO}\nolder_policy = "accept"'), ThresholdError),
    ("A11 another policy than the approver's", policy("# another text"), PolicyError),
]


@pytest.mark.parametrize(("newer", "error"), [case[1:] for case in POLICIES], ids=[case[0] for case in POLICIES])
def test_the_deployers_own_policy_decides(door: Door, newer, error: type[Refusal]):
    request = door.world.requested()
    door.world.sign(request)
    door.world.policy = newer
    with pytest.raises(error):
        door.admit(request)
    assert not door.into.exists()


def test_an_environment_that_the_policy_does_not_know_is_refused_before_a_download(door: Door):
    request = door.world.requested(environment="moon")
    with pytest.raises(PolicyError, match="moon"):
        door.admit(request)
    assert door.fetched == []


# Who signed -----------------------------------------------------------------------------------------------------------


def _expired(world: World, request: Request) -> None:
    world.policy = policy(production='approvals = 1\nby = ["validator"]\nexpires_days = 2')
    world.sign(request, at=NOW - 3.9 * DAY)


SIGNED = [
    ("nobody", lambda *_: None, NotApprovedError),
    ("A1 an approval of another version", lambda w, r: w.forge(r, "Vera", version="2"), LinkError),
    ("A1 an approval for another environment", lambda w, r: w.forge(r, "Vera", environment="dev"), LinkError),
    (
        "A1 an approval of another request's card",
        lambda w, r: w.forge(r, "Vera", subjects={"card": r.digests.model}),
        LinkError,
    ),
    ("A2 the requester", lambda w, r: w.forge(r, "Ana"), SelfApprovalError),
    ("A5 somebody without the role", lambda w, r: w.forge(r, "Zoe"), RoleError),
    ("A6 not any more", _expired, ExpiredError),
    ("A6 not yet", lambda w, r: w.forge(r, "Vera", not_before=NOW + DAY), ExpiredError),
    ("A9 a rejection", lambda w, r: w.sign(r, decision="rejection"), NotApprovedError),
    (
        "A9 an approval and somebody's rejection",
        lambda w, r: [w.sign(r), w.sign(r, "Otto", decision="rejection")],
        NotApprovedError,
    ),
    ("a return", lambda w, r: w.sign(r, decision="return"), NotApprovedError),
    ("revoked", lambda w, r: [w.sign(r), w.revoke(r)], RevokedError),
]


@pytest.mark.parametrize(("act", "error"), [case[1:] for case in SIGNED], ids=[case[0] for case in SIGNED])
def test_what_is_not_approved_by_the_right_people_is_refused(door: Door, act, error: type[Refusal]):
    request = door.world.requested()
    act(door.world, request)
    with pytest.raises(error) as refused:
        door.admit(request)
    assert "\n" not in str(refused.value)
    assert not door.into.exists()


def test_one_person_with_two_keys_is_one_signature_of_two(door: Door):
    """Cases A3 and A4."""
    door.world.policy = policy(production=TWO)
    request = door.world.requested()
    door.world.sign(request, "Vera")
    door.world.sign(request, "Vera second", at=NOW - 2 * DAY)
    with pytest.raises(ThresholdError, match="missing: Otto"):
        door.admit(request)
    door.world.sign(request, "Otto")
    assert len(door.admit(request).approvals) == 2


def test_an_undecided_gate_needs_its_acknowledgement_and_a_failed_one_its_waiver(door: Door):
    rule = 'approvals = 1\nby = ["validator"]\nfailed = "waive"\nwaive_by = ["validator"]'
    door.world.policy = policy(production=rule)
    door.world.verdicts = {ROC: "fail", RATIO: "inconclusive"}
    request = door.world.requested()
    door.world.forge(request, "Vera")
    with pytest.raises(AcknowledgeError):
        door.admit(request)
    door.world.sign(request, "Vera", acknowledge=[RATIO], waive=[waiver(ROC)])
    assert len(door.admit(request).approvals) == 1


def test_a_failed_gate_does_not_pass_where_nobody_has_to_sign(door: Door):
    door.world.verdicts = {ROC: "fail", RATIO: "pass"}
    request = door.world.requested(environment="dev")
    with pytest.raises(AcknowledgeError):
        door.admit(request)


# The ledger -----------------------------------------------------------------------------------------------------------


def test_what_was_logged_after_the_chain_was_read_counts(door: Door):
    request = door.world.requested()
    door.world.sign(request)
    before = door.world.chain()
    door.world.revoke(request)
    with pytest.raises(RevokedError):
        door.admit(request, chain=before)


def test_a_ledger_that_was_edited_admits_nothing(door: Door):
    request = door.world.requested()
    door.world.sign(request)
    door.world.revoke(request)
    with sqlite3.connect(door.world.root / "ledger.db") as database:
        database.execute('DELETE FROM ledger_entries WHERE "index" = 4')
    database.close()
    with pytest.raises(LogError):
        door.admit(request)
    assert door.fetched == []


def test_a_chain_that_was_read_as_another_ledgers_is_read_again(door: Door):
    request = door.world.requested()
    door.world.sign(request)
    elsewhere = World(door.world.root / "elsewhere", ledger_key="other ledger")
    for entry in door.world.ledger.verify():
        elsewhere.ledger.append(entry.envelope)
    with pytest.raises(NotApprovedError, match="holds no request"):
        door.admit(request, ledger=elsewhere.ledger)
    assert door.fetched == []


def test_an_unknown_request_names_the_closest_one(door: Door):
    request = door.world.requested()
    with pytest.raises(NotApprovedError, match=request.id):
        door.admit(request.model_copy(update={"id": request.id[:-1] + "f"}))
