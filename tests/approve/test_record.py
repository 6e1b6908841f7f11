"""The record takes what the policy lets somebody say, and keeps the rest with its reason."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from tests.admission.world import DAY, NOW, World, key, policy

from nbdeploy.approve.record import read_chain
from nbdeploy.documents.statements import DeploymentPredicate, ObjectivePredicate, RevocationPredicate
from nbdeploy.errors import LogError, NotApprovedError


def ignored(world: World) -> list[str]:
    return [reason for _, reason in world.chain().ignored]


def test_statements_are_found_by_what_later_stages_know(world: World):
    request = world.requested()
    chain = world.chain()
    assert chain.requests == {request.id: request}
    assert chain.objectives_named("churn")[-1].digest == request.digests.objective
    assert [entry.digest for entry in chain.validations_named("churn")] == [request.validation]
    found = chain.validation_of(request.digests.evidence)
    assert found is not None
    assert found.subjects["card"] == request.digests.card
    assert chain.validation_of("sha256:" + "0" * 64) is None
    assert chain.asked[request.id].person == "Ana"
    assert chain.ignored == []


def test_an_unknown_request_is_a_sentence_with_the_closest_one(world: World):
    request = world.requested()
    with pytest.raises(NotApprovedError, match=f"did you mean '{request.id}'"):
        world.chain().request(request.id[:-1] + "e")


def _without_zone(world: World) -> None:
    """Log what only a program of the signer's own can make: the record itself takes no such time."""
    predicate = ObjectivePredicate.model_construct(name="churn", model="churn", declared=datetime(2026, 1, 1), by="Ana")  # noqa: DTZ001 - it is the point
    world.log(predicate, {"objective": "sha256:" + "0" * 64}, "Ana")


@pytest.mark.parametrize(
    ("act", "says"),
    [
        pytest.param(lambda w: w.declare(by="Vera"), "E-ROLE", id="objective by a validator"),
        pytest.param(lambda w: w.declare(by="ci"), "no person stands behind it", id="objective by a machine alone"),
        pytest.param(lambda w: w.validate(by="Ana"), "E-ROLE", id="validation by an author"),
        pytest.param(lambda w: w.validate(by="deployer"), "E-ROLE", id="validation by the deployer"),
        pytest.param(
            lambda w: w.ask(w.validate(), by="ci"), "no person stands behind it", id="request by a machine alone"
        ),
        pytest.param(
            lambda w: w.ask(w.validate(), requester="Otto"), "says it is by Otto", id="request in another's name"
        ),
        pytest.param(lambda w: w.validate(finished=NOW + DAY), "has not come", id="A8 clock ahead"),
        pytest.param(_without_zone, "E-FORMAT", id="time without zone"),
        pytest.param(lambda w: w.validate(by="Mallory"), "E-SIG", id="unknown key"),
        pytest.param(lambda w: w.ledger.append(b"{}"), "E-FORMAT", id="no envelope"),
        pytest.param(lambda w: w.ledger.append(b"\xff" * 100), "E-FORMAT", id="no text"),
    ],
)
def test_what_may_not_be_said_is_kept_with_its_reason_and_stops_nobody(world: World, act, says: str):
    act(world)
    before = len(ignored(world))
    assert before == 1
    assert says in ignored(world)[0]
    request = world.requested()
    assert request.id in world.chain().requests


def test_the_first_request_of_an_id_stands(world: World):
    world.declare()
    validation = world.validate()
    request = world.ask(validation)
    world.ask(validation, id=request.id, version="2")
    assert world.chain().requests[request.id].version == "1"
    assert "was asked before" in ignored(world)[0]


def test_a_service_never_decides_whatever_its_roles(world: World):
    request = world.requested()
    world.forge(request, "deployer")
    assert "only people decide" in ignored(world)[0]


def test_a_deployment_is_told_by_a_deployer_only(world: World):
    request = world.requested()
    said = {"request": request.id, "model": "churn", "version": "1", "endpoint": "churn", "environment": "production"}
    predicate = DeploymentPredicate(**said, action="started", at=NOW - DAY)
    subjects = {"model": request.digests.model, "request": world.chain().asked[request.id].digest}
    world.log(predicate, subjects, "Ana")
    assert world.chain().deployments == {}
    world.log(predicate.model_copy(update={"reason": "by the controller"}), subjects, "deployer")
    assert len(world.chain().deployments[request.id]) == 1


def test_a_revocation_is_of_the_requests_own_bytes(world: World):
    request = world.requested()
    said = {"request": request.id, "model": "churn", "version": "1", "by": "Vera", "reason": "drift", "at": NOW - DAY}
    bound = {"model": request.digests.model, "request": world.chain().asked[request.id].digest}
    for name in bound:
        world.log(RevocationPredicate(**said), bound | {name: "sha256:" + "0" * 64}, "Vera")
    assert world.chain().revocations == {}
    assert ["another model" in ignored(world)[0], "another request" in ignored(world)[1]] == [True, True]
    world.revoke(request)
    assert len(world.chain().revocations[request.id]) == 1


def test_a_key_that_ended_before_a_statement_says_nothing(world: World):
    world.declare()
    world.policy = policy(until={"Ana": (NOW - 5 * DAY).date()})
    world.ask(world.validate())
    assert "E-EXPIRED" in ignored(world)[0]


def test_a_chain_read_in_parts_is_the_chain_of_those_parts(world: World):
    world.requested()
    entries = world.ledger.entries()
    assert read_chain(entries[:2], world.policy, NOW, ledger=world.ledger.public).requests == {}
    assert len(read_chain(entries, world.policy, NOW, ledger=world.ledger.public).requests) == 1


@pytest.mark.parametrize("by", ["Vera", "Otto", "Ana"])
def test_who_may_decide_there_or_asked_for_it_may_revoke(world: World, by: str):
    request = world.requested()
    world.revoke(request, by=by)
    assert [logged.person for logged in world.chain().revocations[request.id]] == [by]


@pytest.mark.parametrize("by", ["Rita", "Zoe"])
def test_a_revocation_by_anybody_else_is_ignored_with_its_reason(world: World, by: str):
    request = world.requested()
    world.revoke(request, by=by)
    assert world.chain().revocations == {}
    (reason,) = ignored(world)
    assert f"{by} revokes {request.id}, and neither asked for it nor holds a role that decides on production" in reason


def test_a_revocation_in_an_environment_that_the_policy_forgot_is_the_requesters(world: World):
    request = world.requested(environment="moon")
    world.revoke(request)
    assert world.chain().revocations == {}
    world.revoke(request, by="Ana")
    assert len(world.chain().revocations[request.id]) == 1


def test_a_chain_that_is_logged_again_in_another_ledger_says_nothing_there(world: World, tmp_path: Path):
    """Two projects with the same people, keys and environments: an approval in one is none in the other."""
    request = world.requested()
    world.sign(request)
    (tmp_path / "elsewhere").mkdir()
    other = World(tmp_path / "elsewhere", ledger_key="other ledger")
    for entry in world.ledger.verify():
        other.ledger.append(entry.envelope)
    assert other.chain().asked == {}
    assert any(f"{request.id} was made in another ledger" in reason for reason in ignored(other))


def test_without_a_name_for_the_ledger_no_request_counts(world: World):
    world.requested()
    chain = read_chain(world.ledger.entries(), world.policy, NOW, ledger=None)
    assert chain.asked == {}


def test_a_policy_that_names_another_ledger_reads_none_of_this_one(world: World):
    world.requested()
    named = policy(ledger=key("other ledger").public)
    with pytest.raises(LogError, match="not the ledger that the policy names"):
        read_chain(world.ledger.entries(), named, NOW, ledger=world.ledger.public)
    named = policy(ledger=key("ledger").public)
    assert len(read_chain(world.ledger.entries(), named, NOW, ledger=world.ledger.public).asked) == 1
