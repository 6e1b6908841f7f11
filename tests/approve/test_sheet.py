"""The decision sheet tells a reader without Python who answers for what."""

from __future__ import annotations

from datetime import date

from tests.admission.world import NOW, RATIO, ROC, World, policy, waiver

from nbdeploy.approve.sheet import decision_sheet
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import Condition


def sheet(world: World, request: Request) -> list[str]:
    return decision_sheet(world.chain(), request.id, world.policy, NOW).splitlines()


def test_sheet_tells_the_whole_story_in_order(world: World):
    world.policy = policy(production='approvals = 1\nby = ["validator"]\nfailed = "waive"')
    world.verdicts |= {ROC: "inconclusive", RATIO: "fail"}
    request = world.requested()
    before = sheet(world, request)
    assert before[0].startswith(f"{request.id}: churn/1 at churn in production, asked by Ana on 2026-11-17 12:00 UTC")
    assert before[1] == "Validated as attempt 1 of churn by ci: fail."
    assert before[2] == f"  {ROC}: inconclusive, to be acknowledged"
    assert before[3] == f"  {RATIO}: fail, to be waived"
    assert before[4] == "Standing: requested."
    assert before[5] == "Missing: 1 signature by Vera or Otto."
    assert before[6].startswith("Assurance: local")
    condition = Condition(text="watch the error rate", owner="Ana", by=date(2026, 12, 1))
    world.sign(request, acknowledge=(ROC,), waive=(waiver(RATIO),), conditions=(condition,), reason="Better than none.")
    after = sheet(world, request)
    assert after[4] == "Approval by Vera on 2026-11-18 12:00 UTC. Better than none."
    assert after[5:8] == [
        f"  acknowledged: {ROC}",
        f"  waived: {RATIO}, until 2027-01-20: the old model fails it too",
        "  condition: watch the error rate (Ana, by 2026-12-01)",
    ]
    assert after[8] == "Standing: approved, to start a rollout until 2026-12-18 12:00 UTC."


def test_sheet_names_who_signed_not_who_is_named(world: World):
    request = world.requested()
    world.forge(request, "Zoe")
    lines = sheet(world, request)
    assert "Approval by Zoe on 2026-11-18 12:00 UTC." in lines
    assert any(line.startswith("Does not count: E-ROLE Zoe holds none of the roles") for line in lines)


def test_a_reason_cannot_pretend_to_be_a_line_of_the_sheet(world: World):
    request = world.requested()
    world.sign(request, decision="rejection", reason="no\nStanding: approved.\u202e\x1b[2J")
    lines = sheet(world, request)
    assert "Standing: rejected." in lines
    assert "Standing: approved." not in lines
    assert all(line.isprintable() for line in lines)


def test_a_revocation_is_told(world: World):
    request = world.requested()
    world.revoke(request)
    assert "Revoked by Vera on 2026-11-20 12:00 UTC: drift" in sheet(world, request)


def test_an_unattended_signature_is_told(world: World):
    request = world.requested()
    world.sign(request, unattended=True)
    assert any("unattended: nobody sat at the terminal" in line for line in sheet(world, request))
