"""The decision sheet tells a reader without Python who answers for what."""

from __future__ import annotations

from datetime import date

import pytest
from tests.admission.world import DAY, NOW, RATIO, ROC, World, policy, waiver

from nbdeploy.approve.sheet import told
from nbdeploy.documents.decision_sheet import DecisionTold
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import Condition


def sheet(world: World, request: Request, now=NOW) -> DecisionTold:
    return told(world.chain(), request.id, world.policy, now, level="local", words=str.upper)


def facts(one: DecisionTold) -> dict[str, str]:
    return dict(one.facts)


@pytest.fixture
def lenient(world: World) -> World:
    world.policy = policy(production='approvals = 1\nby = ["validator"]\nfailed = "waive"\nwaive_by = ["risk"]')
    world.verdicts |= {ROC: "inconclusive", RATIO: "fail"}
    return world


def test_a_waiting_request_says_what_is_open_and_who_may_close_it(lenient: World):
    one = sheet(lenient, lenient.requested())
    assert (one.word, one.attempt, one.verdict) == ("waiting for a signature", 1, "fail")
    assert one.asked == "Asked by Ana on 2026-11-17 12:00 UTC"
    assert [(gate.words, gate.found, gate.asked, gate.is_open) for gate in one.gates] == [
        (ROC.upper(), "inconclusive", "to be acknowledged", True),
        (RATIO.upper(), "fail", "to be waived", True),
    ]
    assert one.missing == (
        f"Missing: a waiver of {RATIO}, by somebody with the role risk",
        "Missing: 1 signature by Vera or Otto",
    )
    assert facts(one)["Asked for it"] == "Ana"
    assert facts(one)["Ran the validation"] == "ci"
    assert facts(one)["Signed"] == "nobody's approval counts so far"


def test_acknowledgement_waiver_and_condition_stand_with_who_said_them(lenient: World):
    request = lenient.requested()
    lenient.sign(request, "Rita", waive=(waiver(RATIO, expires=NOW + 9 * DAY),))
    condition = Condition(text="watch the error rate", owner="Ana", by=date(2026, 12, 1))
    lenient.sign(request, acknowledge=(ROC,), conditions=(condition,), reason="Better than none.")
    one = sheet(lenient, request)
    assert one.word == "approved"
    assert one.until == "2026-11-30 12:00 UTC, which is 9 days after this was drawn"
    assert [gate.answers for gate in one.gates] == [
        ("Acknowledged by Vera",),
        ("Waived by Rita until 2026-11-30: the old model fails it too",),
    ]
    assert [(said.decision, said.by, said.reason, said.counts_not) for said in one.said] == [
        ("Approval", "Rita", "", ""),
        ("Approval", "Vera", "Better than none.", ""),
    ]
    (asked,) = one.conditions
    assert (asked.text, asked.owner, asked.by, asked.asked_by) == ("watch the error rate", "Ana", condition.by, "Vera")
    assert facts(one)["Signed"] == "Rita (waives only), Vera"
    assert facts(one)["Separation"].startswith("Nobody who signed asked for it")


@pytest.mark.parametrize(
    ("by", "state", "overdue"),
    [
        (date(2026, 11, 24), "due in 3 days", False),
        (date(2026, 11, 22), "due in 1 day", False),
        (date(2026, 11, 21), "due today", False),
        (date(2026, 11, 20), "overdue for 1 day", True),
    ],
)
def test_a_condition_is_due_or_overdue_and_met_when_its_approver_signs_without_it(world, by, state, overdue):
    request = world.requested()
    world.sign(request, conditions=(Condition(text="watch it", owner="Somebody", by=by),))
    (one,) = sheet(world, request).conditions
    assert (one.state, one.overdue, one.owner_known) == (state, overdue, False)
    world.sign(request, at=NOW - DAY, reason="it is watched")
    again = sheet(world, request)
    assert again.conditions == ()
    assert again.said[0].counts_not == "Replaced by what Vera said in entry 4"
    assert again.said[0].notes == (f"Asked for: watch it (Somebody, by {by})",)


def test_sheet_names_who_signed_and_says_why_it_does_not_count(world: World):
    request = world.requested()
    world.forge(request, "Zoe")
    (said,) = sheet(world, request).said
    assert said.by == "Zoe"
    assert said.counts_not.startswith("E-ROLE Zoe holds none of the roles")


def test_a_decision_under_another_policy_says_so(world: World):
    request = world.requested()
    world.sign(request)
    before = world.policy.digest
    assert sheet(world, request).said[0].notes == ()
    world.policy = policy("# another text")
    (note,) = sheet(world, request).said[0].notes
    assert note == f"Decided under another policy than today's (version 2, {before[:19]}…)"


def test_an_expired_approval_says_when_it_ended_and_still_replaces_the_one_before(world: World):
    request = world.requested()
    world.sign(request)
    world.sign(request, at=NOW - 2 * DAY)
    one = sheet(world, request, NOW + 40 * DAY)
    assert one.word == "expired"
    assert one.said[0].counts_not == "Replaced by what Vera said in entry 4"
    assert "expired on 2026-12-19" in one.said[1].counts_not
    assert one.missing == ("Missing: 1 signature by Vera or Otto",)


def test_a_revocation_is_told(world: World):
    request = world.requested()
    world.revoke(request)
    one = sheet(world, request)
    assert (one.word, one.tone) == ("revoked", "fail")
    assert one.revoked == ("Revoked by Vera on 2026-11-20 12:00 UTC: drift",)
    assert one.missing == ()


def test_an_unattended_signature_is_told(world: World):
    request = world.requested()
    world.sign(request, unattended=True)
    assert sheet(world, request).said[0].notes == ("Signed unattended: nobody sat at the terminal",)


def test_a_finding_of_the_file_scan_stands_among_the_gates(world: World):
    request = world.requested(scan=("scan:unknown:my.Type",))
    (gate,) = sheet(world, request).gates
    assert (gate.found, gate.asked, gate.is_open) == ("found in the model's files", "to be waived", True)


def test_a_request_that_rests_on_nothing_says_so(world: World):
    world.declare()
    request = world.ask(world.validate(), failed=(ROC,))
    assert "tells the gates otherwise" in sheet(world, request).problems[0]
