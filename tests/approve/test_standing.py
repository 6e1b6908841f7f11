"""What logged decisions add up to. Ids name the cases of the attack list.

Decisions are forged here: signed with real keys, and written without asking any rule. Whoever holds a key can do that.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.admission.world import DAY, NOW, RATIO, ROC, World, key, policy, waiver

from nbdeploy.approve.record import read_chain
from nbdeploy.approve.standing import Standing, standing
from nbdeploy.documents.request import Request
from nbdeploy.errors import (
    AcknowledgeError,
    ExpiredError,
    LinkError,
    NotApprovedError,
    PolicyError,
    Refusal,
    RoleError,
    SelfApprovalError,
)

TWO = 'approvals = 2\nby = ["validator"]'


def judged(world: World, request: Request, now=NOW) -> Standing:
    return standing(world.chain(), request.id, world.policy, now)


def test_a_request_waits_until_somebody_else_signs(world: World):
    request = world.requested()
    found = judged(world, request)
    assert (found.state, found.missing, found.approvers) == ("requested", 1, ("Vera", "Otto"))
    world.sign(request, "Vera")
    found = judged(world, request)
    assert (found.state, found.missing, found.approvers) == ("approved", 0, ("Otto",))
    assert [logged.person for logged in found.approvals] == ["Vera"]
    assert found.until == NOW + 27 * DAY
    assert found.refusals == ()


def test_where_no_signature_is_needed_a_sound_request_stands_at_once(world: World):
    assert judged(world, world.requested(environment="dev")).state == "approved"


def test_an_unknown_request_or_environment_is_a_sentence(world: World):
    request = world.requested(environment="moon")
    with pytest.raises(PolicyError):
        judged(world, request)
    with pytest.raises(NotApprovedError, match="did you mean"):
        standing(world.chain(), request.id[:-1] + "f", world.policy, NOW)


@pytest.mark.parametrize(
    ("forged", "error"),
    [
        pytest.param({"by": "Ana"}, SelfApprovalError, id="A2 requester"),
        pytest.param({"by": "Ana", "sign_as": "Ana second"}, SelfApprovalError, id="A2 requester's other key"),
        pytest.param({"by": "Zoe"}, RoleError, id="A5 no role for this environment"),
        pytest.param({"by": "Vera", "environment": "dev"}, LinkError, id="A1 other environment"),
        pytest.param({"by": "Vera", "version": "2"}, LinkError, id="A1 other version"),
        pytest.param({"by": "Vera", "model": "fraud"}, LinkError, id="B10 other model name"),
        pytest.param({"by": "Vera", "subjects": {"model": "sha256:" + "0" * 64}}, LinkError, id="B9 other bytes"),
        pytest.param({"by": "Vera", "subjects": {"card": "sha256:" + "0" * 64}}, LinkError, id="A12 other card"),
        pytest.param({"by": "Vera", "subjects": {"request": "sha256:" + "0" * 64}}, LinkError, id="A1 other request"),
        pytest.param({"by": "Vera", "expires": NOW - DAY}, ExpiredError, id="A6 expired"),
        pytest.param({"by": "Vera", "not_before": NOW + DAY}, ExpiredError, id="A6 not yet"),
        pytest.param({"by": "Vera", "acknowledged": ("x.y",)}, AcknowledgeError, id="a gate that is not open"),
    ],
)
def test_a_forged_approval_counts_for_nothing(world: World, forged: dict, error: type[Refusal]):
    request = world.requested()
    world.forge(request, forged.pop("by"), **forged)
    found = judged(world, request)
    assert found.state != "approved"
    assert found.approvals == ()
    assert [type(refusal) for refusal in found.refusals] == [error]


def test_an_approval_of_one_request_says_nothing_about_another(world: World):
    world.declare()
    validation = world.validate()
    first, second = world.ask(validation), world.ask(validation)
    world.sign(first)
    assert judged(world, first).state == "approved"
    assert judged(world, second).state == "requested"


@pytest.mark.parametrize(
    ("makers", "signer"),
    [
        pytest.param({"declare": "bench"}, "Ana", id="author of the objective through a service"),
        pytest.param({"validate": "bench", "ask": "Otto"}, "Ana", id="person behind the runner"),
        pytest.param({"ask": "Vera"}, "Vera", id="requester with a validator's role"),
    ],
)
def test_nobody_approves_their_own_work(world: World, makers: dict[str, str], signer: str):
    world.policy = policy(people={"Ana": ("author", "validator"), "Vera": ("author", "validator"), "Otto": ("author",)})
    world.declare(by=makers.get("declare", "bench"))
    request = world.ask(world.validate(by=makers.get("validate", "ci")), by=makers.get("ask", "Otto"))
    world.forge(request, signer)
    found = judged(world, request)
    assert found.state == "requested"
    assert isinstance(found.refusals[0], SelfApprovalError)
    assert signer not in found.approvers


def test_validating_again_independently_does_not_disqualify(world: World):
    world.policy = policy(people={"Vera": ("validator", "runner")})
    world.declare()
    validation = world.validate()
    world.validate(by="Vera", attempt=2)
    request = world.ask(validation)
    world.sign(request, "Vera")
    assert judged(world, request).state == "approved"


@pytest.mark.parametrize(
    ("said", "state"),
    [
        pytest.param([("Vera", "rejection")], "rejected", id="A9 rejection only"),
        pytest.param([("Vera", "rejection"), ("Vera", "approval")], "approved", id="A9 latest of a person wins"),
        pytest.param([("Vera", "approval"), ("Vera", "rejection")], "rejected", id="A9 approval taken back"),
        pytest.param([("Vera", "approval"), ("Otto", "rejection")], "rejected", id="A9 a standing rejection blocks"),
        pytest.param([("Otto", "rejection"), ("Vera", "approval")], "rejected", id="A9 in either order"),
        pytest.param([("Vera", "approval"), ("Vera", "question")], "questioned", id="approval turned into a question"),
        pytest.param([("Vera", "return")], "returned", id="returned"),
        pytest.param([("Vera", "question")], "questioned", id="questioned"),
        pytest.param([("Vera", "return"), ("Vera", "approval")], "approved", id="returned, then approved"),
        pytest.param([("Zoe", "rejection"), ("Vera", "approval")], "approved", id="A5 rejection without a role"),
    ],
)
def test_decisions_count_in_log_order_by_person(world: World, said: list[tuple[str, str]], state: str):
    request = world.requested()
    for person, decision in said:
        world.forge(request, person, decision=decision, reason="a reason")
    assert judged(world, request).state == state


def test_an_approval_that_was_kept_back_does_not_undo_a_later_rejection(world: World):
    request = world.requested()
    world.forge(request, "Vera", decision="rejection", signed=NOW - DAY)
    world.forge(request, "Vera", signed=NOW - 2 * DAY)
    assert judged(world, request).state == "rejected"


def test_an_approval_packed_again_is_no_second_approval(world: World):
    """The bytes of an envelope can be changed around its signature; the act stays the one that was logged."""
    request = world.requested()
    approval = world.sign(request)
    world.sign(request, decision="rejection", at=NOW - 2 * DAY)
    again = world.ledger.append(approval.envelope.replace(b'": ', b'":  '))
    assert again.digest != approval.digest
    assert judged(world, request).state == "rejected"
    assert "logged before, in entry 3" in world.chain().ignored[0][1]


def test_two_signatures_are_two_people_not_two_keys(world: World):
    world.policy = policy(production=TWO)
    request = world.requested()
    world.forge(request, "Vera")
    world.forge(request, "Vera", sign_as="Vera second")
    found = judged(world, request)
    assert (found.state, found.missing) == ("requested", 1)
    world.forge(request, "Otto")
    assert judged(world, request).state == "approved"


def test_a_forged_expiry_ends_with_the_environments_days(world: World):
    request = world.requested()
    world.forge(request, "Vera", expires=NOW + 1000 * DAY)
    assert judged(world, request).until == NOW + 27 * DAY
    assert judged(world, request, NOW + 27 * DAY).state == "expired"


def test_an_approval_ends_with_its_first_waiver(world: World):
    world.policy = policy(production='approvals = 1\nby = ["validator"]\nfailed = "waive"')
    world.verdicts[RATIO] = "fail"
    request = world.requested()
    world.sign(request, waive=(waiver(RATIO, expires=NOW + DAY),))
    assert judged(world, request).until == NOW + DAY
    assert judged(world, request, NOW + 2 * DAY).state == "expired"


def test_a_role_taken_away_takes_the_approval_away(world: World):
    request = world.requested()
    world.sign(request)
    world.policy = policy(people={"Vera": ("author",)})
    found = judged(world, request)
    assert found.state == "requested"
    assert isinstance(found.refusals[0], RoleError)


def test_a_revocation_stands_above_any_approval(world: World):
    request = world.requested()
    world.sign(request)
    world.revoke(request)
    world.forge(request, "Otto")
    assert judged(world, request).state == "revoked"


@pytest.mark.parametrize("environment", ["dev", "production"])
@pytest.mark.parametrize(
    "hidden",
    [
        pytest.param({"undecided": (), "failed": ()}, id="open gates left out of the request"),
        pytest.param({"undecided": (ROC,), "failed": ()}, id="a failed gate told as undecided"),
    ],
)
def test_a_request_cannot_hide_what_the_validation_found(world: World, environment: str, hidden: dict):
    world.verdicts |= {ROC: "fail"}
    request = world.requested(environment=environment, **hidden)
    world.forge(request, "Vera", acknowledged=tuple(hidden["undecided"]))
    found = judged(world, request)
    assert found.state == "requested"
    assert isinstance(found.refusals[0], LinkError)


@pytest.mark.parametrize(
    ("rules", "verdict", "options", "approved"),
    [
        ('inconclusive = "acknowledge"', "inconclusive", {}, False),
        ('inconclusive = "acknowledge"', "inconclusive", {"acknowledged": (ROC,)}, True),
        ('inconclusive = "waive"', "inconclusive", {"acknowledged": (ROC,)}, False),
        ('inconclusive = "waive"', "inconclusive", {"waived": (waiver(ROC),)}, True),
        ('inconclusive = "block"', "inconclusive", {"waived": (waiver(ROC),)}, False),
        ('not_evaluated = "block"', "not_evaluated", {"acknowledged": (ROC,)}, False),
        ('failed = "block"', "fail", {"waived": (waiver(ROC),)}, False),
        ('failed = "waive"', "fail", {"acknowledged": (ROC,)}, False),
        ('failed = "waive"', "fail", {"waived": (waiver(ROC),)}, True),
        ('failed = "waive"', "fail", {"waived": (waiver(ROC, reason=" "),)}, False),
        ('failed = "waive"\nwaive_by = ["risk"]', "fail", {"waived": (waiver(ROC),)}, False),
    ],
)
def test_open_gates_go_through_only_as_policy_says(
    world: World, rules: str, verdict: str, options: dict, approved: bool
):
    world.policy = policy(production=f'approvals = 1\nby = ["validator"]\n{rules}')
    world.verdicts[ROC] = verdict
    request = world.requested()
    world.forge(request, "Vera", **options)
    assert (judged(world, request).state == "approved") is approved


@pytest.mark.parametrize(("verdict", "state"), [("inconclusive", "approved"), ("fail", "requested")])
def test_without_signatures_an_undecided_gate_may_pass_and_a_failed_one_never(world: World, verdict: str, state: str):
    world.verdicts[ROC] = verdict
    assert judged(world, world.requested(environment="dev")).state == state


def test_a_validation_by_a_runner_that_the_environment_does_not_take_is_refused(world: World):
    world.policy = policy(production='approvals = 1\nby = ["validator"]\nrunner = ["bench"]')
    request = world.requested()
    world.forge(request, "Vera")
    found = judged(world, request)
    assert found.state == "requested"
    assert isinstance(found.refusals[0], RoleError)


def test_an_objective_must_be_declared_before_its_results(world: World):
    validation = world.validate()
    request = world.ask(validation)
    world.forge(request, "Vera")
    assert isinstance(judged(world, request).refusals[0], LinkError)
    world.declare()
    assert judged(world, request).state == "requested"


def test_an_adopted_model_says_that_its_objective_came_afterwards(world: World):
    validation = world.validate()
    world.declare(after_results=True)
    request = world.ask(validation)
    world.sign(request)
    assert judged(world, request).state == "approved"


def test_a_statement_logged_later_was_not_made_earlier_than_those_before_it(world: World):
    """A6: a key that ended may not sign with a date from when it counted."""
    world.policy = policy(until={"Vera": (NOW - 5 * DAY).date()})
    request = world.requested()
    world.forge(request, "Vera", signed=NOW - 5 * DAY - timedelta(hours=20))
    chain = world.chain()
    assert request.id not in chain.decisions
    assert "does not count on" in chain.ignored[0][1]


def test_a_statement_of_a_time_that_has_not_come_is_not_taken(world: World):
    request = world.requested()
    world.forge(request, "Vera", signed=NOW + DAY)
    assert judged(world, request).state == "requested"
    assert "has not come" in world.chain().ignored[0][1]
    later = read_chain(world.ledger.entries(), world.policy, NOW + DAY, ledger=world.ledger.public)
    assert standing(later, request.id, world.policy, NOW + DAY).state == "approved"


def test_who_signs_is_who_the_policy_says_not_who_the_statement_says(world: World):
    request = world.requested()
    world.forge(request, "Otto", sign_as="Vera")
    assert judged(world, request).state == "requested"
    assert "says it is by Otto" in world.chain().ignored[0][1]


def test_a_key_that_the_policy_does_not_name_says_nothing(world: World):
    request = world.requested()
    world.forge(request, "Vera", sign_as="Mallory")
    assert judged(world, request).state == "requested"
    assert world.chain().ignored[0][1].startswith("E-SIG")
    assert key("Mallory").public not in world.policy.publics
