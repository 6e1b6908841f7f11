"""Sign-off: every rule is asked before a key is used, and the statement is bound to the bytes that it is about."""

from __future__ import annotations

import pytest
from tests.admission.world import DAY, NOW, RATIO, ROC, World, key, policy, waiver

from nbdeploy.approve.signoff import decide
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import Condition
from nbdeploy.errors import (
    AcknowledgeError,
    ExpiredError,
    LinkError,
    NotApprovedError,
    PolicyError,
    Refusal,
    RevokedError,
    RoleError,
    SelfApprovalError,
)


def decided(world: World, request: Request, by: str = "Vera", decision: str = "approval", **options):
    return decide(world.chain(), request.id, world.policy, key(by).public, decision, **({"now": NOW} | options))


def test_an_approval_repeats_the_requests_digests_and_names_its_envelope_and_the_signers_policy(world: World):
    request = world.requested()
    predicate, subjects = decided(world, request, reason="I read the card")
    bound = request.digests.model_dump() | {"request": world.chain().asked[request.id].digest}
    assert subjects == bound | {"policy": world.policy.digest}
    assert predicate.policy_version == world.policy.version
    assert (predicate.model, predicate.version, predicate.environment) == ("churn", "1", "production")
    assert (predicate.by, predicate.signed, predicate.not_before) == ("Vera", NOW, NOW)
    assert predicate.expires == NOW + 30 * DAY
    assert not predicate.unattended


def test_unattended_is_said_for_ever(world: World):
    assert decided(world, world.requested(), unattended=True)[0].unattended


@pytest.mark.parametrize(
    ("by", "error"),
    [
        pytest.param("Ana", SelfApprovalError, id="A2 requester"),
        pytest.param("Ana second", SelfApprovalError, id="A2 requester's other key"),
        pytest.param("bench", SelfApprovalError, id="A2 service that works for the requester"),
        pytest.param("ci", RoleError, id="A5 the service that ran the validation"),
        pytest.param("Zoe", RoleError, id="A5 no role for the environment"),
        pytest.param("deployer", RoleError, id="a service"),
        pytest.param("Mallory", RoleError, id="a key that nobody holds"),
    ],
)
@pytest.mark.parametrize("decision", ["approval", "rejection"])
def test_who_may_not_decide_is_told_whom_to_ask(world: World, by: str, error: type[Refusal], decision: str):
    request = world.requested()
    with pytest.raises(error) as refused:
        decided(world, request, by, decision, reason="a reason")
    assert refused.value.next


def test_self_approval_names_the_others(world: World):
    with pytest.raises(
        SelfApprovalError, match=r"Ana asked for this deployment.*nobody approves their own work.*Vera or Otto"
    ):
        decided(world, world.requested(), "Ana")


def test_a_key_outside_its_days_decides_nothing(world: World):
    world.policy = policy(until={"Vera": (NOW - DAY).date()})
    with pytest.raises(ExpiredError):
        decided(world, world.requested())


@pytest.mark.parametrize("decision", ["rejection", "return", "question"])
def test_what_is_no_approval_needs_a_reason(world: World, decision: str):
    request = world.requested()
    with pytest.raises(NotApprovedError, match="needs a reason"):
        decided(world, request, decision=decision, reason=" ")
    assert decided(world, request, decision=decision, reason="which data?")[0].decision == decision


def test_an_unknown_decision_names_the_closest(world: World):
    with pytest.raises(NotApprovedError, match="did you mean 'approval'"):
        decided(world, world.requested(), decision="approve")


def test_a_revoked_request_is_decided_no_more(world: World):
    request = world.requested()
    world.revoke(request)
    with pytest.raises(RevokedError):
        decided(world, request)


def test_an_environment_that_the_policy_does_not_know_is_refused(world: World):
    with pytest.raises(PolicyError):
        decided(world, world.requested(environment="moon"))


def test_each_undecided_gate_is_acknowledged_by_name(world: World):
    world.verdicts |= {ROC: "inconclusive", RATIO: "not_evaluated"}
    request = world.requested()
    with pytest.raises(AcknowledgeError) as refused:
        decided(world, request, acknowledge=(ROC,))
    assert RATIO in refused.value.fact
    assert ROC not in refused.value.fact
    assert f"--acknowledge '{RATIO}'" in refused.value.next
    assert decided(world, request, acknowledge=(ROC, RATIO))[0].acknowledged == (ROC, RATIO)


def test_open_gates_do_not_stop_a_rejection(world: World):
    world.verdicts[ROC] = "inconclusive"
    assert decided(world, world.requested(), decision="rejection", reason="too few rows")


@pytest.mark.parametrize(
    ("rules", "waive", "error"),
    [
        pytest.param('failed = "block"', (waiver(ROC),), AcknowledgeError, id="blocked"),
        pytest.param('failed = "waive"', (), AcknowledgeError, id="left open"),
        pytest.param('failed = "waive"', (waiver(ROC, reason=""),), AcknowledgeError, id="without a reason"),
        pytest.param('failed = "waive"', (waiver(ROC), waiver("x.y")), AcknowledgeError, id="unknown gate"),
        pytest.param('failed = "waive"\nwaive_by = ["risk"]', (waiver(ROC),), RoleError, id="role may not waive"),
    ],
)
def test_a_failed_gate_goes_through_only_with_a_waiver_that_policy_allows(world: World, rules: str, waive, error):
    world.policy = policy(production=f'approvals = 1\nby = ["validator"]\n{rules}')
    world.verdicts[ROC] = "fail"
    with pytest.raises(error):
        decided(world, world.requested(), waive=waive)


def test_a_request_whose_chain_does_not_hold_cannot_be_approved_but_rejected(world: World):
    world.verdicts[ROC] = "fail"
    request = world.requested(failed=())
    with pytest.raises(LinkError):
        decided(world, request)
    assert decided(world, request, decision="rejection", reason="it hides a failed gate")


def test_a_condition_whose_day_is_past_is_refused_before_it_is_signed_for_ever(world: World):
    request = world.requested()
    today = NOW.date()
    for by, refused in ((today - DAY, True), (today, False)):
        condition = Condition(text="measure again", owner="Ana", by=by)
        if refused:
            with pytest.raises(AcknowledgeError, match="is due on 2026-11-20, which is past"):
                decided(world, request, conditions=(condition,))
        else:
            assert decided(world, request, conditions=(condition,))[0].conditions == (condition,)
